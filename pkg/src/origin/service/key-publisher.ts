import { within } from '../../timing/deadline.ts'
import { PortcullisError } from '../../errors.ts'
import { PUBLIC_MEMBERS } from '../../jwks/key-identity.ts'
import { MAX_FEED_JWKS_BYTES } from '../../jwks/limits.ts'
import { backoffMs } from '../../timing/backoff.ts'
import type { JWK, JWKS } from '../../types.ts'
import type { Act } from '../store/audit-entry.ts'
import type { LedgerCore } from '../core/ledger.ts'
import type { OriginGate } from '../gate/gate.ts'
import type { Committer } from '../recording/committer.ts'
import type { Settings } from '../settings.ts'
import type { Recorded } from '../api.ts'

/** How long an origin that starts waits for its issuers' keys: without them it can do all but tell gates the keys. */
const FIRST_KEYS_MS = 3_000
/** The pauses after first fetches that failed, and how many there are; then heartbeats fetch. */
const FIRST_KEYS_RETRY = { firstMs: 100, longestMs: 1_000 }
const FIRST_KEYS_RETRIES = 4

/** Readers of one realm that wait for a look at the same time. Each gate asks once at a time. */
const MAX_LOOKING = 1_000

export interface KeyPublisherOptions {
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
export class KeyPublisher {
  readonly #options: KeyPublisherOptions
  /** The last recording of each realm: of two sets the later one must come last. */
  readonly #turns = new Map<string, Promise<unknown>>()
  /** The set of a realm that the ledger did not take. */
  readonly #refused = new Map<string, string>()
  /** By realm: how many wait for a look. */
  readonly #looking = new Map<string, number>()
  /** First fetches that failed and are to be made again. */
  readonly #retries = new Set<ReturnType<typeof setTimeout>>()
  #closed = false

  constructor(options: KeyPublisherOptions) {
    this.#options = options
    options.gate.onKeys((realm) => void this.record(realm).catch(() => undefined))
  }

  /**
   * Fetches the keys of every realm for the first time and records them, so that the first gate finds them in the feed.
   * Resolves when that is done or has failed, at the latest after three seconds. A URL may be one that is served only
   * once the origin is there: it is tried again shortly. Failures are reported where they occur.
   */
  async begin(): Promise<void> {
    const { settings, gate, ledger } = this.#options
    for (const { name, keysInFeed } of settings.realms) {
      const inFeed = keysInFeed === 'publish' ? ledger(name).jwks() : undefined
      if (inFeed !== undefined) gate.rememberKeys(name, JSON.parse(inFeed) as JWKS)
    }
    const first = settings.realms.map(({ name, jwks }) =>
      typeof jwks === 'string' || jwks instanceof URL
        ? this.#first(name, 0)
        : this.publish(name).catch(() => undefined),
    )
    await within(Promise.all(first), FIRST_KEYS_MS)
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
   * The same for all realms in the background; sets that are due soon are fetched. Failures are reported where
   * they occur, and retried next time.
   */
  tend(): void {
    for (const { name } of this.#options.settings.realms) {
      this.#options.gate.renewKeysBehind(name)
      this.record(name).catch(() => undefined)
    }
  }

  /**
   * Looks for keys that the issuer has begun to use, and records them; `too_many` wait for that already. Rejects with
   * `unknown_realm`, `closed`, `jwks_unreachable`, `invalid_jwks`, or as every revocation.
   */
  async look(realm: string): Promise<'recorded' | 'too_many'> {
    const waiting = this.#looking.get(realm) ?? 0
    if (waiting >= MAX_LOOKING) return 'too_many'
    this.#looking.set(realm, waiting + 1)
    try {
      await this.#options.gate.lookForKeys(realm)
      await this.record(realm)
      return 'recorded'
    } finally {
      this.#looking.set(realm, (this.#looking.get(realm) ?? 1) - 1)
    }
  }

  /** Tries nothing again from now on. */
  close(): void {
    this.#closed = true
    for (const timer of this.#retries) clearTimeout(timer)
  }

  /** Fetches a realm's keys for the first time. Ends with the first attempt; further ones are made behind it. */
  async #first(realm: string, attempt: number): Promise<void> {
    try {
      await this.#options.gate.refreshKeys(realm)
      await this.record(realm)
    } catch {
      if (this.#closed || attempt === FIRST_KEYS_RETRIES) return
      const timer: ReturnType<typeof setTimeout> = setTimeout(
        () => {
          this.#retries.delete(timer)
          void this.#first(realm, attempt + 1)
        },
        backoffMs(FIRST_KEYS_RETRY, attempt + 1),
      )
      if (typeof timer === 'object') timer.unref?.()
      this.#retries.add(timer)
    }
  }

  async #record(realm: string, act: Act): Promise<Recorded> {
    const { settings, committer, gate, ledger } = this.#options
    const { keysInFeed } = settings.realms.find(({ name }) => name === realm) ?? { keysInFeed: 'omit' }
    const keys = gate.keysForFeed(realm)
    const wanted = keysInFeed === 'publish' ? publicSet(keys) : undefined
    // Before the first fetch nothing is known, and the feed keeps its earlier keys.
    const isKnown = keysInFeed === 'omit' || keys.keys.length > 0
    const isRefused = wanted !== undefined && wanted === this.#refused.get(realm)
    if (!isKnown || isRefused || wanted === ledger(realm).jwks()) return committer.inForce(realm)
    try {
      const event =
        wanted === undefined ? ({ kind: 'keysWithdrawn' } as const) : ({ kind: 'keys', jwks: wanted } as const)
      const recorded = await committer.record(realm, event, { audit: { ...act, action: 'keys_published' } })
      this.#refused.delete(realm)
      return recorded
    } catch (error) {
      if (wanted !== undefined && error instanceof PortcullisError && error.code === 'invalid_event') {
        this.#refused.set(realm, wanted)
        settings.onReport({ kind: 'jwks', realm, error: tooLongForFeed(wanted) ?? error })
      }
      throw error
    }
  }
}

/** The error of a set that is longer than a feed may carry: the feed keeps the one before. */
function tooLongForFeed(set: string): PortcullisError | undefined {
  const bytes = new TextEncoder().encode(set).length
  if (bytes <= MAX_FEED_JWKS_BYTES) return undefined
  const message =
    `the issuer's keys take ${bytes} bytes, and a feed carries at most ${MAX_FEED_JWKS_BYTES}: gates keep the earlier ones; ` +
    "set keysInFeed: 'omit', and give each gate the issuer's jwks URL"
  return new PortcullisError('invalid_jwks', message, { detail: 'too_large' })
}

/**
 * The public keys of a set that verify signatures, in one spelling: equal sets make equal strings. `undefined` when
 * there is none: symmetric keys are secrets, and no feed carries them.
 */
export function publicSet({ keys }: JWKS): string | undefined {
  const texts = keys.flatMap((key) => publicKey(key) ?? [])
  return texts.length === 0 ? undefined : `{"keys":[${[...new Set(texts)].sort().join(',')}]}`
}

function publicKey(key: JWK): string | undefined {
  const members = PUBLIC_MEMBERS[key.kty ?? '']
  if (members === undefined || key.use === 'enc') return undefined
  const names = ['kty', 'kid', 'alg', 'use', 'key_ops', ...members]
  return JSON.stringify(
    Object.fromEntries(names.filter((name) => key[name] !== undefined).map((name) => [name, key[name]])),
  )
}
