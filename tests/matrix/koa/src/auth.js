import { requestLike } from 'portcullis/node'
import { gate } from './gate.js'

/** Passes requests with a valid token on; the verdict is in ctx.state.auth. */
export function protect(options) {
  const authenticate = gate.authenticator(options)
  return async (ctx, next) => {
    const verdict = await authenticate(requestLike(ctx.req))
    if (!verdict.ok) {
      ctx.body = gate.challenge(verdict)
      return
    }
    ctx.state.auth = verdict
    await next()
  }
}
