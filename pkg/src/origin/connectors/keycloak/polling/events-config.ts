import { isObject } from '../../../../options.ts'
import type { AdminClient } from '../client/admin-client.ts'
import { failure } from '../client/failure.ts'
import { VIEW_EVENTS } from './event-page.ts'

/** A realm's settings for stored events. */
export interface EventsConfig {
  userEvents: 'stored' | 'not_stored'
  /** The types of user events that are stored. */
  userEventTypes: ReadonlySet<string>
  /** How long user events are kept, in seconds; `undefined`: for ever. */
  userEventsSeconds: number | undefined
  adminEvents: 'stored' | 'not_stored'
  /** Whether admin events say what was changed. */
  adminDetails: 'stored' | 'not_stored'
}

/** Rejects with `connector_failed`. */
export async function readEventsConfig(client: AdminClient): Promise<EventsConfig> {
  const { body } = await client.get(['events', 'config'], { right: VIEW_EVENTS })
  if (!isObject(body))
    throw failure(
      'not_json',
      'Keycloak answered the request for the configuration of its events with something else: check its version',
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
 * How long admin events are kept, in seconds; `undefined`: for ever, or the account lacks the right `view-realm` to
 * read it. Rejects with `connector_failed`.
 */
export async function readAdminEventsSeconds(client: AdminClient): Promise<number | undefined> {
  const { body } = await client.get([], { right: 'view-realm' })
  const attributes = isObject(body) ? body['attributes'] : undefined
  return secondsOf(isObject(attributes) ? Number(attributes['adminEventsExpiration']) : undefined)
}

function stored(flag: unknown): 'stored' | 'not_stored' {
  return flag === true ? 'stored' : 'not_stored'
}

/** Keycloak's 0 stands for no end. */
function secondsOf(value: unknown): number | undefined {
  return Number.isSafeInteger(value) && (value as number) > 0 ? (value as number) : undefined
}
