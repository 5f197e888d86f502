import type { CachedTokenId } from '../core/token-buffer.ts'
import { LazyClaims } from './claims.ts'
import type { Finding } from './core/finding.ts'

/** The finding for an accepted token, with its claims and the state for which it holds. */
export interface CachedVerdict extends Finding {
  reason: undefined
  readonly token: string
  readonly lazyClaims: LazyClaims
  /** Its id in the core's cache. */
  id: CachedTokenId
  /** The state for which the finding holds; if it differs, the core must recheck the token. */
  stateStamp: number
}

/**
 * Caches repeated tokens, so that their claims are parsed once and the core is called once for each state stamp. A
 * token is only added once the core has cached its signature, so a token presented once takes no room here. Bounded by
 * two generations of half the size each: when the young one is full, the old one is evicted, except for tokens used
 * meanwhile.
 */
export class TokenCache {
  readonly #maxEntries: number
  readonly #maxBytes: number
  #young = new Map<number, CachedVerdict>()
  #old = new Map<number, CachedVerdict>()
  #youngBytes = 0

  constructor(maxEntries: number, maxBytes: number) {
    this.#maxEntries = Math.floor(maxEntries / 2)
    this.#maxBytes = Math.floor(maxBytes / 2)
  }

  /** The number of cached tokens. */
  get size(): number {
    return this.#young.size + this.#old.size
  }

  /**
   * Returns the verdict on exactly this token: the key is derived from the end of its signature, and the whole string
   * is compared.
   */
  get(token: string): CachedVerdict | undefined {
    const key = keyOf(token)
    const young = this.#young.get(key)
    if (young !== undefined) return young.token === token ? young : undefined
    const old = this.#old.get(key)
    if (old === undefined || old.token !== token) return undefined
    this.#insert(key, old)
    return old
  }

  /** Adds an accepted token, unless it is too large. */
  add(token: string, realm: number | undefined, id: CachedTokenId, stateStamp: number): CachedVerdict {
    const own = copy(token)
    const verdict: CachedVerdict = {
      reason: undefined,
      realm,
      behind: false,
      remembered: true,
      undecided: false,
      token: own,
      lazyClaims: new LazyClaims(own),
      id,
      stateStamp,
    }
    if (weight(own) <= this.#maxBytes / LARGEST_SHARE) this.#insert(keyOf(own), verdict)
    return verdict
  }

  #insert(key: number, verdict: CachedVerdict): void {
    if (this.#maxEntries === 0) return
    if (this.#young.size >= this.#maxEntries || this.#youngBytes + weight(verdict.token) > this.#maxBytes) {
      this.#old = this.#young
      this.#young = new Map()
      this.#youngBytes = 0
    } else {
      this.#old.delete(key)
    }
    const before = this.#young.get(key)
    this.#youngBytes += weight(verdict.token) - (before === undefined ? 0 : weight(before.token))
    this.#young.set(key, verdict)
  }
}

/** Enough characters of the signature to tell tokens apart. */
const KEY_CHARACTERS = 8
/** Fits the small integers of every engine. Slicing and hashing a string as key would double the cost of a lookup. */
const KEY_BITS = 0x3fff_ffff
/** A token may take at most this fraction of a generation. */
const LARGEST_SHARE = 4
/** Bytes of an entry in the map, the verdict and the objects around the claims. */
const ENTRY_BYTES = 500

/** Returns the key of a token. Tokens that share one, one in a hundred thousand of a full cache, evict each other. */
function keyOf(token: string): number {
  let key = 0
  for (let at = token.length - KEY_CHARACTERS; at < token.length; at++) key = Math.imul(key, 31) + token.charCodeAt(at)
  return key & KEY_BITS
}

/**
 * Returns the approximate size of a token: a byte for each character, and about half as much again for its claims as
 * objects.
 */
function weight(token: string): number {
  return Math.ceil(token.length * 1.5) + ENTRY_BYTES
}

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** Copies a string, because a slice of a longer one, such as a header, would keep all of it in memory. */
function copy(token: string): string {
  return decoder.decode(encoder.encode(token))
}
