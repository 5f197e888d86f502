// The page's side of a worker.

/** Puts `window.ask` in front of it. */
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
