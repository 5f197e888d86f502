import type { Handle } from '@sveltejs/kit/hooks'
import { gate } from './lib/server/gate'

/** What each route needs; a route that is not named here is public. */
const ROUTES = new Map([
  ['/read', gate.authenticator({ scope: ['read'] })],
  ['/write', gate.authenticator({ scope: ['write'] })],
  ['/broken', gate.authenticator({ authorize: unreachable })],
])

/** Lets requests through whose token is good; the verdict is in event.locals.auth. */
export const handle: Handle = async ({ event, resolve }) => {
  const authenticate = ROUTES.get(event.route.id ?? '')
  if (authenticate === undefined) return resolve(event)
  const verdict = await authenticate(event.request)
  if (!verdict.ok) return gate.challenge(verdict)
  event.locals.auth = verdict
  return resolve(event)
}

function unreachable(): boolean {
  throw new Error('the directory is unreachable')
}
