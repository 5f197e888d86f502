import { identityOf } from '../../jwks/key-identity.ts'
import { MAX_JWKS_BYTES, MAX_KEYS } from '../../jwks/limits.ts'
import type { FetchCause } from '../../jwks/remote-jwks.ts'
import type { JWK } from '../../types.ts'
import type { WithdrawnKey } from '../core/gate.ts'

/**
 * The minimum time between two polls that lack a key: an issuer's nodes and caches differ for a moment during a
 * rotation.
 */
const CONFIRM_AFTER_MS = 2_000
/**
 * The maximum number of keys remembered as in use, so that an issuer that returns different keys at every lookup does
 * not fill the memory.
 */
const MAX_HELD = 2 * MAX_KEYS
/**
 * The maximum number of withdrawn keys remembered: as many as the core takes. Issuers rotate a key or two at a time.
 */
const MAX_WITHDRAWN = 16

interface HeldKey {
  jwk: JWK
  /** The time of the first of the latest consecutive polls that lacked it; `undefined` if the last one had it. */
  missedAtMs: number | undefined
  /** `ledger`: the feed had it before this process, which has not seen it at the issuer. */
  seenAt: 'issuer' | 'ledger'
}

/**
 * Tracks which keys of an issuer are in use and which are withdrawn. A lookup only adds keys. A key is withdrawn when
 * consecutive polls lack it, the last of them at least two seconds after the first, or at once when the issuer's
 * current set is requested explicitly.
 */
export class KeyRoll {
  /** Keyed by their public members. */
  #held = new Map<string, HeldKey>()
  #withdrawn = new Map<string, WithdrawnKey>()
  #pollAgainAtMs = Infinity

  /**
   * Adds keys that the feed had before this process. They stay there until the issuer is known to have dropped them.
   */
  remember(keys: readonly JWK[]): void {
    for (const jwk of keys) {
      const id = identityOf(jwk)
      if (!this.#held.has(id)) this.#held.set(id, { jwk, missedAtMs: undefined, seenAt: 'ledger' })
    }
  }

  /** Whether every key of a set is already in use. */
  has(keys: readonly JWK[]): boolean {
    return keys.every((jwk) => this.#held.get(identityOf(jwk))?.seenAt === 'issuer')
  }

  /** Records the usable keys of a fetched set. */
  fetched(keys: readonly JWK[], fetch: FetchCause, nowMs: number): void {
    const found = new Set(keys.map(identityOf))
    for (const jwk of keys) {
      this.#held.set(identityOf(jwk), { jwk, missedAtMs: undefined, seenAt: 'issuer' })
      this.#withdrawn.delete(identityOf(jwk))
    }
    for (const id of this.#held.keys()) {
      if (this.#held.size <= MAX_HELD) break
      if (!found.has(id)) this.#held.delete(id)
    }
    if (fetch === 'lookup') return
    for (const [id, key] of this.#held) if (!found.has(id)) this.#missed(id, key, fetch, nowMs)
    this.#pollAgainAtMs = Math.min(
      ...[...this.#held.values()].map(({ missedAtMs = Infinity }) => missedAtMs + CONFIRM_AFTER_MS),
    )
  }

  /** Records a failed poll, which says nothing about any key: polls that lack one must be consecutive. */
  failed(nowMs: number): void {
    if (this.#pollAgainAtMs === Infinity) return
    for (const key of this.#held.values()) key.missedAtMs = undefined
    this.#pollAgainAtMs = nowMs
  }

  /** When to poll again although the set is recent; `Infinity` if not needed. */
  get pollAgainAtMs(): number {
    return this.#pollAgainAtMs
  }

  /** Returns keys that are missing from the issuer's last set but still in use. */
  kept(fetched: readonly JWK[]): JWK[] {
    const found = new Set(fetched.map(identityOf))
    const kept = [...this.#held].filter(([id, { seenAt }]) => seenAt === 'issuer' && !found.has(id))
    return fitting(
      kept.map(([, { jwk }]) => jwk),
      fetched,
    )
  }

  /** The keys that only the feed has. */
  get inFeedOnly(): JWK[] {
    return [...this.#held.values()].filter(({ seenAt }) => seenAt === 'ledger').map(({ jwk }) => jwk)
  }

  /** The withdrawn keys, longest withdrawn first. */
  get withdrawn(): WithdrawnKey[] {
    const unconfirmed = [...this.#held.values()].flatMap(({ jwk, seenAt, missedAtMs }) =>
      seenAt === 'ledger' && missedAtMs !== undefined ? [{ jwk, withdrawnAtMs: missedAtMs }] : [],
    )
    return [...this.#withdrawn.values(), ...unconfirmed].sort((one, other) => one.withdrawnAtMs - other.withdrawnAtMs)
  }

  #missed(id: string, key: HeldKey, fetch: 'poll' | 'demand', nowMs: number): void {
    key.missedAtMs ??= nowMs
    if (fetch === 'poll' && nowMs - key.missedAtMs < CONFIRM_AFTER_MS) return
    this.#held.delete(id)
    this.#withdrawn.set(id, { jwk: key.jwk, withdrawnAtMs: key.missedAtMs })
    // A Map keeps insertion order, so the key that was withdrawn first is evicted first.
    for (const oldest of this.#withdrawn.keys()) {
      if (this.#withdrawn.size <= MAX_WITHDRAWN) break
      this.#withdrawn.delete(oldest)
    }
  }
}

/** Returns as many of `kept` as fit into one set with the issuer's own. */
function fitting(kept: readonly JWK[], own: readonly JWK[]): JWK[] {
  let bytes = bytesOf({ keys: own })
  return kept.slice(0, Math.max(0, MAX_KEYS - own.length)).filter((jwk) => {
    bytes += bytesOf(jwk) + 1
    return bytes <= MAX_JWKS_BYTES
  })
}

function bytesOf(value: unknown): number {
  return new TextEncoder().encode(JSON.stringify(value)).length
}
