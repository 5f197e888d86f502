import { identityOf } from '../../jwks/key-identity.ts'
import { MAX_JWKS_BYTES, MAX_KEYS } from '../../jwks/limits.ts'
import type { FetchCause } from '../../jwks/remote-jwks.ts'
import type { JWK } from '../../types.ts'
import type { WithdrawnKey } from '../core/gate.ts'

/**
 * Two polls that miss a key must be so far apart: an issuer's nodes and caches differ for a moment during a rotation.
 */
const CONFIRM_AFTER_MS = 2_000
/** Keys remembered as in use, so that an issuer that answers every look with other keys does not fill the memory. */
const MAX_HELD = 2 * MAX_KEYS
/** Withdrawn keys remembered: as many as the core takes. Issuers rotate a key or two at a time. */
const MAX_WITHDRAWN = 16

interface HeldKey {
  jwk: JWK
  /** When the first of the latest polls in a row missed it; `undefined`: the last one did not. */
  missedAtMs: number | undefined
  /** `ledger`: the feed has had it since before this process, which has not seen it at the issuer. */
  seenAt: 'issuer' | 'ledger'
}

/**
 * Which keys of an issuer are in use, and which are withdrawn. A look only adds keys. A key goes when polls in a row
 * miss it, the last of them two seconds or more after the first, or at once on a request for the issuer's present set.
 */
export class KeyRoll {
  /** By their public members. */
  #held = new Map<string, HeldKey>()
  #withdrawn = new Map<string, WithdrawnKey>()
  #pollAgainAtMs = Infinity

  /**
   * Adds keys that the feed has had since before this process. They stay there until the issuer is known to have them
   * no more.
   */
  remember(keys: readonly JWK[]): void {
    for (const jwk of keys) {
      const id = identityOf(jwk)
      if (!this.#held.has(id)) this.#held.set(id, { jwk, missedAtMs: undefined, seenAt: 'ledger' })
    }
  }

  /** Whether every key of a set is in use already. */
  has(keys: readonly JWK[]): boolean {
    return keys.every((jwk) => this.#held.get(identityOf(jwk))?.seenAt === 'issuer')
  }

  /** Records the usable keys of a set that was fetched. */
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

  /** A poll failed, so it says nothing of any key: those that miss one must be in a row. */
  failed(nowMs: number): void {
    if (this.#pollAgainAtMs === Infinity) return
    for (const key of this.#held.values()) key.missedAtMs = undefined
    this.#pollAgainAtMs = nowMs
  }

  /** When to poll again though the set is young; `Infinity`: not needed. */
  get pollAgainAtMs(): number {
    return this.#pollAgainAtMs
  }

  /** Keys that the issuer's last set is without, but that are still in use. */
  kept(fetched: readonly JWK[]): JWK[] {
    const found = new Set(fetched.map(identityOf))
    const kept = [...this.#held].filter(([id, { seenAt }]) => seenAt === 'issuer' && !found.has(id))
    return fitting(
      kept.map(([, { jwk }]) => jwk),
      fetched,
    )
  }

  /** Keys that only the feed has. */
  get inFeedOnly(): JWK[] {
    return [...this.#held.values()].filter(({ seenAt }) => seenAt === 'ledger').map(({ jwk }) => jwk)
  }

  /** The withdrawn keys, the one that has been for longest first. */
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
    // A Map keeps the order of insertion: the one that was withdrawn first goes first.
    for (const oldest of this.#withdrawn.keys()) {
      if (this.#withdrawn.size <= MAX_WITHDRAWN) break
      this.#withdrawn.delete(oldest)
    }
  }
}

/** As many of `kept` as fit into one set with the issuer's own. */
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
