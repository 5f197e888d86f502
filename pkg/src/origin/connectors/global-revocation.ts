import type { JWKS } from '../../types.ts'

/**
 * The callers that may revoke all tokens of a user by Global Token Revocation
 * (draft-parecki-oauth-global-token-revocation-06), and the mapping of their user identifiers. An administrator's token
 * is not accepted on that route. At least one secret or caller is required.
 */
export interface GlobalTokenRevocationOptions {
  /**
   * Bearer secrets of 16 characters or more, for callers that do not sign requests, such as a security tool. Use two
   * while replacing one. Each realm needs its own secrets. Default: none.
   */
  secrets?: string[]
  /** Identity providers that call with their own JWT (§3.5), such as Okta's Universal Logout. Default: none. */
  callers?: RevocationCaller[]
  /**
   * Resolvers that map an identifier to users, by its format (RFC 9493 §3.2). A format without a resolver and without a
   * default gets 400. Default: `iss_sub` with a name of the realm's issuer maps to its `sub`, and so does `opaque` if
   * users are the same under all names.
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
   * The `aud` of its JWTs: the URL of the route as the provider calls it, without a query. Several are allowed while it
   * changes.
   */
  audience: string | string[]
  /** The `sub` of its JWTs: your app's id at the provider. Any other value gets 403. Default: any. */
  subject?: string | string[]
  /**
   * Whether to accept JWTs whose `typ` is `JWT` or missing. The draft specifies no `typ`, and Okta sends
   * `global-token-revocation+jwt`. `accept` requires `subject`, because other tokens of the provider may have the same
   * `aud`. Default `refuse`.
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
 * responds with 404). If the names of the issuer have separate users (several names, or `tenants`), it returns `{ iss,
 * sub }`. `caller` is the `iss` of the JWT, or `undefined` if the request has a secret. It may take up to 5 s; if it
 * throws or takes longer, nothing is recorded (500, 503).
 */
export type SubjectResolver<F extends SubjectIdentifier['format']> = (
  identifier: Extract<SubjectIdentifier, { format: F }>,
  request: { caller: string | undefined },
) => FoundSubjects | Promise<FoundSubjects>

/** The result of a resolver. */
export type FoundSubjects = FoundSubject | readonly FoundSubject[] | undefined
type FoundSubject = string | { iss: string; sub: string }

export type SubjectResolvers = { [F in SubjectIdentifier['format']]?: SubjectResolver<F> }

/** The members of an identifier besides `format`, keyed by format. */
export const IDENTIFIER_MEMBERS: { readonly [F in SubjectIdentifier['format']]: readonly string[] } = {
  account: ['uri'],
  did: ['url'],
  email: ['email'],
  iss_sub: ['iss', 'sub'],
  opaque: ['id'],
  phone_number: ['phone_number'],
  uri: ['uri'],
}

/** Processes the Global Token Revocation requests of all realms. Rejects with `GlobalRevocationRefused`. */
export interface GlobalRevocations {
  /** Whether the realm accepts such requests. */
  takes(realm: string): boolean
  /**
   * Runs `work` for the caller with this bearer credential. A JWT may be used for one request (§3.5), or again if
   * `work` fails for a reason at the origin.
   */
  admit<T>(realm: string, credential: string, work: (caller: KnownCaller) => Promise<T>): Promise<T>
  /** Returns the users that an identifier maps to, at least one; `identifier` is unchecked JSON. */
  users(realm: string, identifier: unknown, caller: KnownCaller): Promise<readonly NamedUser[]>
}

/** A user of a realm. */
export interface NamedUser {
  readonly subject: string
  /** The name of the issuer under which the user is known; absent for all names. */
  readonly issuer?: string
}

/** An authenticated caller. */
export interface KnownCaller {
  /** The `iss` of its JWT; `undefined` if it uses a secret. */
  readonly issuer: string | undefined
}

/** Why a Global Token Revocation request is refused. */
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

/** A refused request. Its message names a rule and repeats nothing of the request. */
export class GlobalRevocationRefused extends Error {
  override readonly name = 'GlobalRevocationRefused'
  readonly reason: GlobalRefusal

  constructor(reason: GlobalRefusal, sentence: string) {
    super(sentence)
    this.reason = reason
  }
}
