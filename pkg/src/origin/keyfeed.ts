import { PortcullisError } from '../errors.ts'
import type { JWK, JWKS } from '../types.ts'
import type { Act } from './audit.ts'
import type { LedgerCore } from './core.ts'
import type { OriginGate } from './gate.ts'
import type { Committer } from './ledger.ts'
import type { Settings } from './settings.ts'
import type { Recorded } from './types.ts'

export interface KeyFeedOptions {
  settings: Settings
  committer: Committer
  gate: OriginGate
  /** Throws `unknown_realm` or `closed`. */
  ledger: (realm: string) => LedgerCore
}

/**
 * Carries the realms' keys into the feed: a gate then needs no other fetch, and a key that is removed leaves with the
 * next change.
 */
export class KeyFeed {
  readonly #options: KeyFeedOptions
  /** What is under way for each realm: of two sets the later one must come last. */
  readonly #turns = new Map<string, Promise<unknown>>()
  /** The set of a realm that the ledger did not take. */
  readonly #refused = new Map<string, string>()

  constructor(options: KeyFeedOptions) {
    this.#options = options
    options.gate.onKeys((realm) => void this.record(realm).catch(() => undefined))
  }

  /**
   * Records the keys that can be had without asking anybody else: those of the options, and of functions. A URL may be
   * one that is served only once the origin is there; it is asked with the first heartbeat. What fails is reported
   * where it fails.
   */
  async begin(): Promise<void> {
    const near = this.#options.settings.realms.filter(({ jwks }) => typeof jwks !== 'string' && !(jwks instanceof URL))
    await Promise.all(near.map(({ name }) => this.publish(name).catch(() => undefined)))
  }

  /**
   * Asks the issuer for its keys and records them if they have changed. Rejects with `unknown_realm`,
   * `jwks_unreachable`, `invalid_jwks`, or as every revocation.
   */
  async publish(realm: string, act: Act = {}): Promise<Recorded> {
    await this.#options.gate.reloadKeys(realm)
    return this.record(realm, act)
  }

  /** Records the keys that are in use, if they are not those in the feed. Rejects likewise. */
  record(realm: string, act: Act = {}): Promise<Recorded> {
    const turn = (this.#turns.get(realm) ?? Promise.resolve())
      .catch(() => undefined)
      .then(() => this.#record(realm, act))
    this.#turns.set(realm, turn)
    return turn
  }

  /**
   * The same for all realms and for nobody who waits; sets that soon are due are fetched. What fails is reported where
   * it fails, and tried again next time.
   */
  tend(): void {
    for (const { name } of this.#options.settings.realms) {
      this.#options.gate.renewKeysBehind(name)
      this.record(name).catch(() => undefined)
    }
  }

  async #record(realm: string, act: Act): Promise<Recorded> {
    const { settings, committer, gate, ledger } = this.#options
    const { keysInFeed } = settings.realms.find(({ name }) => name === realm) ?? { keysInFeed: 'omit' }
    const keys = gate.currentKeys(realm)
    const wanted = keysInFeed === 'publish' ? publicSet(keys) : undefined
    // Before the first fetch nothing is known, and what the feed has from before stays.
    const isKnown = keysInFeed === 'omit' || keys.keys.length > 0
    const isRefused = wanted !== undefined && wanted === this.#refused.get(realm)
    if (!isKnown || isRefused || wanted === ledger(realm).jwks())
      return { realm, sequence: ledger(realm).sequence }
    try {
      const event =
        wanted === undefined ? ({ kind: 'keysWithdrawn' } as const) : ({ kind: 'keys', jwks: wanted } as const)
      const recorded = await committer.record(realm, event, { audit: { ...act, action: 'keys_published' } })
      this.#refused.delete(realm)
      return recorded
    } catch (error) {
      if (wanted !== undefined && error instanceof PortcullisError && error.code === 'invalid_event') {
        this.#refused.set(realm, wanted)
        settings.onReport({ kind: 'jwks', realm, error })
      }
      throw error
    }
  }
}

/** The members of a public key that gates need, by its type (RFC 7518 §6.2.1, §6.3.1; RFC 8037 §2). */
const MEMBERS: Readonly<Record<string, readonly string[]>> = {
  RSA: ['n', 'e'],
  EC: ['crv', 'x', 'y'],
  OKP: ['crv', 'x'],
}

/**
 * The public keys of a set that verify signatures, in one spelling: equal sets make equal texts. `undefined` when there
 * is none: symmetric keys are secrets, and no feed carries them.
 */
export function publicSet({ keys }: JWKS): string | undefined {
  const texts = keys.flatMap((key) => publicKey(key) ?? [])
  return texts.length === 0 ? undefined : `{"keys":[${[...new Set(texts)].sort().join(',')}]}`
}

function publicKey(key: JWK): string | undefined {
  const members = MEMBERS[key.kty ?? '']
  if (members === undefined || key.use === 'enc') return undefined
  const names = ['kty', 'kid', 'alg', 'use', 'key_ops', ...members]
  return JSON.stringify(
    Object.fromEntries(names.filter((name) => key[name] !== undefined).map((name) => [name, key[name]])),
  )
}
