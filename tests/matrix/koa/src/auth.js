import { gate } from './gate.js'

/** Lets requests through whose token is good; the verdict is in ctx.state.auth. */
export function protect(options) {
  const authenticate = gate.authenticator(options)
  return async (ctx, next) => {
    const verdict = await authenticate(requestOf(ctx.req))
    if (!verdict.ok) {
      ctx.body = gate.challenge(verdict)
      return
    }
    ctx.state.auth = verdict
    await next()
  }
}

/** Joins repeated fields as fetch does; Node's `headers` would drop a second Authorization. */
function requestOf({ method, headersDistinct }) {
  return { method, headers: { get: (name) => headersDistinct[name.toLowerCase()]?.join(', ') ?? null } }
}
