import { defineMiddleware } from 'astro:middleware'
import { askDirectory } from './directory'
import { gate } from './gate'

/** Routes that need no token. Every other route needs one, some with more access options. */
const PUBLIC = new Set(['/', '/login'])
const ROUTES = new Map([
  ['/read', gate.authenticator({ scope: ['read'] })],
  ['/write', gate.authenticator({ scope: ['write'] })],
  ['/directory', gate.authenticator({ authorize: askDirectory })],
])
const anyToken = gate.authenticator()

/** Passes requests with a valid token on; the verdict is in Astro.locals.auth. */
export const onRequest = defineMiddleware(async (context, next) => {
  // A page that is rendered at build time has no request.
  if (context.isPrerendered || PUBLIC.has(context.routePattern)) return next()
  const authenticate = ROUTES.get(context.routePattern) ?? anyToken
  const verdict = await authenticate(context.request)
  if (!verdict.ok) return gate.challenge(verdict)
  context.locals.auth = verdict
  return next()
})
