import type { Handle } from '@sveltejs/kit'
import { gate } from '$lib/gate'

const scopes: Record<string, string> = { '/read': 'read', '/write': 'write' }

export const handle: Handle = async ({ event, resolve }) => {
  const scope = scopes[event.url.pathname]
  if (scope === undefined) return resolve(event)
  const auth = await gate.authenticate(event.request, { scope: [scope] })
  if (!auth.ok) return gate.challenge(auth)
  event.locals.auth = auth
  return resolve(event)
}
