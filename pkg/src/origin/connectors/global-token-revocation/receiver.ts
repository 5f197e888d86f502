import { PortcullisError } from '../../../errors.ts'
import { within } from '../../../timing/deadline.ts'
import type { OriginReport } from '../../api.ts'
import { issuerNames, separatesSubjects } from '../../../issuer-names.ts'
import { isObject } from '../../../options.ts'
import type { TokenOptions } from '../../../types.ts'
import { isName } from '../../core/name.ts'
import { sameDigest, sha256 } from '../../same-secret.ts'
import { Conditions } from '../conditions.ts'
import {
  type GlobalRefusal,
  GlobalRevocationRefused,
  type GlobalRevocations,
  type GlobalTokenRevocationOptions,
  type KnownCaller,
  type NamedUser,
  type SubjectIdentifier,
  type SubjectResolver,
} from '../global-revocation.ts'
import { VerificationBudget } from '../verification-budget.ts'
import {
  type Assertion,
  CLOCK_TOLERANCE_SECONDS,
  type KeyedCaller,
  readAssertion,
  type UnverifiedAssertion,
  verifyAssertion,
} from './caller-assertion.ts'
import { callerKeys, type CallerKeysOptions } from './caller-keys.ts'
import { readSubjectIdentifier } from './subject-identifier.ts'
import { UsedIds } from './used-ids.ts'

/** Its name in reports and in the audit log. */
const CONNECTOR = 'global-token-revocation'
const MAX_VERIFICATIONS_PER_SECOND = 100
/** How long a resolver may take. */
const RESOLVER_TIMEOUT_MS = 5_000
/** The most users that one identifier may mean. */
const MAX_SUBJECTS = 100

/** The callers, resolvers and issuer names of a realm. */
interface CalledRealm extends Pick<TokenOptions, 'name' | 'issuer' | 'tenants' | 'sameSubjects'> {
  globalTokenRevocation?: GlobalTokenRevocationOptions
}

interface GlobalTokenRevocationsOptions extends Omit<CallerKeysOptions, 'onFetched'> {
  realms: readonly CalledRealm[]
  maxTokenBytes: number
  onReport: (report: OriginReport) => void
  /** Unix milliseconds. */
  nowMs: () => number
  /** Bad signatures that may be verified per second. Default: 100. */
  budget?: VerificationBudget
}

interface OpenRealm extends CalledRealm {
  readonly secrets: readonly Promise<Uint8Array>[]
  readonly callers: readonly KeyedCaller[]
  readonly conditions: Conditions
}

/** Processes Global Token Revocation requests: authenticates the caller and resolves the users. */
export class GlobalTokenRevocations implements GlobalRevocations {
  readonly #options: GlobalTokenRevocationsOptions
  readonly #realms: ReadonlyMap<string, OpenRealm>
  readonly #budget: VerificationBudget
  readonly #used = new UsedIds()

  /** Does no I/O. Throws `invalid_option`. */
  constructor(options: GlobalTokenRevocationsOptions) {
    this.#options = options
    this.#budget = options.budget ?? new VerificationBudget(MAX_VERIFICATIONS_PER_SECOND)
    this.#realms = new Map(
      options.realms.flatMap((realm) =>
        realm.globalTokenRevocation === undefined ? [] : [[realm.name, open(realm, options)]],
      ),
    )
  }

  takes(realm: string): boolean {
    return this.#realms.has(realm)
  }

  async admit<T>(realm: string, credential: string, work: (caller: KnownCaller) => Promise<T>): Promise<T> {
    const assertion = await this.#authenticate(this.#realmOf(realm), credential)
    if (assertion === 'secret') return work({ issuer: undefined })
    const id = `${assertion.issuer} ${assertion.id}`
    switch (this.#used.take(id, assertion.expiresAt + CLOCK_TOLERANCE_SECONDS, this.#nowSeconds())) {
      case 'used':
        throw refused('used_before', 'the JWT was used before: every request needs a new one')
      case 'full':
        throw refused('too_busy', 'more requests arrive than can be remembered: send it again')
      case 'taken':
    }
    try {
      return await work({ issuer: assertion.issuer })
    } catch (error) {
      // The caller may send the JWT again after a failure at the origin.
      if (!isItsOwn(error)) this.#used.giveBack(id)
      throw error
    }
  }

  async users(name: string, unchecked: unknown, { issuer: caller }: KnownCaller): Promise<readonly NamedUser[]> {
    const realm = this.#realmOf(name)
    const identifier = readSubjectIdentifier(unchecked)
    const resolvers = (realm.globalTokenRevocation?.subjectsOf ?? {}) as Partial<
      Record<string, SubjectResolver<SubjectIdentifier['format']>>
    >
    const { format } = identifier
    const isResolved = resolvers[format] !== undefined
    const users = isResolved
      ? await this.#resolved(realm, async () => resolvers[format]?.(identifier, { caller }))
      : namedBy(identifier, realm)
    // Treated like a foreign issuer: the caller must not learn whether another name has such a user.
    if (users.length === 0 || !users.every(({ issuer }) => mayName(realm, caller, issuer)))
      throw refused('unknown_user', 'the user is not known here')
    return users
  }

  /** Rejects with `GlobalRevocationRefused`, also for a credential of another realm. */
  async #authenticate(realm: OpenRealm, credential: string): Promise<Assertion | 'secret'> {
    const digest = await sha256(credential)
    const unverified = readAssertion(credential, this.#options.maxTokenBytes)
    const own = (await hasSecret(realm, digest)) ? 'secret' : await this.#verified(realm, unverified)
    if (own !== undefined) return own
    for (const other of this.#realms.values()) {
      if (other !== realm && ((await hasSecret(other, digest)) || (await this.#isFor(other, unverified)))) {
        throw refused('not_permitted', 'the credential is for another realm')
      }
    }
    throw refused('unauthenticated', 'the credential is not valid for this realm')
  }

  /**
   * Returns the assertion of one of the realm's callers. A genuine one that is not valid here is reported, because the
   * options then differ from the caller's settings.
   */
  async #verified(
    { callers, conditions, name }: OpenRealm,
    unverified: UnverifiedAssertion | undefined,
  ): Promise<Assertion | undefined> {
    if (unverified === undefined) return undefined
    for (const caller of callers) {
      const verified = await this.#verify(unverified, caller)
      if (typeof verified === 'string') {
        const what = `realm ${name}: a caller's JWT was refused (${verified})`
        conditions.begin(
          'caller',
          failure(
            verified,
            `${what}: compare globalTokenRevocation.callers with the caller's settings, and the clocks`,
          ),
        )
      } else if (verified !== undefined) {
        conditions.end('caller')
        return verified
      }
    }
    return undefined
  }

  /** Whether a caller of this realm signed a JWT. Only a JWT with the realm's audience is verified again. */
  async #isFor({ callers }: OpenRealm, unverified: UnverifiedAssertion | undefined): Promise<boolean> {
    if (unverified === undefined) return false
    const audiences: unknown[] = [unverified.claims['aud'] ?? []].flat()
    for (const caller of callers) {
      if (![caller.audience].flat().some((audience) => audiences.includes(audience))) continue
      const verified = await this.#verify(unverified, caller).catch(() => undefined)
      if (typeof verified === 'object') return true
    }
    return false
  }

  #verify(unverified: UnverifiedAssertion, caller: KeyedCaller): ReturnType<typeof verifyAssertion> {
    return verifyAssertion(unverified, caller, { budget: this.#budget, nowSeconds: this.#nowSeconds() })
  }

  /** Calls a configured resolver within its time limit and checks its result. */
  async #resolved(realm: OpenRealm, resolve: () => Promise<unknown>): Promise<readonly NamedUser[]> {
    const fail = (reason: GlobalRefusal, what: string, cause?: unknown): never => {
      const message = `realm ${realm.name}: ${what}: check globalTokenRevocation.subjectsOf`
      realm.conditions.begin('subjectsOf', failure(reason, message, cause))
      const sentence =
        reason === 'cannot_revoke'
          ? 'this user cannot be logged out here'
          : 'nothing was recorded: the user could not be looked up'
      throw refused(reason, sentence)
    }
    const resolving = resolve()
    switch (await within(resolving, RESOLVER_TIMEOUT_MS)) {
      case 'late':
        return fail('resolver_late', 'a resolver did not answer within 5 s')
      case 'failed':
        return fail('resolver_failed', 'a resolver threw', await resolving.catch((cause: unknown) => cause))
      case 'done':
    }
    const found = (await resolving) ?? []
    const values: unknown[] = Array.isArray(found) ? found : [found]
    if (values.length > MAX_SUBJECTS)
      return fail('cannot_revoke', `a resolver returned more than ${MAX_SUBJECTS} users for one identifier`)
    const users = [...new Set(values)].map((value) => userOf(value, realm))
    if (!users.every((user) => user !== undefined)) {
      const expected = separatesSubjects(realm)
        ? '{ iss, sub }, with one of the names of the issuer'
        : 'the name of a user'
      return fail('cannot_revoke', `a resolver did not return ${expected}`)
    }
    realm.conditions.end('subjectsOf')
    return users
  }

  #realmOf(name: string): OpenRealm {
    const realm = this.#realms.get(name)
    if (realm === undefined)
      throw new PortcullisError('unknown_realm', 'the realm does not accept global token revocation')
    return realm
  }

  #nowSeconds(): number {
    return this.#options.nowMs() / 1000
  }
}

function open(realm: CalledRealm, options: GlobalTokenRevocationsOptions): OpenRealm {
  const { secrets = [], callers = [] } = realm.globalTokenRevocation ?? {}
  const conditions = new Conditions({ realm: realm.name, connector: CONNECTOR }, options.onReport)
  const onFetched = (error: unknown): void => {
    if (error === undefined) return conditions.end('caller_keys')
    conditions.begin(
      'caller_keys',
      failure('keys_unavailable', `realm ${realm.name}: the keys of a caller cannot be fetched: check its jwks`, error),
    )
  }
  return {
    ...realm,
    secrets: secrets.map(sha256),
    callers: callers.map((caller) => ({ ...caller, keys: callerKeys(caller, { ...options, onFetched }) })),
    conditions,
  }
}

async function hasSecret({ secrets }: OpenRealm, digest: Uint8Array): Promise<boolean> {
  const known = await Promise.all(secrets)
  return known.filter((secret) => sameDigest(digest, secret)).length > 0
}

/** Returns the user that an identifier names without a resolver. Throws `GlobalRevocationRefused`. */
function namedBy(identifier: SubjectIdentifier, realm: CalledRealm): NamedUser[] {
  switch (identifier.format) {
    case 'iss_sub': {
      const user = userOf({ iss: identifier.iss, sub: identifier.sub }, realm)
      return user === undefined ? [] : [user]
    }
    case 'opaque': {
      const user = userOf(identifier.id, realm)
      if (user === undefined) throw refused('unsupported_format', 'the issuer has several names here: send iss_sub')
      return [user]
    }
    case 'account':
    case 'did':
    case 'email':
    case 'phone_number':
    case 'uri':
      throw refused('unsupported_format', 'identifiers of this format have no resolver here')
  }
}

/** Returns a user of the realm, or `undefined` if the value is invalid or lacks the issuer's name. */
function userOf(value: unknown, realm: CalledRealm): NamedUser | undefined {
  const { iss, sub } = isObject(value) ? value : { iss: undefined, sub: value }
  if (!isName(sub)) return undefined
  const isNamed = issuerNames(realm).names.some((name) => name === iss)
  if (separatesSubjects(realm)) return isNamed ? { subject: sub, issuer: String(iss) } : undefined
  return isNamed || iss === undefined ? { subject: sub } : undefined
}

/**
 * Whether a caller may name this user. A caller that is itself one of several names of the issuer, such as a tenant,
 * may name only its own users; the operator configures all others.
 */
function mayName(realm: CalledRealm, caller: string | undefined, issuer: string | undefined): boolean {
  return issuer === undefined || issuer === caller || !issuerNames(realm).names.some((name) => name === caller)
}

/** Whether a request failed through its own fault, so that its JWT is used up. */
function isItsOwn(error: unknown): boolean {
  if (!(error instanceof GlobalRevocationRefused)) return false
  return error.reason !== 'resolver_failed' && error.reason !== 'resolver_late'
}

function failure(detail: string, message: string, cause?: unknown): PortcullisError {
  return new PortcullisError('connector_failed', message, { detail, cause })
}

function refused(reason: GlobalRefusal, sentence: string): GlobalRevocationRefused {
  return new GlobalRevocationRefused(reason, sentence)
}
