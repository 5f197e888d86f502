import type { SESSION_REQUIRED, LOGOUT_URL, Mapper } from '../../keycloak/registered-client.ts'

/** One setting that differs: the value read (`before`) and the wanted one (`after`). Swapped, it is the undo. */
export type Change =
  | { readonly kind: 'realm'; readonly setting: RealmSetting; readonly before: RealmValue; readonly after: RealmValue }
  | {
      readonly kind: 'client'
      readonly client: string
      readonly id: string
      readonly setting: ClientSetting
      readonly before: string
      readonly after: string
    }
  | {
      readonly kind: 'mapper'
      readonly client: string
      readonly id: string
      readonly name: string
      readonly before: Mapper | null
      readonly after: Mapper | null
    }
  /** A service account: `before` and `after` are its internal UUID, or null if it does not exist. */
  | { readonly kind: 'account'; readonly client: string; readonly before: string | null; readonly after: string | null }
  /** A right of a service account: a role of `realm-management`. */
  | {
      readonly kind: 'right'
      readonly client: string
      readonly right: string
      readonly before: boolean
      readonly after: boolean
    }

export type RealmSetting =
  | 'eventsEnabled'
  | 'enabledEventTypes'
  | 'eventsExpiration'
  | 'adminEventsEnabled'
  | 'adminEventsDetailsEnabled'
  | 'adminEventsExpiration'
export type RealmValue = boolean | number | readonly string[] | null
export type ClientSetting = 'adminUrl' | typeof LOGOUT_URL | typeof SESSION_REQUIRED

export function reversed(change: Change): Change {
  return { ...change, before: change.after, after: change.before } as Change
}

/** Describes a change in one line, for consent. */
export function sentenceOf(change: Change): string {
  switch (change.kind) {
    case 'realm':
      return `realm: ${change.setting}: ${differenceOf(change.before, change.after)}`
    case 'client':
      return `client ${change.client}: ${change.setting}: ${shown(change.before)} -> ${shown(change.after)}`
    case 'mapper':
      return `client ${change.client}: protocol mapper '${change.name}': ${change.after === null ? 'removed' : 'added'}`
    case 'account':
      return `client ${change.client}, a service account: ${change.after === null ? 'deleted' : 'created'}`
    case 'right':
      return `client ${change.client}: role ${change.right} of realm-management: ${change.after ? 'assigned' : 'removed'}`
  }
}

/** Describes a difference. Lists of event types are long, so only differences are shown. */
function differenceOf(before: RealmValue, after: RealmValue): string {
  if (!Array.isArray(before) || !Array.isArray(after)) return `${shown(before)} -> ${shown(after)}`
  if (before.length === 0) return `the default types -> ${after.length} types, including those`
  if (after.length === 0) return 'the listed types -> the default types'
  const added = after.filter((each) => !before.includes(each)).map((each) => `+${each}`)
  const removed = before.filter((each) => !after.includes(each)).map((each) => `-${each}`)
  return [...added, ...removed].join(' ')
}

function shown(value: RealmValue | string): string {
  return value === null || value === '' ? 'none' : String(value)
}
