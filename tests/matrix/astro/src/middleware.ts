import { defineMiddleware } from 'astro:middleware'
import { gate } from './gate'

/** What each route needs; a route that is not named here is public. */
const ROUTES = new Map([
  ['/read', gate.authenticator({ scope: ['read'] })],
  ['/write', gate.authenticator({ scope: ['write'] })],
  ['/broken', gate.authenticator({ authorize: unreachable })],
])

/** Lets requests through whose token is good; the verdict is in Astro.locals.auth. */
export const onRequest = defineMiddleware(async (context, next) => {
  const authenticate = ROUTES.get(context.routePattern)
  if (authenticate === undefined) return next()
  const verdict = await authenticate(context.request)
  if (!verdict.ok) return gate.challenge(verdict)
  context.locals.auth = verdict
  return next()
})

function unreachable(): boolean {
  throw new Error('the directory is unreachable')
}
