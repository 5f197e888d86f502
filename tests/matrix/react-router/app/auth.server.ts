import type { Accepted, AccessOptions } from 'portcullis'
import { createContext, type MiddlewareFunction } from 'react-router'
import { gate } from './gate.server'

export const authContext = createContext<Accepted>()

/** Passes requests with a valid token on; the verdict is in context.get(authContext). */
export function protect(options?: AccessOptions): MiddlewareFunction<Response> {
  const authenticate = gate.authenticator(options)
  return async ({ request, context }, next) => {
    const verdict = await authenticate(request)
    if (!verdict.ok) throw gate.challenge(verdict)
    context.set(authContext, verdict)
    return next()
  }
}
