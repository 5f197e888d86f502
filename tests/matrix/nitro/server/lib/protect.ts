import { defineEventHandler, type H3Event } from 'h3'
import type { Accepted, AccessOptions } from 'portcullis'
import { gate } from './gate'

/** Wraps a handler for requests with a valid token. */
export function protect<Result>(handler: (event: H3Event, auth: Accepted) => Result, options?: AccessOptions) {
  const authenticate = gate.authenticator(options)
  return defineEventHandler(async (event) => {
    const env = event.context.cloudflare?.env ?? process.env
    const verdict = await authenticate(event, { env, waitUntil: event.waitUntil })
    return verdict.ok ? handler(event, verdict) : gate.challenge(verdict)
  })
}
