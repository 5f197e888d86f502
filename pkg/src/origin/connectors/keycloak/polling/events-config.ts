import { isObject } from '../../../../options.ts'
import type { AdminClient } from '../client/admin-client.ts'
import { failure } from '../client/failure.ts'
import { VIEW_EVENTS } from './event-page.ts'

/** A realm's settings for stored events. */
interface EventsConfig {
  userEvents: 'stored' | 'not_stored'
  /** The stored types of user events. */
  userEventTypes: ReadonlySet<string>
  /** How long user events are kept, in seconds; `undefined` if without limit. */
  userEventsSeconds: number | undefined
  adminEvents: 'stored' | 'not_stored'
  /** Whether admin events include the change that was made. */
  adminDetails: 'stored' | 'not_stored'
}

/** Rejects with `connector_failed`. */
export async function readEventsConfig(client: AdminClient): Promise<EventsConfig> {
  const { body } = await client.get(['events', 'config'], { right: VIEW_EVENTS })
  if (!isObject(body))
    throw failure(
      'not_json',
      "Keycloak's response to the request for its events configuration has an unexpected form: check its version",
    )
  const {
    eventsEnabled,
    enabledEventTypes: types,
    eventsExpiration,
    adminEventsEnabled,
    adminEventsDetailsEnabled,
  } = body
  return {
    userEvents: stored(eventsEnabled),
    userEventTypes: new Set(Array.isArray(types) ? types.filter((type) => typeof type === 'string') : []),
    userEventsSeconds: secondsOf(eventsExpiration),
    adminEvents: stored(adminEventsEnabled),
    adminDetails: stored(adminEventsDetailsEnabled),
  }
}

/**
 * Returns how long admin events are kept, in seconds; `undefined` if without limit, or if the account lacks the right
 * `view-realm`. Rejects with `connector_failed`.
 */
export async function readAdminEventsSeconds(client: AdminClient): Promise<number | undefined> {
  const { body } = await client.get([], { right: 'view-realm' })
  const attributes = isObject(body) ? body['attributes'] : undefined
  return secondsOf(isObject(attributes) ? Number(attributes['adminEventsExpiration']) : undefined)
}

function stored(flag: unknown): 'stored' | 'not_stored' {
  return flag === true ? 'stored' : 'not_stored'
}

/** Returns a limit in seconds, or `undefined` if there is no limit, for which Keycloak uses 0. */
function secondsOf(value: unknown): number | undefined {
  return Number.isSafeInteger(value) && (value as number) > 0 ? (value as number) : undefined
}
