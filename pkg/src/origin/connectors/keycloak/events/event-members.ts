import { isObject } from '../../../../options.ts'
import { isName } from '../../../core/name.ts'
import type { StoredEvent } from './events.ts'

type Members = Readonly<Record<string, unknown>>

/** Longer representations are not read; those that matter have a few kilobytes. */
const MAX_REPRESENTATION_CHARACTERS = 262_144

/** Reads id and time of an event. Returns `undefined` if either is missing: then it is not an event. */
export function readIdentity(event: Members): Omit<StoredEvent, 'because'> | undefined {
  const { id, time } = event
  return isName(id) && Number.isSafeInteger(time) && (time as number) > 0 ? { id, time: time as number } : undefined
}

/** Reads a member that is a name. */
export function nameIn(members: Members | undefined, member: string): string | undefined {
  const value = members?.[member]
  return isName(value) ? value : undefined
}

/** Reads a string member; other types count as absent. */
export function stringIn(members: Members, member: string): string {
  const value = members[member]
  return typeof value === 'string' ? value : ''
}

/** Reads a boolean member. */
export function flagIn(members: Members, member: string): boolean | undefined {
  const value = members[member]
  return typeof value === 'boolean' ? value : undefined
}

/** Reads a member in unix seconds. Keycloak's values have 32 bits: a greater one is not in seconds. */
export function secondsIn(members: Members, member: string): number | undefined {
  const value = members[member]
  return Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) < 2 ** 31
    ? (value as number)
    : undefined
}

/** Reads a member that is an object. */
export function objectIn(members: Members, member: string): Members | undefined {
  const value = members[member]
  return isObject(value) ? value : undefined
}

/** Parses `representation`, a string of JSON. Returns `undefined` if it is missing, too long, or not an object. */
export function representationOf({ representation }: Members): Members | undefined {
  if (typeof representation !== 'string' || representation.length > MAX_REPRESENTATION_CHARACTERS) return undefined
  try {
    const parsed: unknown = JSON.parse(representation)
    return isObject(parsed) ? parsed : undefined
  } catch {
    return undefined
  }
}
