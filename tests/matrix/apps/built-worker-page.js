// A page beside a worker that was built by itself. It is no input of a bundler.

const pending = new Map()
const worker = new Worker('/worker.js')
worker.onmessage = ({ data }) => pending.get(data.id)(data)
worker.onerror = (event) => console.error(event.message)
window.ask = (token, scope) =>
  new Promise((resolve) => {
    const id = pending.size
    pending.set(id, resolve)
    worker.postMessage({ id, options: window.GATE_OPTIONS, token, scope })
  })
