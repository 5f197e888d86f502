import { PortcullisError } from '../errors.ts'
import { corePolicy } from '../policy.ts'
import { Core, type Finding, host } from './core.ts'
import { Realm } from './realm.ts'
import { type Reporter, reporter } from './report.ts'
import { checkHost, type Settings } from './settings.ts'

/** A gate in use: the core, its realms, and the clock they are judged by. */
export class OpenGate {
  readonly core: Core
  readonly realms: readonly Realm[]
  readonly settings: Settings
  readonly report: Reporter
  #latest = 0
  #clockIsBehind = false
  #closed = false

  /** Throws `not_loaded`, `invalid_option` and `invalid_jwks`. Starts streams, where changes are to come by them. */
  constructor(settings: Settings) {
    const { shareFlights } = host()
    checkHost(settings, host())
    this.settings = settings
    this.report = reporter(settings.onReport)
    this.core = new Core({
      maxTokenBytes: settings.maxTokenBytes,
      leewaySeconds: settings.leewaySeconds,
      skewSeconds: settings.skewSeconds,
      maxLifetimeSeconds: settings.maxLifetimeSeconds,
      maxSessionSeconds: settings.maxSessionSeconds,
      maxStaleSeconds: settings.maxStaleSeconds,
      whenStale: settings.whenStale,
      maxAcceptStaleSeconds: settings.maxAcceptStaleSeconds,
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

  /** What the core finds about a token at this moment: key, bans, time, revocation and freshness in one synchronous step. */
  find(token: string): Finding {
    this.mustBeOpen()
    return this.core.check(token, this.now())
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

  /** Throws `unknown_realm`. */
  realmNamed(name: string): Realm {
    const realm = this.realms.find((each) => each.name === name)
    if (realm === undefined) throw new PortcullisError('unknown_realm', 'no realm of this name is configured')
    return realm
  }

  /** Unix seconds. Never goes back, lest a token that has expired, or state that is stale, come to life again. */
  now(): number {
    const now = Math.floor(Date.now() / 1000)
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

  #reportClock(): void {
    const message = 'the clock of this host went back: tokens are judged by its latest time until it is there again; check its NTP'
    const error = new PortcullisError('fault', message, { detail: 'clock_went_back' })
    for (const realm of this.realms) this.report('clock', realm.name, error)
  }
}
