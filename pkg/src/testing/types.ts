import type { DatedAct, Origin, OriginReport, Recorded, RevokedToken } from '../origin/api.ts'
import type { Algorithm, Claims, Gate, GateOptions, JWKS, Report, TokenOptions, Verdict } from '../types.ts'

/** The signature algorithm of a test issuer: any algorithm with a public key. */
export type TestAlgorithm = Exclude<Algorithm, `HS${string}`>

export interface TestIssuerOptions {
  /** Its `iss`. Default `https://issuer.test`, a name that cannot be registered (RFC 6761 §6.2). */
  issuer?: string
  /** The algorithm of its keys. Default `ES256`. */
  algorithm?: TestAlgorithm
}

/** A private key of a test issuer. It cannot be exported. */
export interface TestKey {
  readonly kid: string
  readonly algorithm: TestAlgorithm
  readonly privateKey: CryptoKey
}

/** Claims of a token; `undefined` removes one. */
export type TestClaims = Record<string, unknown>

export interface SignOptions {
  /**
   * Members added to the header's `alg`, `kid` and `typ: 'JWT'`, or replacing them; `undefined` removes one. With `alg:
   * 'none'` the token has no signature.
   */
  header?: Record<string, unknown>
  /** The signing key, for example another issuer's. Default: the issuer's current one. */
  key?: TestKey
  /** `tampered`: one bit of the signature is flipped. Default `good`. */
  signature?: 'good' | 'tampered'
}

/** An issuer without a server, whose keys are new in every process. */
export interface TestIssuer {
  /** Its `iss`. */
  readonly issuer: string
  /** Its current public keys: a new object after each rotation. */
  readonly jwks: JWKS
  /** The signing key. */
  readonly key: TestKey
  /**
   * Signs a token. Claims are added to the default ones, or replace them: `iss`, `sub` (`alice`), a new `jti`, `iat`
   * now and `exp` in 300 seconds.
   */
  sign(claims?: TestClaims, options?: SignOptions): Promise<string>
  /** Signs with a new key from now on. The previous key stays in the set (default) or is withdrawn from it. */
  rotate(before?: 'keep' | 'withdraw'): Promise<void>
}

/** Options of a test realm: token options as for a gate, and gate options. All are optional. */
export interface TestRealmOptions extends Partial<TokenOptions> {
  /** Ignored, so that a real realm's options can be passed: the test issuer's keys replace it. */
  jwks?: URL | string | JWKS
  /** The algorithm of the test issuer's keys. Default: the first of `algorithms`, or `ES256`. */
  algorithm?: TestAlgorithm
  /** Options of the gate, except for its realms and `fetch`. */
  gate?: Omit<GateOptions, 'realms' | 'fetch'>
}

/** An issuer, an origin in memory and a gate, connected without network, ports or files. Its clock can be advanced. */
export interface TestRealm {
  /** The realm's name. Default `test`. */
  readonly name: string
  readonly issuer: TestIssuer
  readonly origin: Origin
  /** A gate whose keys and state are loaded. */
  readonly gate: Gate
  /** The gate's options, for an app that creates its own gate. They only work in this process. */
  readonly gateOptions: GateOptions
  /** Reports of the gate and the origin. */
  readonly reports: (Report | OriginReport)[]
  /** Returns the time of the realm's gates, origin and tokens in unix seconds. */
  now(): number
  /**
   * Signs a token that the gate accepts. `claims` are added to the default ones or replace them; `undefined` removes
   * one.
   */
  token(claims?: TestClaims, options?: SignOptions): Promise<string>
  /**
   * Returns a request with a token as bearer credential, or without one for `undefined`. `init.url`: default
   * `https://app.test/`.
   */
  request(token?: string, init?: RequestInit & { url?: string }): Request
  /** Calls `gate.check`. */
  check<C extends Claims = Claims>(token: string): Promise<Verdict<C>>
  /**
   * Methods of the origin. Each resolves when the gate has the event, and advances the clock by a second, so that the
   * next token is issued after it.
   */
  revokeToken(token: string, act?: DatedAct): Promise<RevokedToken>
  endSession(sid: string, act?: DatedAct): Promise<Recorded>
  logoutUser(sub: string, act?: DatedAct): Promise<Recorded>
  logoutRealm(act?: DatedAct): Promise<Recorded>
  /** Advances the clock, and refreshes the gate unless it is stale. */
  advance(seconds: number): Promise<void>
  /** Cuts gates off from the feed, and advances the clock until their state is older than `maxStaleSeconds`. */
  goStale(): Promise<void>
  /** Reconnects the gates, and refreshes the gate. */
  recover(): Promise<void>
  /** Closes gate and origin. */
  close(): Promise<void>
}
