import { PortcullisError } from '../errors.ts'
import { type HostCrypto, hostCrypto, type HostOutcome, type NodeSignatures } from '../hostcrypto.ts'
import { corePolicy } from '../policy.ts'
import type { Check } from '../types.ts'
import { Core, type Finding, host } from './core.ts'
import { type Memo, TokenMemo } from './memo.ts'
import { Realm } from './realm.ts'
import { type Reporter, reporter } from './report.ts'
import { checkHost, type Settings } from './settings.ts'
import { Strangers } from './strangers.ts'

/** How often pushes of no realm here are reported at the most. */
const STRAY_EVERY_MS = 60_000

/** A gate in use: the core, its realms, and the clock they are judged by. */
export class OpenGate {
  readonly core: Core
  readonly realms: readonly Realm[]
  readonly settings: Settings
  readonly report: Reporter
  /** Those who push without a secret. */
  readonly strangers: Strangers = new Strangers()
  readonly #hostCrypto: HostCrypto
  readonly #memo: TokenMemo
  /** Realms of which it has been reported that signatures cannot be checked. */
  readonly #undecided = new Set<Realm>()
  #strayAtMs = -Infinity
  #latest = 0
  #clockMs = 0
  #clockIsBehind = false
  #underWay = 0
  #closed = false

  /** Throws `not_loaded`, `invalid_option` and `invalid_jwks`. Starts streams, where changes are to come by them. */
  constructor(settings: Settings) {
    const { shareFlights } = host()
    checkHost(settings, host())
    this.settings = settings
    this.report = reporter(settings)
    this.#hostCrypto = hostCrypto(settings.verifySignatures, host())
    this.#memo = new TokenMemo(settings.verifiedTokenCacheEntries, settings.verifiedTokenCacheBytes)
    this.core = new Core({
      maxTokenBytes: settings.maxTokenBytes,
      leewaySeconds: settings.leewaySeconds,
      skewSeconds: settings.skewSeconds,
      maxLifetimeSeconds: settings.maxLifetimeSeconds,
      maxSessionSeconds: settings.maxSessionSeconds,
      maxStaleSeconds: settings.maxStaleSeconds,
      whenStale: settings.whenStale,
      maxAcceptStaleSeconds: settings.maxAcceptStaleSeconds,
      verifiedTokenCacheEntries: settings.verifiedTokenCacheEntries,
      verifiedTokenCacheBytes: settings.verifiedTokenCacheBytes,
      hostAlgorithms: this.#hostCrypto.algorithms,
      realms: settings.realms.map(({ token, jwks, feed }) => ({
        ...corePolicy(token),
        feedKeys: feed.keys,
        keysFrom: jwks === undefined ? 'feed' : 'caller',
      })),
    })
    const surroundings = { core: this.core, settings, shareFlights, report: this.report, now: () => this.now() }
    this.realms = settings.realms.map((realm, index) => new Realm(index, realm, surroundings))
    for (const realm of this.realms) realm.start()
  }

  /** Takes what options may differ in and still share this gate: from now on, the new listener hears and the new `fetch` fetches. */
  adopt({ onReport, fetch }: Pick<Settings, 'onReport' | 'fetch'>): void {
    this.settings.onReport = onReport
    this.settings.fetch = fetch
  }

  /** Whether something is under way that waits: a request, a push, a refresh. */
  get isBusy(): boolean {
    return this.#underWay > 0
  }

  /** Says that work begins that will wait; `leave` must follow. */
  enter(): void {
    this.#underWay += 1
  }

  leave(): void {
    this.#underWay -= 1
  }

  /** Does work that waits. */
  async during<T>(work: () => Promise<T>): Promise<T> {
    this.enter()
    try {
      return await work()
    } finally {
      this.leave()
    }
  }

  /** The clock's milliseconds when a token was last looked at. */
  get clockMs(): number {
    return this.#clockMs
  }

  /**
   * What is found about a token at this moment, at once: key, bans, time, revocation and freshness in one synchronous step.
   * Only if clock second, keys and state are the very ones of an earlier acceptance, that still holds.
   */
  find(token: string): Finding | Memo {
    this.mustBeOpen()
    const now = this.now()
    const memo = this.#memo.get(token)
    const again = this.#lookAgain(memo, now)
    if (again !== undefined) return again
    const help = this.#hostCrypto.kind === 'synchronous' ? this.#hostCrypto : undefined
    const found = this.core.begin(token, now, help !== undefined) ?? this.#ask(help, token, now)
    return this.#noted(found, token, memo, now)
  }

  /** The same, but where the host checks signatures faster than the core, though not at once, its answer is to be waited for. */
  look(token: string): Finding | Memo | Flight {
    if (this.#hostCrypto.kind !== 'asynchronous') return this.find(token)
    this.mustBeOpen()
    const now = this.now()
    const memo = this.#memo.get(token)
    const again = this.#lookAgain(memo, now)
    if (again !== undefined) return again
    const found = this.core.begin(token, now, true)
    if (found !== undefined) return this.#noted(found, token, memo, now)
    const { errand } = this.core
    return new Flight(this, token, errand.handle, this.#hostCrypto.verify(this.core, errand))
  }

  /** Every check with its outcome. The host is asked about the signature where the core cannot tell. Rejects with `closed`. */
  async explain(token: string): Promise<Check[]> {
    this.mustBeOpen()
    const crypto = this.#hostCrypto
    if (crypto.kind === 'none' || !this.core.beginToExplain(token, this.now())) return this.core.explain(token, this.now())
    const { errand } = this.core
    const outcome = await crypto.verify(this.core, errand)
    this.mustBeOpen()
    return this.core.finishToExplain(errand.handle, outcome, this.now()) ?? this.core.explain(token, this.now())
  }

  /** Whether the host says at once what it finds of a signature. */
  get asksHostAtOnce(): boolean {
    return this.#hostCrypto.kind === 'synchronous'
  }

  /** Reports, once for each realm, that there are tokens of it whose signatures nobody here can check. */
  reportUndecided(realm: Realm): void {
    if (this.#undecided.has(realm)) return
    this.#undecided.add(realm)
    const message =
      'a signature could be checked neither by this module nor by the host, so the token was refused: the realm has a key that this ' +
      "host's cryptography cannot use (or its tokens name none of several keys); the full module, portcullis/edge, checks every algorithm itself"
    this.report('jwks', realm.name, new PortcullisError('invalid_jwks', message, { detail: 'undecided' }))
  }

  realmOf(found: Finding): Realm | undefined {
    return found.realm === undefined ? undefined : this.realms[found.realm]
  }

  /** The realm and sequence that bytes claim, before any signature is looked at. Throws `feed_refused`. */
  peekFeed(bytes: Uint8Array): { realm: Realm; sequence: number } {
    this.mustBeOpen()
    const claimed = this.core.peekFeed(bytes)
    const realm = this.realms[claimed.realm]
    if (realm === undefined) throw new PortcullisError('feed_refused', 'the message is of no realm here', { detail: 'wrong_realm' })
    return { realm, sequence: claimed.sequence }
  }

  /** Reports a push that is of no realm here, now and then: anybody can send one. */
  reportStray(error: PortcullisError): void {
    const nowMs = Date.now()
    if (Math.abs(nowMs - this.#strayAtMs) < STRAY_EVERY_MS) return
    this.#strayAtMs = nowMs
    for (const realm of this.realms) realm.reportFeed(error)
  }

  /** Throws `unknown_realm`. */
  realmNamed(name: string): Realm {
    const realm = this.realms.find((each) => each.name === name)
    if (realm === undefined) throw new PortcullisError('unknown_realm', 'no realm of this name is configured')
    return realm
  }

  /** Unix seconds. Never goes back, lest a token that has expired, or state that is stale, come to life again. */
  now(): number {
    this.#clockMs = Date.now()
    const now = Math.floor(this.#clockMs / 1000)
    const wasBehind = this.#clockIsBehind
    this.#clockIsBehind = now < this.#latest - this.settings.skewSeconds
    if (this.#clockIsBehind && !wasBehind) this.#reportClock()
    this.#latest = Math.max(this.#latest, now)
    return this.#latest
  }

  mustBeOpen(): void {
    if (this.#closed) throw new PortcullisError('closed', 'the gate was closed')
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    for (const realm of this.realms) realm.close()
    this.core.free()
  }

  #ask(help: NodeSignatures | undefined, token: string, now: number): Finding | Memo {
    const { errand } = this.core
    const outcome = help === undefined ? undefined : help.verify(this.core, errand)
    return this.core.finish(errand.handle, outcome, now) ?? this.find(token)
  }

  /** What is found about a token that was accepted before; `undefined`: the core remembers it no longer. */
  #lookAgain(memo: Memo | undefined, now: number): Finding | Memo | undefined {
    if (memo === undefined) return undefined
    const moment = this.#moment(now)
    if (memo.moment === moment) return memo
    const found = this.core.recheck(memo.entry, now)
    if (found === undefined || found.reason !== undefined || found.behind) return found
    memo.moment = moment
    return memo
  }

  /** Remembers a token that was accepted on the strength of an earlier check. */
  #noted(found: Finding | Memo, token: string, memo: Memo | undefined, now: number): Finding | Memo {
    // Judged from the beginning meanwhile, and noted there: what the core named last need not be this token.
    if ('contents' in found) return found
    if (found.reason !== undefined || found.behind || !found.remembered) return found
    const { entry } = this.core
    const moment = this.#moment(now)
    if (memo === undefined) return this.#memo.add(token, found.realm, entry, moment)
    memo.entry = entry
    memo.moment = moment
    return memo
  }

  /** A number that stays the same only as long as clock second, keys and state do: both parts only ever grow. */
  #moment(now: number): number {
    return this.core.changes + now
  }

  #reportClock(): void {
    const message = 'the clock of this host went back: tokens are judged by its latest time until it is there again; check its NTP'
    const error = new PortcullisError('fault', message, { detail: 'clock_went_back' })
    for (const realm of this.realms) this.report('clock', realm.name, error)
  }
}

/** A signature that the host is checking. */
export class Flight {
  readonly outcome: Promise<HostOutcome>
  readonly #gate: OpenGate
  readonly #token: string
  readonly #handle: number

  constructor(gate: OpenGate, token: string, handle: number, outcome: Promise<HostOutcome>) {
    this.#gate = gate
    this.#token = token
    this.#handle = handle
    this.outcome = outcome
  }

  /** What is found now, once the outcome is known: all but the signature is looked at again. Throws `closed`. */
  land(outcome: HostOutcome): Finding | Memo {
    const gate = this.#gate
    gate.mustBeOpen()
    return gate.core.finish(this.#handle, outcome, gate.now()) ?? gate.find(this.#token)
  }
}
