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

/**
 * How long a starting origin waits for its issuers' keys: without them it can do everything except publish the keys to
 * gates.
 */
const FIRST_KEYS_MS = 3_000
/** The pauses after failed first fetches, and their number; after that heartbeats fetch. */
const FIRST_KEYS_RETRY = { firstMs: 100, longestMs: 1_000 }
const FIRST_KEYS_RETRIES = 4

/**
 * The maximum number of readers of one realm that wait for a key lookup at the same time. Each gate sends one request
 * at a time.
 */
const MAX_LOOKING = 1_000

interface KeyPublisherOptions {
  settings: Settings
  committer: Committer
  gate: OriginGate
  /** Throws `unknown_realm` or `closed`. */
  ledger: (realm: string) => LedgerCore
}

/**
 * Publishes the realms' keys in the feed. A gate then needs no other fetch, and a removed key leaves with the next
 * change.
 */
export class KeyPublisher {
  readonly #options: KeyPublisherOptions
  /** The last recording of each realm: of two sets the later one must be recorded last. */
  readonly #turns = new Map<string, Promise<unknown>>()
  /** The set of a realm that the ledger refused. */
  readonly #refused = new Map<string, string>()
  /** The number of callers waiting for a key lookup, by realm. */
  readonly #looking = new Map<string, number>()
  /** Timers of failed first fetches that will be retried. */
  readonly #retries = new Set<ReturnType<typeof setTimeout>>()
  #closed = false

  constructor(options: KeyPublisherOptions) {
    this.#options = options
    options.gate.onKeys((realm) => void this.record(realm).catch(() => undefined))
  }

  /**
   * Fetches the keys of every realm for the first time and records them, so that the first gate finds them in the feed.
   * Resolves when that has succeeded or failed, at the latest after three seconds. A URL may be served only once the
   * origin runs, so failed fetches are soon retried. Failures are reported where they occur.
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
   * Fetches the issuer's keys and records them if they have changed. Rejects with `unknown_realm`, `jwks_unreachable`,
   * `invalid_jwks`, or as every revocation.
   */
  async publish(realm: string, act: Act = {}): Promise<Recorded> {
    await this.#options.gate.reloadKeys(realm)
    return this.record(realm, act)
  }

  /** Records the keys in use if they differ from those in the feed. Rejects as every revocation does. */
  record(realm: string, act: Act = {}): Promise<Recorded> {
    const turn = (this.#turns.get(realm) ?? Promise.resolve())
      .catch(() => undefined)
      .then(() => this.#record(realm, act))
    this.#turns.set(realm, turn)
    return turn
  }

  /**
   * Records the keys of all realms in the background, and fetches sets that will soon be due. Failures are reported
   * where they occur, and retried next time.
   */
  tend(): void {
    for (const { name } of this.#options.settings.realms) {
      this.#options.gate.renewKeysBehind(name)
      this.record(name).catch(() => undefined)
    }
  }

  /**
   * Looks up keys that the issuer has begun to use, and records them. Resolves to `too_many` if too many callers
   * already wait for that. Rejects with `unknown_realm`, `closed`, `jwks_unreachable`, `invalid_jwks`, or as every
   * revocation.
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

  /** Stops all retries. */
  close(): void {
    this.#closed = true
    for (const timer of this.#retries) clearTimeout(timer)
  }

  /**
   * Fetches a realm's keys for the first time. Resolves after the first attempt; further ones run in the background.
   */
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
    // Before the first fetch no keys are known, and the feed keeps its earlier ones.
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

/** Returns the error for a set that is longer than a feed may carry; the feed keeps the previous set. */
function tooLongForFeed(set: string): PortcullisError | undefined {
  const bytes = new TextEncoder().encode(set).length
  if (bytes <= MAX_FEED_JWKS_BYTES) return undefined
  const message =
    `the issuer's keys take ${bytes} bytes, and a feed carries at most ${MAX_FEED_JWKS_BYTES}: gates keep the earlier ones; ` +
    "set keysInFeed: 'omit', and give each gate the issuer's jwks URL"
  return new PortcullisError('invalid_jwks', message, { detail: 'too_large' })
}

/**
 * Returns the public keys of a set that verify signatures, in canonical form: equal sets give equal strings. Returns
 * `undefined` if the set has no such key: symmetric keys are secrets, and no feed carries them.
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
