// A page beside a worker that was built by itself. It is no input of a bundler.

const pending = new Map()
const worker = new Worker('/worker.js')
worker.onmessage = ({ data }) => pending.get(data.id)(data)
worker.onerror = (event) => console.error(event.message)
window.ask = (token, scope) =>
  new Promise((resolve, reject) => {
    const id = pending.size
    pending.set(id, (answer) => (answer.error === undefined ? resolve(answer) : reject(new Error(answer.error))))
    worker.postMessage({ id, options: window.GATE_OPTIONS, token, scope })
  })
