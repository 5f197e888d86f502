import { readFileSync } from 'node:fs'

type Events = Readonly<Record<string, Record<string, unknown>>>

/** User events of a Keycloak 26.7.3, keyed by action. */
export const USER_EVENTS: Events = read('user-events.json')
/** Its admin events, keyed by action. */
export const ADMIN_EVENTS: Events = read('admin-events.json')

/** Returns the event of an action. */
export function userEvent(action: string): Record<string, unknown> {
  return one(USER_EVENTS, action)
}

export function adminEvent(action: string): Record<string, unknown> {
  return one(ADMIN_EVENTS, action)
}

function one(events: Events, action: string): Record<string, unknown> {
  const event = events[action]
  if (event === undefined) throw new Error(`the action '${action}' has no event`)
  return structuredClone(event)
}

function read(file: string): Events {
  return JSON.parse(readFileSync(new URL(file, import.meta.url), 'utf8')) as Events
}
