import { type HostCrypto, hostCrypto, type HostOutcome, type NodeSignatures } from '../core/host-signatures.ts'
import { PortcullisError } from '../errors.ts'
import type { Check } from '../types.ts'
import { Core } from './core/core.ts'
import type { CoreMarks } from './core/core-options.ts'
import { type Finding, UNAVAILABLE } from './core/finding.ts'
import { loadedRuntime } from './core/module.ts'
import { MAX_SIGNATURE_ROUNDS, PendingSignature } from './core/pending-signature.ts'
import { SignatureSlots } from './core/signature-slots.ts'
import { PushBudget } from './feed/push-budget.ts'
import { GateReports } from './gate-reports.ts'
import type { Place } from './issuers/place.ts'
import type { RealmFeed } from './realm-feed.ts'
import { RealmDirectory } from './realm-directory.ts'
import type { RealmHost } from './realm-host.ts'
import { Realm } from './realm.ts'
import { type Reporter, reporter } from './report.ts'
import { checkRuntime, coreOptions, coreRealm, type GateRealmSettings, type GateSettings } from './settings.ts'
import { type CachedVerdict, TokenCache } from './token-cache.ts'

/** A gate in use: the core, its realms, and the clock for their tokens. */
export class OpenGate {
  readonly core: Core
  readonly settings: GateSettings
  readonly report: Reporter
  readonly reports: GateReports
  /** The budget for pushes without a secret. */
  readonly pushBudget: PushBudget = new PushBudget()
  /** Loads realms by the function `realms`; `undefined`: all are loaded from the start. */
  readonly directory: RealmDirectory | undefined
  /** By their index in the core; `undefined` for a free index. */
  readonly #realms: (Realm | undefined)[]
  readonly #realmHost: RealmHost
  readonly #hostCrypto: HostCrypto
  readonly #cache: TokenCache
  readonly #slots: SignatureSlots
  #latest = 0
  #clockMs = 0
  #clockIsBehind = false
  #running = 0
  #closed = false

  /** Throws `not_loaded`, `invalid_option` and `invalid_jwks`. Starts the streams of the realms that use them. */
  constructor(settings: GateSettings) {
    const loaded = loadedRuntime()
    checkRuntime(settings, loaded)
    this.settings = settings
    this.report = reporter(settings)
    this.reports = new GateReports(
      this.report,
      settings.resolver === undefined ? settings.realms.map(({ token }) => token.name) : ['*'],
    )
    this.#hostCrypto = hostCrypto(settings.verifySignatures, loaded)
    this.#cache = new TokenCache(settings.verifiedTokenCacheEntries, settings.verifiedTokenCacheBytes)
    this.#slots = new SignatureSlots(loaded.shareFlights)
    this.core = new Core(coreOptions(settings, this.#hostCrypto.algorithms), {
      onFault: (cause) => this.reports.fault(cause),
      onRenewed: () => this.#resetRealms(),
    })
    const runtime = {
      get fetch() {
        return settings.fetch
      },
      shareFlights: loaded.shareFlights,
      nodeCrypto: loaded.nodeCrypto,
      nowMs: settings.nowMs,
    }
    this.#realmHost = {
      core: this.core,
      settings,
      runtime,
      report: this.report,
      reports: this.reports,
      now: () => this.now(),
    }
    this.#realms = settings.realms.map((realm, index) => new Realm(index, realm, this.#realmHost))
    for (const realm of this.realms) realm.start()
    const { resolver } = settings
    const directoryHost = {
      settings,
      runtime: loaded,
      reports: this.reports,
      open: (...realm: Parameters<OpenGate['openRealm']>) => this.openRealm(...realm),
      close: (realm: Realm) => this.closeRealm(realm),
    }
    this.directory = resolver === undefined ? undefined : new RealmDirectory(directoryHost, resolver)
  }

  /** Adopts the options in which callers that share this gate may differ. */
  adopt({ onReport, fetch }: Pick<GateSettings, 'onReport' | 'fetch'>): void {
    this.settings.onReport = onReport
    this.settings.fetch = fetch
  }

  /** Whether asynchronous work is running: a request, a push, a refresh. */
  get isBusy(): boolean {
    return this.#running > 0
  }

  /** Registers asynchronous work; `leave` must follow. */
  enter(): void {
    this.#running += 1
  }

  leave(): void {
    this.#running -= 1
  }

  /** Runs asynchronous work. */
  async during<T>(work: () => Promise<T>): Promise<T> {
    this.enter()
    try {
      return await work()
    } finally {
      this.leave()
    }
  }

  /** The clock's milliseconds at the last inspection. */
  get clockMs(): number {
    return this.#clockMs
  }

  /**
   * Inspects a token synchronously: key, bans, time, revocation and freshness in one step. An earlier acceptance is
   * reused only while clock second, keys and state are unchanged.
   */
  inspectSync(token: string): Finding | CachedVerdict {
    this.mustBeOpen()
    const now = this.now()
    const cached = this.#cache.get(token)
    const rechecked = this.#recheck(cached, now)
    if (rechecked !== undefined) return rechecked
    const crypto = this.#hostCrypto.kind === 'synchronous' ? this.#hostCrypto : undefined
    const finding = this.core.begin(token, now, crypto !== undefined) ?? this.#verifySync(crypto, now)
    return this.#remember(finding, token, cached, now)
  }

  /** Like `inspectSync`, but returns a pending signature if the host verifies faster than the core. */
  inspect(token: string): Finding | CachedVerdict | PendingSignature {
    if (this.#hostCrypto.kind !== 'asynchronous') return this.inspectSync(token)
    this.mustBeOpen()
    const now = this.now()
    const cached = this.#cache.get(token)
    return this.#recheck(cached, now) ?? this.#beginWithSlot(token, cached, now, 1)
  }

  /** Continues once the host has verified a signature; everything else is inspected again. Throws `closed`. */
  afterSignature(pending: PendingSignature, outcome: HostOutcome): Finding | CachedVerdict | PendingSignature {
    const { token, handle, round } = pending
    if (this.#closed) this.#slots.release()
    this.mustBeOpen()
    const now = this.now()
    // It has waited for a slot and now has one.
    if (handle === undefined) return this.#begin(token, this.#cache.get(token), now, round)
    this.#slots.release()
    const finding = this.core.finish(handle, outcome, now)
    if (finding !== undefined) return finding
    if (round >= MAX_SIGNATURE_ROUNDS) return UNAVAILABLE
    // The handle has expired: many other tokens have gone to the host since, or the core was rebuilt.
    return this.#beginWithSlot(token, this.#cache.get(token), now, round + 1)
  }

  /**
   * Returns every check with its outcome. The host verifies the signature if the core cannot. Rejects with `closed`.
   */
  async explain(token: string): Promise<Check[]> {
    this.mustBeOpen()
    const crypto = this.#hostCrypto
    for (let round = 1; crypto.kind !== 'none' && round <= MAX_SIGNATURE_ROUNDS; round += 1) {
      const checks = await this.#explainByHost(crypto, token)
      if (checks === 'not_needed') break
      if (checks !== undefined) return checks
    }
    return this.core.explain(token, this.now())
  }

  /** Whether the host verifies signatures synchronously. */
  get hasSyncHost(): boolean {
    return this.#hostCrypto.kind === 'synchronous'
  }

  realmOf(finding: Finding): Realm | undefined {
    return finding.realm === undefined ? undefined : this.#realms[finding.realm]
  }

  /** The currently loaded realms. */
  get realms(): readonly Realm[] {
    return this.#realms.filter((realm) => realm !== undefined)
  }

  /** Adds a realm. Throws `invalid_option`, `invalid_jwks` and `fault`; then nothing has changed. */
  openRealm(settings: GateRealmSettings, place: Place<Realm>, marks: CoreMarks | undefined): Realm {
    const index = this.core.addRealm(coreRealm(settings), marks)
    try {
      const realm = new Realm(index, settings, this.#realmHost, place)
      this.#realms[index] = realm
      return realm
    } catch (error) {
      this.core.removeRealm(index)
      throw error
    }
  }

  /** Removes such a realm and returns its position. */
  closeRealm(realm: Realm): CoreMarks | undefined {
    const { index } = realm
    realm.close()
    if (this.#closed) return undefined
    this.#realms[index] = undefined
    return this.core.removeRealm(index)
  }

  /** The feeds of its realms. */
  get feeds(): readonly RealmFeed[] {
    return this.realms.flatMap(({ feed }) => feed ?? [])
  }

  /** Returns the feed and sequence that a message claims, without verifying its signature. Throws `feed_refused`. */
  peekFeed(bytes: Uint8Array): { feed: RealmFeed; sequence: number } {
    this.mustBeOpen()
    const claimed = this.core.peekFeed(bytes)
    const feed = this.#realms[claimed.realm]?.feed
    if (feed === undefined)
      throw new PortcullisError('feed_refused', 'the message belongs to no realm with a feed here', {
        detail: 'wrong_realm',
      })
    return { feed, sequence: claimed.sequence }
  }

  /** Returns the realm with this name. Throws `unknown_realm`. */
  realmNamed(name: string): Realm {
    const realm = this.realms.find((each) => each.name === name)
    if (realm === undefined) throw new PortcullisError('unknown_realm', 'no realm with this name is configured')
    return realm
  }

  /** Returns unix seconds. Never goes back, so that no expired token or stale state becomes valid again. */
  now(): number {
    this.#clockMs = this.settings.nowMs()
    const now = Math.floor(this.#clockMs / 1000)
    const wasBehind = this.#clockIsBehind
    this.#clockIsBehind = now < this.#latest - this.settings.skewSeconds
    if (this.#clockIsBehind && !wasBehind) this.reports.clockWentBack()
    this.#latest = Math.max(this.#latest, now)
    return this.#latest
  }

  mustBeOpen(): void {
    if (this.#closed) throw new PortcullisError('closed', 'the gate was closed')
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.directory?.close()
    for (const realm of this.realms) realm.close()
    this.core.free()
  }

  /** Inspects an accepted token again; returns `undefined` if the core no longer has it. */
  #recheck(cached: CachedVerdict | undefined, now: number): Finding | CachedVerdict | undefined {
    if (cached === undefined) return undefined
    const stateStamp = this.#stateStamp(now)
    if (cached.stateStamp === stateStamp) return cached
    const finding = this.core.recheck(cached.id, now)
    if (finding === undefined || finding.reason !== undefined || finding.behind) return finding
    cached.stateStamp = stateStamp
    return cached
  }

  #verifySync(crypto: NodeSignatures | undefined, now: number): Finding {
    const { signatureRequest: request } = this.core
    const outcome = crypto === undefined ? undefined : crypto.verify(this.core, request)
    // The handle is new: it can only have been lost with the core.
    return this.core.finish(request, outcome, now) ?? UNAVAILABLE
  }

  /** Inspects a token for which the host may be used, or makes it wait for a slot. */
  #beginWithSlot(
    token: string,
    cached: CachedVerdict | undefined,
    now: number,
    round: number,
  ): Finding | CachedVerdict | PendingSignature {
    if (this.#slots.tryAcquire()) return this.#begin(token, cached, now, round)
    return new PendingSignature(
      token,
      undefined,
      this.#slots.acquire().then(() => undefined),
      round,
    )
  }

  /** Inspects a token that has a slot. */
  #begin(
    token: string,
    cached: CachedVerdict | undefined,
    now: number,
    round: number,
  ): Finding | CachedVerdict | PendingSignature {
    const finding = this.core.begin(token, now, true)
    if (finding !== undefined || this.#hostCrypto.kind !== 'asynchronous') {
      this.#slots.release()
      return this.#remember(finding ?? UNAVAILABLE, token, cached, now)
    }
    const { signatureRequest: request } = this.core
    return new PendingSignature(token, request, this.#hostCrypto.verify(this.core, request), round)
  }

  /** Caches an accepted token whose signature had already been verified. */
  #remember(finding: Finding, token: string, cached: CachedVerdict | undefined, now: number): Finding | CachedVerdict {
    if (finding.reason !== undefined || finding.behind || !finding.remembered) return finding
    const { cachedTokenId } = this.core
    const stateStamp = this.#stateStamp(now)
    if (cached === undefined) return this.#cache.add(token, finding.realm, cachedTokenId, stateStamp)
    cached.id = cachedTokenId
    // Its realm may have been removed meanwhile, and added again with another index.
    cached.realm = finding.realm
    cached.stateStamp = stateStamp
    return cached
  }

  /** Returns a number that only stays the same while clock second, keys and state do: both terms only grow. */
  #stateStamp(now: number): number {
    return this.core.changes + now
  }

  /** Explains a token by the host's outcome. Resolves to `undefined` if the handle has expired meanwhile. */
  async #explainByHost(
    crypto: Exclude<HostCrypto, { kind: 'none' }>,
    token: string,
  ): Promise<Check[] | 'not_needed' | undefined> {
    if (!this.#slots.tryAcquire()) await this.#slots.acquire()
    try {
      this.mustBeOpen()
      if (!this.core.beginToExplain(token, this.now())) return 'not_needed'
      const { signatureRequest: request } = this.core
      const outcome = await crypto.verify(this.core, request)
      this.mustBeOpen()
      return this.core.finishToExplain(request, outcome, this.now())
    } finally {
      this.#slots.release()
    }
  }

  #resetRealms(): void {
    for (const realm of this.realms) realm.reset()
  }
}
