// The page's side of a web worker.

/** Defines `window.ask`, which forwards to the worker. */
export function askThrough(worker) {
  const pending = new Map()
  worker.onmessage = ({ data }) => pending.get(data.id)(data)
  worker.onerror = (event) => console.error(event.message)
  window.ask = (token, scope) =>
    new Promise((resolve, reject) => {
      const id = pending.size
      pending.set(id, (answer) => (answer.error === undefined ? resolve(answer) : reject(new Error(answer.error))))
      worker.postMessage({ id, options: window.GATE_OPTIONS, token, scope })
    })
}
