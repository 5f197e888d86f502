import { PortcullisError } from '../errors.ts'
import type { Ticket } from '../core/token-buffer.ts'
import { type HostCrypto, hostCrypto, type HostOutcome, type NodeSignatures } from '../core/host-signatures.ts'
import { corePolicy } from '../policy.ts'
import type { Check } from '../types.ts'
import { Core, type Finding, host, UNAVAILABLE } from './core/core.ts'
import { HostTurns } from './core/signature-slots.ts'
import { type CachedVerdict, TokenCache } from './token-cache.ts'
import { Realm } from './realm.ts'
import { type Reporter, reporter } from './report.ts'
import { checkHost, type Settings } from './settings.ts'
import { Strangers } from './feed/push-budget.ts'

/** How often pushes of no realm here are reported at the most. */
const STRAY_EVERY_MS = 60_000

/** A gate in use: the core, its realms, and the clock they are judged by. */
export class OpenGate {
  readonly core: Core
  readonly realms: readonly Realm[] = []
  readonly settings: Settings
  readonly report: Reporter
  /** Those who push without a secret. */
  readonly strangers: Strangers = new Strangers()
  readonly #hostCrypto: HostCrypto
  readonly #memo: TokenCache
  readonly #turns: HostTurns
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
    this.#memo = new TokenCache(settings.verifiedTokenCacheEntries, settings.verifiedTokenCacheBytes)
    this.#turns = new HostTurns(shareFlights)
    const options = {
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
        keysFrom: jwks === undefined ? ('feed' as const) : ('caller' as const),
      })),
    }
    this.core = new Core(options, { onFault: (cause) => this.#reportFault(cause), onRenewed: () => this.#reload() })
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
  find(token: string): Finding | CachedVerdict {
    this.mustBeOpen()
    const now = this.now()
    const memo = this.#memo.get(token)
    const again = this.#lookAgain(memo, now)
    if (again !== undefined) return again
    const help = this.#hostCrypto.kind === 'synchronous' ? this.#hostCrypto : undefined
    const found = this.core.begin(token, now, help !== undefined) ?? this.#ask(help, now)
    return this.#noted(found, token, memo, now)
  }

  /** The same, but where the host checks signatures faster than the core, though not at once, its answer is to be waited for. */
  look(token: string): Finding | CachedVerdict | PendingSignature {
    if (this.#hostCrypto.kind !== 'asynchronous') return this.find(token)
    this.mustBeOpen()
    const now = this.now()
    const memo = this.#memo.get(token)
    const again = this.#lookAgain(memo, now)
    if (again !== undefined) return again
    if (!this.#turns.enter()) return new PendingSignature(token, undefined, this.#turns.wait().then(() => undefined), 1)
    return this.#begin(token, memo, now, 1)
  }

  /** The finding once a flight has landed; everything but the signature is checked again. Throws `closed`. */
  land(flight: PendingSignature, outcome: HostOutcome): Finding | CachedVerdict | PendingSignature {
    const { token, ticket, round } = flight
    if (this.#closed) this.#turns.leave()
    this.mustBeOpen()
    const now = this.now()
    // It has waited for its turn, and has it now.
    if (ticket === undefined) return this.#begin(token, this.#memo.get(token), now, round)
    this.#turns.leave()
    const found = this.core.finish(ticket, outcome, now)
    if (found !== undefined) return found
    if (round >= MAX_ROUNDS) return UNAVAILABLE
    // The handle was lost: so many others have gone to the host since, or the core was made anew.
    if (!this.#turns.enter()) return new PendingSignature(token, undefined, this.#turns.wait().then(() => undefined), round + 1)
    return this.#begin(token, this.#memo.get(token), now, round + 1)
  }

  /** Every check with its outcome. The host is asked about the signature where the core cannot tell. Rejects with `closed`. */
  async explain(token: string): Promise<Check[]> {
    this.mustBeOpen()
    const crypto = this.#hostCrypto
    for (let round = 1; crypto.kind !== 'none' && round <= MAX_ROUNDS; round += 1) {
      const checks = await this.#explainByHost(crypto, token)
      if (checks === 'not_needed') break
      if (checks !== undefined) return checks
    }
    return this.core.explain(token, this.now())
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

  #ask(help: NodeSignatures | undefined, now: number): Finding {
    const { signatureRequest: request } = this.core
    const outcome = help === undefined ? undefined : help.verify(this.core, request)
    // The handle was given just now: only with the core itself it can have been lost.
    return this.core.finish(request, outcome, now) ?? UNAVAILABLE
  }

  /** Begins to judge a token that has a turn at the host. */
  #begin(token: string, memo: CachedVerdict | undefined, now: number, round: number): Finding | CachedVerdict | PendingSignature {
    const found = this.core.begin(token, now, true)
    if (found !== undefined || this.#hostCrypto.kind !== 'asynchronous') {
      this.#turns.leave()
      return this.#noted(found ?? UNAVAILABLE, token, memo, now)
    }
    const { signatureRequest: request } = this.core
    return new PendingSignature(token, request, this.#hostCrypto.verify(this.core, request), round)
  }

  /** `undefined`: the handle was lost meanwhile. */
  async #explainByHost(crypto: Exclude<HostCrypto, { kind: 'none' }>, token: string): Promise<Check[] | 'not_needed' | undefined> {
    if (!this.#turns.enter()) await this.#turns.wait()
    try {
      this.mustBeOpen()
      if (!this.core.beginToExplain(token, this.now())) return 'not_needed'
      const { signatureRequest: request } = this.core
      const outcome = await crypto.verify(this.core, request)
      this.mustBeOpen()
      return this.core.finishToExplain(request, outcome, this.now())
    } finally {
      this.#turns.leave()
    }
  }

  /** What is found about a token that was accepted before; `undefined`: the core remembers it no longer. */
  #lookAgain(memo: CachedVerdict | undefined, now: number): Finding | CachedVerdict | undefined {
    if (memo === undefined) return undefined
    const moment = this.#moment(now)
    if (memo.moment === moment) return memo
    const found = this.core.recheck(memo.entry, now)
    if (found === undefined || found.reason !== undefined || found.behind) return found
    memo.moment = moment
    return memo
  }

  /** Remembers a token that was accepted on the strength of an earlier check. */
  #noted(found: Finding, token: string, memo: CachedVerdict | undefined, now: number): Finding | CachedVerdict {
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

  #reportFault(cause: unknown): void {
    const message = 'the core failed: it is made anew, and the state is loaded again; if memory ran out, give this host more, or the caches less'
    const error = new PortcullisError('fault', message, { detail: 'core_failed', cause })
    for (const { token } of this.settings.realms) this.report('fault', token.name, error)
  }

  /** After the core was made anew. */
  #reload(): void {
    for (const realm of this.realms) realm.reload()
  }

  #reportClock(): void {
    const message = 'the clock of this host went back: tokens are judged by its latest time until it is there again; check its NTP'
    const error = new PortcullisError('fault', message, { detail: 'clock_went_back' })
    for (const realm of this.realms) this.report('clock', realm.name, error)
  }
}

/** How often a token goes to the host before it gets `no_feed`: its handle may be lost, as when the core was made anew meanwhile. */
const MAX_ROUNDS = 3

/** A token that is at the host, or waits for its turn there. Its `outcome` goes to `land`, once. */
export class PendingSignature {
  readonly token: string
  /** Its handle in the core; `undefined` while it waits for its turn. */
  readonly ticket: Ticket | undefined
  readonly outcome: Promise<HostOutcome>
  /** Which of its ways to the host this is. */
  readonly round: number

  constructor(token: string, ticket: Ticket | undefined, outcome: Promise<HostOutcome>, round: number) {
    this.token = token
    this.ticket = ticket
    this.outcome = outcome
    this.round = round
  }
}
