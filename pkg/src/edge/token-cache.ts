import type { Entry } from '../core/token-buffer.ts'
import { LazyClaims } from './claims.ts'
import type { Finding } from './core/core.ts'

/** A token that was accepted again, and when. It is itself what was found. */
export interface CachedVerdict extends Finding {
  reason: undefined
  readonly token: string
  readonly contents: LazyClaims
  /** What the core knows it by. */
  entry: Entry
  /** The moment for which the finding holds; at another the core must be asked. */
  moment: number
}

/**
 * Tokens that come again and again, so that their claims are read once and the core is asked once a moment. A token is only
 * entered when the core knew its signature already: what is shown once leaves no trace here. Bounded by two generations,
 * each of half the room: when the young are too many the old go, but for those that were asked for meanwhile.
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

  /** How many tokens it holds. */
  get size(): number {
    return this.#young.size + this.#old.size
  }

  /** The memo of exactly this token: the end of its signature only finds it, the whole text decides. */
  get(token: string): CachedVerdict | undefined {
    const key = keyOf(token)
    const memo = this.#young.get(key)
    if (memo !== undefined) return memo.token === token ? memo : undefined
    const old = this.#old.get(key)
    if (old === undefined || old.token !== token) return undefined
    this.#enter(key, old)
    return old
  }

  /** Enters a token that was accepted; it may be too big. */
  add(token: string, realm: number | undefined, entry: Entry, moment: number): CachedVerdict {
    const own = copy(token)
    const memo: CachedVerdict = { reason: undefined, realm, behind: false, remembered: true, undecided: false, token: own, contents: new LazyClaims(own), entry, moment }
    if (weight(own) <= this.#maxBytes / LARGEST_SHARE) this.#enter(keyOf(own), memo)
    return memo
  }

  #enter(key: number, memo: CachedVerdict): void {
    if (this.#maxEntries === 0) return
    if (this.#young.size >= this.#maxEntries || this.#youngBytes + weight(memo.token) > this.#maxBytes) {
      this.#old = this.#young
      this.#young = new Map()
      this.#youngBytes = 0
    } else {
      this.#old.delete(key)
    }
    const before = this.#young.get(key)
    this.#youngBytes += weight(memo.token) - (before === undefined ? 0 : weight(before.token))
    this.#young.set(key, memo)
  }
}

/** Enough of the signature to tell tokens apart. */
const KEY_CHARACTERS = 8
/** What fits the small integers of every engine. As a key it needs no text cut out and hashed, half of what a look-up would cost. */
const KEY_BITS = 0x3fff_ffff
/** No token may take more than this part of a generation's room. */
const LARGEST_SHARE = 4
/** Bytes of an entry in the map, the memo and the objects around the claims. */
const ENTRY_BYTES = 500

/** Tokens that share a key, one in a hundred thousand of a full memory, put each other out. */
function keyOf(token: string): number {
  let key = 0
  for (let at = token.length - KEY_CHARACTERS; at < token.length; at++) key = Math.imul(key, 31) + token.charCodeAt(at)
  return key & KEY_BITS
}

/** About what a token takes up: its text, a byte for each character, and its claims as objects, about half as much again. */
function weight(token: string): number {
  return Math.ceil(token.length * 1.5) + ENTRY_BYTES
}

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** A text of its own: one cut out of a longer text, such as a header, would keep all of that. */
function copy(token: string): string {
  return decoder.decode(encoder.encode(token))
}
