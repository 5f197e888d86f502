import type { JWKS } from '../../types.ts'

/**
 * Who may have all tokens of a user revoked by Global Token Revocation
 * (draft-parecki-oauth-global-token-revocation-06), and which user is meant. An administrator's token does not open
 * that route. At least one secret or caller is needed.
 */
export interface GlobalTokenRevocationOptions {
  /**
   * Bearer secrets, of 16 characters or more, of callers that sign nothing, such as a security tool; two while one is
   * replaced. Those of another realm must differ. Default: none.
   */
  secrets?: string[]
  /** Identity providers that call with a JWT of their own (§3.5), such as Okta's Universal Logout. Default: none. */
  callers?: RevocationCaller[]
  /**
   * The users that an identifier means, by its format (RFC 9493 §3.2). A format without a resolver and without a
   * default is answered 400. Default: `iss_sub` with a name of the realm's issuer means its `sub`, and so does `opaque`
   * where users are the same under all names.
   */
  subjectsOf?: SubjectResolvers
}

/** An identity provider that signs its requests. */
export interface RevocationCaller {
  /** The exact `iss` of its JWTs; for Okta that of its ID tokens. */
  issuer: string
  /** Its public keys: a set, or the set's URL. */
  jwks: URL | string | JWKS
  /**
   * The `aud` of its JWTs: the URL of the route as the provider calls it, without a query. Several while it changes.
   */
  audience: string | string[]
  /** The `sub` of its JWTs: your app's id at the provider. Another one is answered 403. Default: any. */
  subject?: string | string[]
  /**
   * Whether JWTs are taken whose `typ` is `JWT` or missing; the draft names none, and Okta sends
   * `global-token-revocation+jwt`. With `accept` the `subject` is required, for other tokens of the provider may have
   * the same `aud`. Default `refuse`.
   */
  untyped?: 'refuse' | 'accept'
}

/** A subject identifier (RFC 9493 §3.2) as it was sent: nothing is trimmed, lower-cased or otherwise normalized. */
export type SubjectIdentifier =
  | { format: 'account'; uri: string }
  | { format: 'did'; url: string }
  | { format: 'email'; email: string }
  | { format: 'iss_sub'; iss: string; sub: string }
  | { format: 'opaque'; id: string }
  | { format: 'phone_number'; phone_number: string }
  | { format: 'uri'; uri: string }

/**
 * Returns the user's `sub` in the realm, an array of at most 100, or `undefined` for an unknown user (the route
 * responds with 404). Where users of different names of the issuer are told apart (several names, or `tenants`), it
 * returns `{ iss, sub }`. `caller` is the `iss` of the JWT; `undefined`: the request has a secret. It may take 5 s; if
 * it throws or takes longer, nothing is recorded (500, 503).
 */
export type SubjectResolver<F extends SubjectIdentifier['format']> = (
  identifier: Extract<SubjectIdentifier, { format: F }>,
  request: { caller: string | undefined },
) => FoundSubjects | Promise<FoundSubjects>

/** The result of a resolver. */
export type FoundSubjects = FoundSubject | readonly FoundSubject[] | undefined
type FoundSubject = string | { iss: string; sub: string }

export type SubjectResolvers = { [F in SubjectIdentifier['format']]?: SubjectResolver<F> }

/** The members of an identifier besides `format`, by that. */
export const IDENTIFIER_MEMBERS: { readonly [F in SubjectIdentifier['format']]: readonly string[] } = {
  account: ['uri'],
  did: ['url'],
  email: ['email'],
  iss_sub: ['iss', 'sub'],
  opaque: ['id'],
  phone_number: ['phone_number'],
  uri: ['uri'],
}

/** Takes the requests of Global Token Revocation of all realms. Rejects with `GlobalRevocationRefused`. */
export interface GlobalRevocations {
  /** Whether the realm has callers. */
  takes(realm: string): boolean
  /**
   * Runs `work` for the caller with this bearer credential. A JWT serves for one request (§3.5); for another one if
   * `work` fails for a reason at the origin.
   */
  admit<T>(realm: string, credential: string, work: (caller: KnownCaller) => Promise<T>): Promise<T>
  /** The users that an identifier means, one at least; `identifier` is unchecked JSON. */
  users(realm: string, identifier: unknown, caller: KnownCaller): Promise<readonly NamedUser[]>
}

/** A user of a realm. */
export interface NamedUser {
  readonly subject: string
  /** Under which name of the issuer; left out: under all. */
  readonly issuer?: string
}

/** An authenticated caller. */
export interface KnownCaller {
  /** The `iss` of its JWT; `undefined`: it has a secret. */
  readonly issuer: string | undefined
}

/** Why a request of Global Token Revocation is refused. */
export type GlobalRefusal =
  | 'unauthenticated'
  | 'used_before'
  | 'not_permitted'
  | 'keys_unavailable'
  | 'too_busy'
  | 'malformed'
  | 'unsupported_format'
  | 'unknown_user'
  | 'cannot_revoke'
  | 'resolver_failed'
  | 'resolver_late'

/** A refused request. Its text names a rule and repeats nothing of the request. */
export class GlobalRevocationRefused extends Error {
  override readonly name = 'GlobalRevocationRefused'
  readonly reason: GlobalRefusal

  constructor(reason: GlobalRefusal, sentence: string) {
    super(sentence)
    this.reason = reason
  }
}
