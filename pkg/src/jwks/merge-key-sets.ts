import { isObject } from '../options.ts'

/** The core's limit for one JWK set. */
const MAX_KEYS = 100

/**
 * Adds the keys of an earlier JWK set whose `kid` the fetched one lacks. For sets fetched because of unknown key ids, which may
 * be made up: a key that one response omits stays in use until the set is due.
 */
export function mergeKeySets(fetched: Uint8Array, earlier: Uint8Array): Uint8Array {
  const own = keysOf(fetched)
  const ids = new Set(own.filter(isObject).map(({ kid }) => kid))
  const kept = keysOf(earlier).filter((key) => isObject(key) && typeof key.kid === 'string' && !ids.has(key.kid))
  // A set without keys is refused, also if the earlier one had some.
  if (kept.length === 0 || own.length === 0) return fetched
  return new TextEncoder().encode(JSON.stringify({ keys: [...own, ...kept.slice(0, Math.max(0, MAX_KEYS - own.length))] }))
}

function keysOf(json: Uint8Array): unknown[] {
  const { keys } = JSON.parse(new TextDecoder().decode(json)) as { keys: unknown[] }
  return keys
}
