import { isObject } from '../options.ts'

/** Limits of the core for one JWK set. */
const MAX_KEYS = 100

/**
 * A JWK set with the keys of the one before whose `kid` it does not name. For sets that tokens with made-up key ids have had
 * fetched: what an issuer leaves out of one answer must not go before the set is due.
 */
export function withKept(json: Uint8Array, before: Uint8Array): Uint8Array {
  const own = keysOf(json)
  const ids = new Set(own.filter(isObject).map(({ kid }) => kid))
  const kept = keysOf(before).filter((key) => isObject(key) && typeof key.kid === 'string' && !ids.has(key.kid))
  // A set without keys is refused, whatever was there before.
  if (kept.length === 0 || own.length === 0) return json
  return new TextEncoder().encode(JSON.stringify({ keys: [...own, ...kept.slice(0, Math.max(0, MAX_KEYS - own.length))] }))
}

function keysOf(json: Uint8Array): unknown[] {
  const { keys } = JSON.parse(new TextDecoder().decode(json)) as { keys: unknown[] }
  return keys
}
