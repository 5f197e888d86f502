import { refused } from '../http/refusal.ts'
import { claimedIssuer } from '../token-part.ts'
import type { Check, Refused } from '../types.ts'
import type { CoreMarks } from './core/core.ts'
import type { Runtime } from './core/module.ts'
import { IssuerPatterns, MAX_ISSUER_BYTES } from './issuers/issuer-patterns.ts'
import type { Outcome, Place } from './issuers/place.ts'
import { failed, RealmLoader } from './issuers/realm-loader.ts'
import { RealmMarks } from './issuers/realm-marks.ts'
import type { GateReports } from './gate-reports.ts'
import type { Realm } from './realm.ts'
import { type GateRealmSettings, type GateSettings, resolveAnsweredRealm } from './settings.ts'

/** The parts of a gate that its directory uses. */
export interface DirectoryHost {
  readonly settings: GateSettings
  readonly runtime: Runtime
  readonly reports: GateReports
  /** Opens a realm. `marks`: its position when it was evicted. Throws `invalid_option` and `invalid_jwks`. */
  open(settings: GateRealmSettings, place: Place<Realm>, marks: CoreMarks | undefined): Realm
  /** Closes a realm and returns its position. */
  close(realm: Realm): CoreMarks | undefined
}

/** The realms of a gate whose `realms` are a function: which are loaded, and what happens to a token whose realm is not. */
export class RealmDirectory {
  readonly #host: DirectoryHost
  readonly #patterns: IssuerPatterns
  readonly #loader: RealmLoader<Realm>
  readonly #evicted = new RealmMarks()
  /** Names of loaded realms. */
  readonly #names = new Set<string>()

  constructor(host: DirectoryHost, ask: NonNullable<GateSettings['resolver']>) {
    const { settings, runtime, reports } = host
    this.#host = host
    this.#patterns = new IssuerPatterns(settings.issuers, settings.plainHttp)
    this.#loader = new RealmLoader<Realm>({
      ask,
      open: (place, answer) => this.#open(place, answer),
      close: (place, realm) => this.#close(place, realm),
      isReturning: (issuer) => this.#evicted.isReturning(issuer),
      unknown: (issuer) => this.#evicted.distrust(issuer),
      report: (error) => reports.realms(error),
      shareFlights: runtime.shareFlights,
    })
  }

  /** The refusal of a token of no realm that is loaded, where it must not wait for one; `undefined`: see `load`. */
  refusal(token: string): Refused | undefined {
    const issuer = this.#issuerOf(token)
    const reason = issuer === undefined ? 'wrong_issuer' : this.#loader.refusal(issuer, Date.now())
    return reason === undefined ? undefined : refused(reason)
  }

  /** The refusal of such a token where nothing can be waited for. */
  refusalSync(token: string): Refused {
    return this.refusal(token) ?? refused('keys_unavailable', NOT_LOADED)
  }

  /** Loads the realm of such a token. The place is entered: `leave` must follow. */
  async load(token: string): Promise<Place<Realm> | Refused> {
    const issuer = this.#issuerOf(token)
    const loaded = issuer === undefined ? 'wrong_issuer' : await this.#loader.load(issuer)
    return typeof loaded === 'string' ? refused(loaded) : loaded
  }

  /** Keeps a loaded realm for a request that waits: `leave` must follow. False: too many wait for it. */
  enter(place: Place<Realm>): boolean {
    return place.enter(Date.now())
  }

  leave(place: Place<Realm>): void {
    this.#loader.places.leave(place, Date.now())
  }

  /** A token of the realm has verified. */
  verified(place: Place<Realm>): void {
    const nowMs = Date.now()
    place.usedAtMs = nowMs
    if (place.standing === 'verified') return
    this.#loader.verified(place, nowMs)
    // Before, anybody could have caused the connection.
    if ((place.standing as Place<Realm>['standing']) === 'verified') place.realm?.start()
  }

  /** The same checks; where the token's realm is not loaded, they say why. */
  explained(checks: Check[], token: string): Check[] {
    return checks.map((check) => (check.check === 'realm' && check.reason === 'wrong_issuer' ? { ...check, ...this.#explanation(token) } : check))
  }

  close(): void {
    this.#loader.close()
  }

  #explanation(token: string): Partial<Check> {
    const issuer = claimedIssuer(token)
    if (issuer === undefined || !this.#allows(issuer)) return { detail: 'options.issuers has no name or pattern of this issuer' }
    const reason: Outcome | undefined = this.#loader.refusal(issuer, Date.now())
    if (reason === 'wrong_issuer') return { detail: 'options.realms has answered no realm of this issuer; it is asked again after 10 seconds' }
    return { reason: 'keys_unavailable', detail: 'the realm of this issuer is not loaded: options.realms has failed, or too many other issuers wait for it' }
  }

  /** The unverified issuer of a token, if the function may be asked for it. */
  #issuerOf(token: string): string | undefined {
    const issuer = claimedIssuer(token)
    return issuer !== undefined && this.#allows(issuer) ? issuer : undefined
  }

  #allows(issuer: string): boolean {
    return issuer.length <= MAX_ISSUER_BYTES && this.#patterns.matches(issuer)
  }

  #open(place: Place<Realm>, answer: object): Realm {
    const { settings, runtime } = this.#host
    const resolved = resolveAnsweredRealm(answer, settings, runtime)
    const { token, feed } = resolved
    const names = [token.issuer].flat()
    if (names.length !== 1 || names[0] !== place.issuer || (token.issuerClaim ?? 'iss') !== 'iss') {
      throw failed('another_issuer', 'answered another issuer than the one that it was asked for: its issuer must be exactly that one, in iss')
    }
    if (this.#names.has(token.name)) throw failed('name_taken', 'answered a name that another loaded realm has: give each issuer a name of its own')
    const earlier = this.#evicted.get(place.issuer)
    // The position is one of the feed that these keys sign.
    const isSameFeed = feed !== undefined && earlier?.feedKeys.some((key) => feed.keys.some(({ x }) => x === key))
    const realm = this.#host.open(resolved, place, isSameFeed ? earlier?.marks : undefined)
    this.#names.add(realm.name)
    return realm
  }

  #close(place: Place<Realm>, realm: Realm): void {
    const marks = this.#host.close(realm)
    this.#names.delete(realm.name)
    this.#host.reports.forget(realm.name)
    const earlier = this.#evicted.get(place.issuer)
    if (place.standing === 'unknown' && earlier === undefined) return
    const feedKeys = realm.feed?.settings.keys.map(({ x = '' }) => x) ?? []
    this.#evicted.add(place.issuer, { marks: marks ?? earlier?.marks, feedKeys, isReturning: place.standing !== 'unknown' })
  }
}

const NOT_LOADED = 'The realm of its issuer is not loaded, and loading it takes I/O: use check.'
