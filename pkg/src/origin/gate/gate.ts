import { PortcullisError } from '../../errors.ts'
import { separatesSubjects } from '../../issuer-names.ts'
import { REASONS, statusOf, type Reason, type RefusalStatus } from '../../reasons.ts'
import { atOption } from '../../option-path.ts'
import { claimedKeyId, readPart, statedIssuer } from '../../token-part.ts'
import type { Claims, JWK, JWKS } from '../../types.ts'
import type { Clock } from '../clock.ts'
import type { Identified, Unidentified, WithdrawnToken } from '../core/wasm-gate.ts'
import type { RealmFeed } from '../feed/realm-feed.ts'
import { GateCore } from '../core/gate.ts'
import type { IssuerTokens } from '../connectors/issuer-tokens.ts'
import { coreOptions } from './core-options.ts'
import type { IssuerClock } from './issuer-clock.ts'
import { IssuerKeys, type KeysChanged, type KeyTaker } from './issuer-keys.ts'
import { issuerTokens } from './issuer-tokens.ts'
import type { Settings } from '../settings.ts'

/** The verdict on a token. */
type Judged = { ok: true; realm: string; claims: Claims } | { ok: false; reason: Reason; status: RefusalStatus }

/**
 * A token that is to be revoked. `withdrawn`: its issuer has withdrawn the key that signed it, so it may be revoked
 * only by its id.
 */
export type IdentifiedToken = {
  name: string
  /** Its `iss`, if each name of the realm's issuer has its own users and tokens. */
  issuer?: string
} & ((Identified & { signedBy: 'issuer' }) | (WithdrawnToken & { signedBy: 'withdrawn' }))

interface GateRealm {
  name: string
  feed: RealmFeed
  keys: IssuerKeys
  /** The claim that states the issuer name of a token; `undefined` if the names make no difference. */
  nameClaim: string | undefined
  /** The digest of the policy on which other gates must agree. */
  policy: string
  /** When its state was last renewed, in unix seconds; 0 if it must be renewed. */
  renewedAt: number
}

interface OriginGateOptions {
  settings: Settings
  /** Keyed by realm name. */
  feeds: ReadonlyMap<string, RealmFeed>
  publicKey: JWK
  clock: Clock
  /** Keyed by realm name. Each clock measures by the issuer's key set and by tokens with a good signature. */
  issuerClocks: ReadonlyMap<string, IssuerClock>
}

/**
 * The origin's own gate: decides who may administer, and identifies tokens to be revoked. It first applies every
 * commit.
 */
export class OriginGate {
  readonly #settings: Settings
  readonly #realms: GateRealm[]
  readonly #clock: Clock
  readonly #issuerClocks: ReadonlyMap<string, IssuerClock>
  #core: GateCore
  #pinned: JWK
  #onKeys: (realm: string) => void = () => undefined

  /** Throws `invalid_option` or `invalid_jwks`. */
  constructor({ settings, feeds, publicKey, clock, issuerClocks }: OriginGateOptions) {
    this.#settings = settings
    this.#clock = clock
    this.#issuerClocks = issuerClocks
    this.#pinned = publicKey
    this.#core = new GateCore(coreOptions(settings, [publicKey]))
    this.#realms = settings.realms.map((realm, index) => {
      const feed = feeds.get(realm.name)
      if (feed === undefined) throw new PortcullisError('unknown_realm', `realm ${realm.name} has no feed`)
      const core: KeyTaker = {
        take: (...set) => this.#core.setKeys(index, ...set),
        skipped: () => this.#core.skippedKeys(index),
      }
      const onChange: KeysChanged = (withdrawn) => {
        this.#core.setWithdrawnKeys(index, withdrawn)
        this.#onKeys(realm.name)
      }
      const keys = atOption(
        `options.realms[${index}].jwks`,
        () => new IssuerKeys(realm, this.#timed(realm.name), core, onChange),
      )
      const nameClaim = separatesSubjects(realm) ? (realm.issuerClaim ?? 'iss') : undefined
      return { name: realm.name, feed, keys, nameClaim, policy: this.#core.policy(index), renewedAt: 0 }
    })
    for (const realm of this.#realms) this.sync(realm.name)
  }

  /** Calls `listener` after each fetch of a realm's keys. */
  onKeys(listener: (realm: string) => void): void {
    this.#onKeys = listener
  }

  /**
   * Also trusts feeds signed by this key, besides the current one. Throws `invalid_option`; then nothing has changed.
   */
  pin(publicKey: JWK): void {
    const before = this.#core
    this.#core = new GateCore(coreOptions(this.#settings, [this.#pinned, publicKey]))
    try {
      for (const [index, { name, keys }] of this.#realms.entries()) {
        keys.reinstall()
        this.#core.setWithdrawnKeys(index, keys.withdrawn)
        this.sync(name)
      }
    } catch (error) {
      this.#core.free()
      this.#core = before
      throw error
    }
    this.#pinned = publicKey
    before.free()
  }

  /** Judges a token in full, as an edge would. */
  async check(token: string): Promise<Judged> {
    await this.#renewKeys(token)
    const { judged, keys } = this.#judge(token)
    if (judged.ok || !(await obtainKey(keys, judged.reason, token))) return judged
    return this.#judge(token).judged
  }

  /**
   * Identifies the owner of a token, once its form, issuer, key and signature are verified and it is an access token.
   * The issuer may have withdrawn the key. Throws `invalid_token`, `unexpected_token_use` or `jwks_unreachable`.
   */
  async identify(token: string): Promise<IdentifiedToken> {
    await this.#renewKeys(token)
    const first = this.#identify(token)
    if (!('code' in first)) return first
    const keys = first.realm === undefined ? undefined : this.#realms[first.realm]?.keys
    if (!(await obtainKey(keys, first.reason, token))) throw unidentified(first)
    const second = this.#identify(token)
    if (!('code' in second)) return second
    throw unidentified(second)
  }

  /** Returns the realm's JWK set in use; fetches it first if that is due. Throws `unknown_realm`. */
  async keys(name: string): Promise<JWKS> {
    const { keys } = this.#realmOf(name)
    if (keys.due || keys.current.keys.length === 0) await keys.load()
    return keys.current
  }

  /** Returns the keys that a realm's issuer has recently withdrawn. Throws `unknown_realm`. */
  withdrawnKeys(name: string): JWKS {
    return { keys: this.#realmOf(name).keys.withdrawn.map(({ jwk }) => jwk) }
  }

  /** Returns the keys for a realm's feed, without a fetch; empty before the first. Throws `unknown_realm`. */
  keysForFeed(name: string): JWKS {
    return this.#realmOf(name).keys.forFeed
  }

  /** Adds the keys that a realm's feed had before this process. Throws `unknown_realm`. */
  rememberKeys(name: string, inFeed: JWKS): void {
    const realm = this.#realmOf(name)
    realm.keys.remember(inFeed)
    this.#core.setWithdrawnKeys(this.#realms.indexOf(realm), realm.keys.withdrawn)
  }

  /** Fetches the issuer's keys now. Rejects with `unknown_realm`, `jwks_unreachable` or `invalid_jwks`. */
  async reloadKeys(name: string): Promise<void> {
    await this.#realmOf(name).keys.reload()
  }

  /** Fetches a realm's keys unless they are recent. Rejects like `reloadKeys`. */
  async refreshKeys(name: string): Promise<void> {
    await this.#realmOf(name).keys.refresh()
  }

  /**
   * Looks for new keys at the issuer, at most once a second for all callers together. Rejects like `reloadKeys`, or
   * with `closed`.
   */
  async lookForKeys(name: string): Promise<void> {
    await this.#realmOf(name).keys.look()
  }

  /** Fetches a realm's keys as a scheduled poll. Rejects like `reloadKeys`. */
  async pollKeys(name: string): Promise<void> {
    await this.#realmOf(name).keys.poll()
  }

  /**
   * Returns the verifier of tokens that the realm's issuer sends to this origin; it refuses those of banned keys.
   * Throws `unknown_realm`.
   */
  tokensFrom(name: string, bans: (thumbprint: string) => boolean): IssuerTokens {
    const { keys } = this.#realmOf(name)
    const realm = this.#settings.realms.find((each) => each.name === name)
    return issuerTokens({
      keys,
      rsaAlgorithm: realm?.rsaAlgorithm,
      numericIds: realm?.numericIds,
      maxTokenBytes: this.#settings.maxTokenBytes,
      bans,
    })
  }

  /** Ends all waits for a key lookup. */
  endLooks(): void {
    for (const { keys } of this.#realms) keys.endLooks()
  }

  /** Starts fetching a realm's keys in the background if they will soon be due. */
  renewKeysBehind(name: string): void {
    this.#realmOf(name).keys.renewBehind()
  }

  /**
   * Brings the gate to the head; runs before a recorded event is published. If it throws, the next check of the realm
   * retries it, or fails.
   */
  sync(name: string): void {
    const realm = this.#realmOf(name)
    const index = this.#realms.indexOf(realm)
    const now = this.#clock()
    realm.renewedAt = 0
    if (!this.#applyDeltas(realm, index, now)) this.#applyManifest(realm, index, now)
    realm.renewedAt = now
  }

  /** Returns the digest of the policy on which a realm's gates must agree with this one. Throws `unknown_realm`. */
  policy(name: string): string {
    return this.#realmOf(name).policy
  }

  close(): void {
    for (const { keys } of this.#realms) keys.close()
    this.#core.free()
  }

  /** Returns false if no deltas lead from there to the head, as after a correction. */
  #applyDeltas(realm: GateRealm, index: number, now: number): boolean {
    const sequence = this.#core.sequence(index)
    if (sequence === undefined) return false
    try {
      for (const { bytes } of realm.feed.ownForm.statements(sequence)) this.#core.applyFeed(index, bytes, now)
      return this.#core.sequence(index) === realm.feed.sequence
    } catch {
      return false
    }
  }

  #applyManifest(realm: GateRealm, index: number, now: number): void {
    this.#core.applyFeed(index, realm.feed.ownForm.manifest().bytes, now)
    for (const sha256 of this.#core.missingSections(index)) {
      const bytes = realm.feed.section(sha256)
      if (bytes === undefined)
        throw new PortcullisError('feed_refused', 'a section of our own manifest is missing', {
          detail: 'missing_section',
        })
      this.#core.provideSection(index, bytes)
    }
  }

  /** Returns the verdict, with the keys of the token's realm. */
  #judge(token: string): { judged: Judged; keys: IssuerKeys | undefined } {
    const now = this.#clock()
    for (const realm of this.#realms) if (realm.renewedAt !== now) this.sync(realm.name)
    const answer = this.#core.check(token, now)
    const [realm, reason] = [this.#realms[realmIndexOf(answer)], reasonOf(answer)]
    if (reason !== undefined) return { judged: { ok: false, reason, status: statusOf(reason) }, keys: realm?.keys }
    if (realm === undefined) return { judged: { ok: false, reason: 'wrong_issuer', status: 401 }, keys: undefined }
    const claims = readPart(token.split('.', 2)[1] ?? '') as Claims
    this.#issuerClocks.get(realm.name)?.learn(Number(claims.iat))
    return { judged: { ok: true, realm: realm.name, claims }, keys: realm.keys }
  }

  /** Identifies a token by a key in use, else by a withdrawn one if it may still be revoked. */
  #identify(token: string): IdentifiedToken | Unidentified {
    const identified = this.#core.identify(token, this.#clock())
    if (!('code' in identified)) {
      const realm = this.#realmAt(identified.realm)
      this.#issuerClocks.get(realm.name)?.learn(identified.issuedAt ?? 0)
      return { ...identified, ...namesOf(token, realm), signedBy: 'issuer' }
    }
    const withdrawn = this.#core.identifyWithdrawn(token, this.#clock())
    return 'code' in withdrawn
      ? identified
      : { ...withdrawn, ...namesOf(token, this.#realmAt(withdrawn.realm)), signedBy: 'withdrawn' }
  }

  /** Fetches the keys of the token's realm if they are due, without waiting for the issuers of other realms. */
  async #renewKeys(token: string): Promise<void> {
    for (const { keys } of this.#realms) keys.renewBehind()
    if (!this.#realms.some(({ keys }) => keys.due)) return
    const realm = this.#core.realmOf(token)
    const keys = realm === undefined ? undefined : this.#realms[realm]?.keys
    if (keys?.due === true) await keys.load()
  }

  /** Returns the settings with a `fetch` that measures by the issuer's `Date`. */
  #timed(name: string): Settings {
    const fetch = this.#issuerClocks.get(name)?.timing(this.#settings.fetch)
    return fetch === undefined ? this.#settings : { ...this.#settings, fetch }
  }

  #realmAt(index: number): GateRealm {
    const realm = this.#realms[index]
    if (realm === undefined) throw new PortcullisError('fault', 'the core named an unknown realm')
    return realm
  }

  #realmOf(name: string): GateRealm {
    const realm = this.#realms.find((each) => each.name === name)
    if (realm === undefined) throw new PortcullisError('unknown_realm', 'unknown realm')
    return realm
  }
}

/** Returns the names of an identified token's realm and issuer. */
function namesOf(token: string, { name, nameClaim }: GateRealm): { name: string; issuer?: string } {
  return nameClaim === undefined ? { name } : { name, issuer: String(statedIssuer(token, nameClaim)) }
}

/**
 * Fetches the keys of a token's realm if that may be why it was refused. Resolves to false if nothing new can have
 * arrived.
 */
async function obtainKey(keys: IssuerKeys | undefined, reason: Reason, token: string): Promise<boolean> {
  if (keys === undefined) return false
  if (reason === 'keys_unavailable') await keys.load()
  if (reason !== 'unknown_key') return reason === 'keys_unavailable'
  return keys.lookFor(claimedKeyId(token))
}

function unidentified({ code, reason }: Unidentified): PortcullisError {
  if (code === 'unexpected_token_use') return new PortcullisError(code, 'unexpected token use')
  if (reason === 'keys_unavailable')
    return new PortcullisError('jwks_unreachable', 'the keys of the issuer are not available at the moment')
  return new PortcullisError('invalid_token', 'invalid token')
}

function reasonOf(answer: number): Reason | undefined {
  const code = answer & 0xff
  return code === 0 ? undefined : (REASONS[code - 1] ?? 'malformed')
}

/** Returns -1 if there is no realm. */
function realmIndexOf(answer: number): number {
  return ((answer >>> 8) & 0xffff) - 1
}
