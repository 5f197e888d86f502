import { defineMiddleware } from 'h3'
import type { Accepted, AccessOptions } from 'portcullis'
import { gate } from './gate.ts'

declare module 'h3' {
  interface H3EventContext {
    auth: Accepted
  }
}

/** Passes requests with a valid token on; the verdict is in event.context.auth. */
export function protect(options?: AccessOptions) {
  const authenticate = gate.authenticator(options)
  return defineMiddleware(async (event, next) => {
    const verdict = await authenticate(event.req, { waitUntil: (promise) => event.waitUntil(promise) })
    if (!verdict.ok) return gate.challenge(verdict)
    event.context.auth = verdict
    return next()
  })
}
