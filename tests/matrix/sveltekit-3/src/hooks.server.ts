import type { Handle } from '@sveltejs/kit/hooks'
import type { Authenticator } from 'portcullis'
import { askDirectory } from './lib/server/directory'
import { gate } from './lib/server/gate'

/** Routes that need no token. Every other route needs one, some with more access options. */
const PUBLIC = new Set<string | null>(['/', '/login'])
const ROUTES = new Map<string | null, Authenticator>([
  ['/read', gate.authenticator({ scope: ['read'] })],
  ['/write', gate.authenticator({ scope: ['write'] })],
  ['/directory', gate.authenticator({ authorize: askDirectory })],
])
const anyToken = gate.authenticator()

/** Passes requests with a valid token on; the verdict is in event.locals.auth. */
export const handle: Handle = async ({ event, resolve }) => {
  if (PUBLIC.has(event.route.id)) return resolve(event)
  const authenticate = ROUTES.get(event.route.id) ?? anyToken
  const verdict = await authenticate(event.request)
  if (!verdict.ok) return gate.challenge(verdict)
  event.locals.auth = verdict
  return resolve(event)
}
