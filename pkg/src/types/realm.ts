import type { Algorithm, JWK, JWKS } from './jwk.ts'

/** The tokens of a realm and their issuer. Origin and gate must agree on these options. */
export interface TokenOptions {
  /** The short name used in routes and reports: 1 to 64 letters, digits, `-`, `_`, `.`; unique. */
  name: string
  /**
   * The exact `iss` of the realm's tokens. Several names of one issuer, 1 to 1000: the first determines the realm's id,
   * so it must stay the first. With `tenants`: a pattern with one whole path segment in braces, which names the claim
   * that must equal it, for example `https://login.microsoftonline.com/{tid}/v2.0`.
   */
  issuer: string | string[]
  /**
   * The accepted values of the segment in braces: 1 to 1000, of 1 to 255 characters each. A gate may accept fewer of
   * them than its origin. Required with a pattern, refused without.
   */
  tenants?: string[]
  /**
   * With several names or tenants: whether equal `sub`, `sid` and `jti` are the same user, session and token under all
   * of them, as for aliases of one server. Apps (`azp`, `client_id`) are the same under all names in any case. Default
   * `false` (each name has its own).
   */
  sameSubjects?: boolean
  /**
   * The accepted audiences: one of these must be in `aud`. `'none'`: tokens have no audience, and it is not checked;
   * see `authorizedParty`.
   */
  audience: string | string[] | 'none'
  /**
   * For issuers whose tokens have no `aud`: a token without it is accepted if `azp` or `client_id` is one of these
   * (both, if it has both) and it has a mark of an access token: `at+jwt` in the header `typ`, `access` in
   * `claimNames.tokenUse`, `Bearer` in the claim `typ`, a scope in `claimNames.scope`, or `accessTokenClaim`. Otherwise
   * `wrong_audience`. A token that has `aud` is only checked by `audience`; with `audience: 'none'`, every token only
   * by this. Default: none.
   */
  authorizedParty?: string | string[]
  /**
   * A claim that only access (or session) tokens of this issuer have: an additional mark for `authorizedParty`.
   * Default: none.
   */
  accessTokenClaim?: string
  /** The kind of token (RFC 8725 §3.12): `rfc9068`, `keycloak` or `generic`. Default `generic`. */
  profile?: 'rfc9068' | 'keycloak' | 'generic'
  /**
   * The signature algorithms accepted; a key is only ever used with its own algorithm. HMAC (`HS256` and so on) needs a
   * key in `jwks: { keys }`: URLs and feeds never have a symmetric one. Default: all that are supported.
   */
  algorithms?: Algorithm[]
  /** The algorithm of an RSA key whose JWK names none. Default `RS256`. */
  rsaAlgorithm?: Algorithm
  /** The claim that names the issuer. Default `iss`. */
  issuerClaim?: string
  /**
   * The names of other claims. Default: `sub`, `jti`, `sid`, `token_use`, `token_version`, `last_logout_time`, `scope`.
   */
  claimNames?: Partial<ClaimNames>
  /**
   * How ids that are JSON numbers in tokens are treated: user, token id, session, `azp`, `client_id` and `grantClaim`.
   * `refuse`: the token is `malformed` (RFC 7519 §4.1 requires strings). `accept`: an integer from -(2^53 - 1) to 2^53
   * - 1 in shortest decimal form is the string of its digits, so user 42 is `'42'` in every route, event and lookup;
   *   `1.0`, `1e2` and `-0` stay `malformed`. Verdicts contain the claims as signed. Gate and origin must agree.
   *   Default `refuse`.
   */
  numericIds?: 'refuse' | 'accept'
  /**
   * Claims that must be present, by their names in the token. The list must have `exp` and `iat`, which every token
   * needs. It must not have `cnf`, nor `act` with `impersonation: 'refuse'`: tokens with these are refused. Also
   * required: `auth_time` with `compare: 'authTime'`, and `aud`, `client_id`, `sub` and `jti` in `rfc9068`. Default
   * `exp iat sub jti` (and `aud` and `client_id` in `rfc9068`).
   */
  requiredClaims?: string[]
  /**
   * How tokens without an id (`claimNames.tokenId`) are treated. `refuse`: `missing_claim`; the origin responds with
   * 400. `session`: accepted if they have a session, and revoking one ends that session. `user`: accepted if they have
   * a user, and revoking one refuses the user's tokens up to its own `iat`. These claims are then required in every
   * token of the realm. Default `refuse`.
   */
  withoutTokenId?: 'refuse' | 'session' | 'user'
  /**
   * Maximum accepted `exp - iat`. At a gate the smallest of this, `GateOptions.maxLifetimeSeconds` and the origin's
   * value applies. Allowed: 1 or more; at the origin 1 to 3456000 (40 days), so more than 40 days is accepted only with
   * `revocation: 'unchecked'`. Default: the gate's; at the origin 86400.
   */
  maxLifetimeSeconds?: number
  /** How `keycloak` tokens without `sub` are treated. Default `refuse` (`missing_claim`). */
  subjectless?: 'refuse' | 'accept'
  /**
   * How tokens whose claim `act` (RFC 8693 §4.1) names an actor other than the user are treated. Keycloak only sets it
   * by a mapper. `accept`: as the user's own, so that support staff sees what the user sees. `mark`: accepted, and the
   * verdict has `impersonatedBy`. `refuse`: `wrong_type`. Default `accept`.
   */
  impersonation?: 'accept' | 'mark' | 'refuse'
  /**
   * The time compared with a not-before; `authTime` also refuses tokens refreshed from an older login. Default
   * `issuedAt`.
   */
  compare?: 'issuedAt' | 'authTime'
  /**
   * The claim that names the app of a token when one app of a user is disconnected (`endGrant`), which does not affect
   * tokens without it or without the user. Default: `azp` and `client_id`, because issuers use one or the other.
   */
  grantClaim?: string
}

export interface ClaimNames {
  /** The user. Default `sub`. */
  subject: string
  /** The token's id. Default `jti`. */
  tokenId: string
  /** The session. Default `sid`. */
  session: string
  /** The purpose of the token. Default `token_use`. */
  tokenUse: string
  /** The version compared with that of `raiseTokenVersion`. Default `token_version`. */
  tokenVersion: string
  /**
   * When the user last logged out, as known to the issuer (a NumericDate, rounded down; absent: not checked). A token
   * with less than the user's not-before is `user_revoked` for any `iat`, while the not-before is kept. The issuer must
   * set at least the recorded not-before (`origin.userNotBefore`). Default `last_logout_time`.
   */
  lastLogoutTime: string
  /** The scopes granted. Default `scope`. */
  scope: string
}

/** One realm of a gate, with a feed of revocations. */
export interface RealmOptions extends TokenOptions {
  /** The issuer's keys: a set, or its URL. Default: the set carried by the feed. */
  jwks?: URL | string | JWKS
  /**
   * The source of revocation state: `url`, the pinned `keys`, and `mode`, `credential`, `acknowledge: { edge, secret
   * }`. Default: required unless `revocation` is given.
   */
  feed: FeedOptions
  /**
   * Whether tokens are accepted even though the origin states a policy that differs from these options: it then records
   * some revocations under names that are not looked up here, and they are missed. Only for a change of options while
   * both are rolled out. Default `false` (every token is refused, `no_feed`).
   */
  acceptDifferingPolicy?: boolean
  /**
   * `'unchecked'`, instead of `feed` and with `jwks`: no revocation is looked up, to start without an origin
   * (`UncheckedRealmOptions`). Only a literal in code. Default: looked up.
   */
  revocation?: never
}

/**
 * One realm of a gate without an origin: everything about a token is checked except revocation, so a revoked token is
 * accepted until it expires. Verdicts, `status`, `explain` and reports say so. Only a literal in code: environment and
 * JSON cannot turn revocation off.
 */
export interface UncheckedRealmOptions extends TokenOptions {
  /** The issuer's keys: a set, or its URL. Required: there is no feed to carry them. */
  jwks: URL | string | JWKS
  /** No revocation is looked up. */
  revocation: 'unchecked'
  /** A realm with a feed has its revocations checked. */
  feed?: never
  /** There is no origin whose policy could differ. */
  acceptDifferingPolicy?: never
}

/** The source of a realm's revocation state. */
export interface FeedOptions {
  /** The realm's feed, such as `https://origin.example/feed/acme`. */
  url: URL | string
  /** The trusted Ed25519 public keys of the feed; two while the origin rotates its key. */
  keys: JWK[]
  /**
   * How changes arrive besides pushes. `pull`: fetched in the background of requests (default). `stream`: server-sent
   * events, for long-lived processes.
   */
  mode?: 'pull' | 'stream'
  /** A bearer credential for a feed that requires one. */
  credential?: string
  /**
   * The name and secret (`ackSecret`) of this edge in the origin's `edges`: the gate then acknowledges its position,
   * and the origin's pushes present the secret. Default: none; pushes longer than 64 KiB are a hint to pull.
   */
  acknowledge?: { edge: string; secret: string }
}
