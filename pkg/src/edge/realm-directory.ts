import { refused } from '../http/refusal.ts'
import { claimedIssuer } from '../token-part.ts'
import type { Check, Refused } from '../types.ts'
import type { CoreMarks } from './core/core-options.ts'
import type { Runtime } from './core/module.ts'
import { IssuerPatterns, MAX_ISSUER_BYTES } from './issuers/issuer-patterns.ts'
import type { Outcome, Place } from './issuers/place.ts'
import { failed, RealmLoader } from './issuers/realm-loader.ts'
import { RealmMarks } from './issuers/realm-marks.ts'
import type { GateReports } from './gate-reports.ts'
import type { Realm } from './realm.ts'
import { type GateRealmSettings, type GateSettings, resolveAnsweredRealm } from './settings.ts'

/** The members of a gate that its realm directory uses. */
interface DirectoryHost {
  readonly settings: GateSettings
  readonly runtime: Runtime
  readonly reports: GateReports
  /** Opens a realm. `marks`: its position when it was evicted. Throws `invalid_option` and `invalid_jwks`. */
  open(settings: GateRealmSettings, place: Place<Realm>, marks: CoreMarks | undefined): Realm
  /** Closes a realm and returns its position. */
  close(realm: Realm): CoreMarks | undefined
}

/** The realms of a gate whose `realms` are a function: the loaded ones, and the verdict on tokens of the others. */
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

  /**
   * Returns the refusal of a token whose realm is not loaded and must not be awaited, or `undefined` if `load` must be
   * called.
   */
  refusal(token: string): Refused | undefined {
    const issuer = this.#issuerOf(token)
    const reason = issuer === undefined ? 'wrong_issuer' : this.#loader.refusal(issuer, Date.now())
    return reason === undefined ? undefined : refused(reason)
  }

  /** Like `refusal`, for `checkSync`, which cannot wait. */
  refusalSync(token: string): Refused {
    return this.refusal(token) ?? refused('keys_unavailable', NOT_LOADED)
  }

  /** Loads the realm of a token. The place is entered: `leave` must follow. */
  async load(token: string): Promise<Place<Realm> | Refused> {
    const issuer = this.#issuerOf(token)
    const loaded = issuer === undefined ? 'wrong_issuer' : await this.#loader.load(issuer)
    return typeof loaded === 'string' ? refused(loaded) : loaded
  }

  /**
   * Keeps a realm loaded while a request waits for it: `leave` must follow. Returns false if too many requests wait.
   */
  enter(place: Place<Realm>): boolean {
    return place.enter(Date.now())
  }

  leave(place: Place<Realm>): void {
    this.#loader.places.leave(place, Date.now())
  }

  /** Records that a token of the realm has verified. */
  verified(place: Place<Realm>): void {
    const nowMs = Date.now()
    place.usedAtMs = nowMs
    if (place.standing === 'verified') return
    this.#loader.verified(place, nowMs)
    // Not earlier: a forged token must not open a connection.
    if ((place.standing as Place<Realm>['standing']) === 'verified') place.realm?.start()
  }

  /** Returns the checks with the reason why the token's realm is not loaded. */
  explained(checks: Check[], token: string): Check[] {
    return checks.map((check) =>
      check.check === 'realm' && check.reason === 'wrong_issuer' ? { ...check, ...this.#explanation(token) } : check,
    )
  }

  close(): void {
    this.#loader.close()
  }

  #explanation(token: string): Partial<Check> {
    const issuer = claimedIssuer(token)
    if (issuer === undefined || !this.#allows(issuer))
      return { detail: 'options.issuers has no name or pattern for this issuer' }
    const reason: Outcome | undefined = this.#loader.refusal(issuer, Date.now())
    if (reason === 'wrong_issuer')
      return { detail: 'options.realms has returned no realm for this issuer; it is called again after 10 seconds' }
    const detail =
      'the realm of this issuer is not loaded: options.realms has failed, or too many other issuers are waiting for it'
    return { reason: 'keys_unavailable', detail }
  }

  /** Returns the unverified issuer of a token if the function may be called for it. */
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
      throw failed(
        'another_issuer',
        'returned an issuer other than its argument: issuer must be exactly that string, in iss',
      )
    }
    if (this.#names.has(token.name))
      throw failed('name_taken', 'returned a name that another loaded realm has: give each issuer its own name')
    const earlier = this.#evicted.get(place.issuer)
    // A position is only valid for the feed that these keys sign.
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
    this.#evicted.add(place.issuer, {
      marks: marks ?? earlier?.marks,
      feedKeys,
      isReturning: place.standing !== 'unknown',
    })
  }
}

const NOT_LOADED = 'The realm of its issuer is not loaded, and loading it takes I/O: use check.'
