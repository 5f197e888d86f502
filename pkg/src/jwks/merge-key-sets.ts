import { isObject } from '../options.ts'
import type { JWK } from '../types.ts'
import { identityOf } from './key-identity.ts'
import { MAX_KEYS } from './limits.ts'

/**
 * Adds the keys of an earlier JWK set that the fetched one lacks. For sets fetched because of unknown key ids, which
 * may be made up: a key that one response omits stays in use until the set is due. Two keys may share a `kid`, and a
 * key may have none.
 */
export function mergeKeySets(fetched: Uint8Array, earlier: Uint8Array): Uint8Array {
  const own = keysOf(fetched)
  const found = new Set(own.filter(isJwk).map(identityOf))
  const kept = keysOf(earlier).filter((key) => isJwk(key) && !found.has(identityOf(key)))
  // A set without keys is refused, even if the earlier one had some.
  if (kept.length === 0 || own.length === 0) return fetched
  return new TextEncoder().encode(
    JSON.stringify({ keys: [...own, ...kept.slice(0, Math.max(0, MAX_KEYS - own.length))] }),
  )
}

function keysOf(json: Uint8Array): unknown[] {
  const { keys } = JSON.parse(new TextDecoder().decode(json)) as { keys: unknown[] }
  return keys
}

function isJwk(key: unknown): key is JWK {
  return isObject(key)
}
