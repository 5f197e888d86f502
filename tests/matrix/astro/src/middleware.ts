import { defineMiddleware } from 'astro:middleware'
import { askDirectory } from './directory'
import { gate } from './gate'

/** Routes that need no token. Every other route needs one, and these more. */
const PUBLIC = new Set(['/', '/login'])
const ROUTES = new Map([
  ['/read', gate.authenticator({ scope: ['read'] })],
  ['/write', gate.authenticator({ scope: ['write'] })],
  ['/directory', gate.authenticator({ authorize: askDirectory })],
])
const anyToken = gate.authenticator()

/** Lets requests through whose token is good; the verdict is in Astro.locals.auth. */
export const onRequest = defineMiddleware(async (context, next) => {
  // A page that is rendered by the build has no request yet.
  if (context.isPrerendered || PUBLIC.has(context.routePattern)) return next()
  const authenticate = ROUTES.get(context.routePattern) ?? anyToken
  const verdict = await authenticate(context.request)
  if (!verdict.ok) return gate.challenge(verdict)
  context.locals.auth = verdict
  return next()
})
