import { isObject } from '../../../../options.ts'
import type { AdminClient } from '../client/admin-client.ts'
import { failure } from '../client/failure.ts'
import { expected, MANAGE_USERS } from './upstream-sessions.ts'

const ATTRIBUTE = 'last_logout_time'
/** How many times it is written if another change undoes it. */
const MAX_WRITES = 3

/**
 * Writes the user attribute `last_logout_time` (unix seconds), unless it is already as late. Keycloak replaces a user
 * as a whole, so the user is read, sent back with the attribute, and read again. `enabled`, credentials and required
 * actions, which another administrator may be changing, and `notBefore` are omitted. Rejects as `AdminClient` does.
 */
export async function writeLastLogoutTime(admin: AdminClient, sub: string, seconds: number): Promise<void> {
  for (let writes = 0; ; writes += 1) {
    const { status, body } = expected(await admin.get(['users', sub], MANAGE_USERS))
    if (status === 404) return
    if (!isObject(body))
      throw failure(
        'not_json',
        'Keycloak sent something other than a user: check baseUrl, and any proxy in front of Keycloak',
      )
    if (writtenTime(body) >= seconds) return
    if (writes === MAX_WRITES) throw notKept()
    expected(await admin.put(['users', sub], changed(body, seconds), MANAGE_USERS))
  }
}

function changed(user: Record<string, unknown>, seconds: number): Record<string, unknown> {
  const {
    enabled: _enabled,
    credentials: _credentials,
    requiredActions: _actions,
    notBefore: _notBefore,
    ...kept
  } = user
  return { ...kept, attributes: { ...attributesOf(user), [ATTRIBUTE]: [String(seconds)] } }
}

function writtenTime(user: Record<string, unknown>): number {
  const [value] = [attributesOf(user)[ATTRIBUTE]].flat()
  const seconds = Number(value ?? 0)
  return Number.isFinite(seconds) ? seconds : 0
}

function attributesOf({ attributes }: Record<string, unknown>): Record<string, unknown> {
  return isObject(attributes) ? attributes : {}
}

function notKept(): Error {
  return failure(
    'act_refused',
    `Keycloak did not keep the user attribute '${ATTRIBUTE}': add it to the realm's user profile, editable by administrators`,
  )
}
