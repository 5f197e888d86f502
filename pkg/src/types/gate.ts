import type { AccessOptions, RequestLike } from './access.ts'
import type {
  AuthenticateOptions,
  CheckOptions,
  CheckSyncOptions,
  EnvOption,
  ExecutionContextLike,
  HostOptions,
  ProtectedHandler,
  ProtectOptions,
} from './call.ts'
import type { SkippedKey } from './jwk.ts'
import type { Challenged, Check, Claims, Verdict } from './verdict.ts'

/**
 * The edge's verifier. It does no I/O before its first use. Unknown options of a call throw `invalid_option`, or reject
 * with it; so does a call without `env` while several gates are open.
 */
export interface Gate<Env = unknown> {
  /**
   * Checks a token, refreshing keys and state as the staleness contract requires. Never throws because of a token's
   * content.
   */
  check<C extends Claims = Claims>(token: string, options?: CheckOptions<Env>): Promise<Verdict<C>>
  /** Checks a token by the state loaded now, without I/O. */
  checkSync<C extends Claims = Claims>(token: string, options?: CheckSyncOptions<Env>): Verdict<C>
  /**
   * Takes the token from a request, by default from `Authorization` (RFC 6750 §2.1), and checks it. Rejects with
   * `wrong_request` if the argument is not a Web request, and with `authorize_failed`.
   */
  authenticate<C extends Claims = Claims>(
    request: RequestLike,
    options?: AuthenticateOptions<Env, C>,
  ): Promise<Verdict<C>>
  /**
   * Validates the options now and returns `authenticate` with them: for adapters, and if one set of options serves many
   * requests. Throws `invalid_option`.
   */
  authenticator<C extends Claims = Claims>(options?: AccessOptions<C>): Authenticator<Env, C>
  /** Returns the response for a refusal (RFC 6750 §3). */
  challenge(refused: Challenged): Response
  /**
   * Returns a worker's `fetch` that passes only accepted requests to the handler. If `authorize` or a `token` function
   * fails, the response is 500 and `onReport` is called. Rejects with `wrong_request` if it gets another framework's
   * arguments.
   */
  protect<C extends Claims = Claims>(
    handler: ProtectedHandler<Env, C>,
    options?: ProtectOptions<C>,
  ): (request: Request, env?: Env, ctx?: ExecutionContextLike) => Promise<Response>
  /** Returns every check with its outcome, for people; never usable as a verdict. */
  explain(token: string, options?: HostOptions<Env>): Promise<Check[]>
  /**
   * Responds to a push from the origin, whose body is a manifest or a delta. With the realm's secret
   * (`feed.acknowledge`) as bearer credential, 200 has `{realm, sequence, changed}`, 409 means that earlier changes are
   * missing, and 400 has the reason. Without it, 200 means that the bytes are a statement of a realm here, or too long
   * to be read, and 400 that they are not: neither reveals the gate's state.
   */
  receiveFeed(request: Request, options?: HostOptions<Env>): Promise<Response>
  /** Applies a manifest or a delta. Throws `feed_refused`; then nothing has changed. */
  applyFeed(bytes: Uint8Array, options?: EnvOption<Env>): FeedApplied
  /** Fetches newer keys and state, for every realm or only the named one. */
  refresh(realm?: string, options?: EnvOption<Env>): Promise<void>
  /** Returns the state of each realm; empty for options from an `env` that was never passed. */
  status(options?: EnvOption<Env>): Status[]
  /** Stops streams and timers and frees the core. */
  close(): void
}

/** Takes the token from a request and checks it, with options that were passed before. */
export type Authenticator<Env = unknown, C extends Claims = Claims> = (
  request: RequestLike,
  host?: HostOptions<Env>,
) => Promise<Verdict<C>>

/** A realm's state, for health checks and consoles. */
export interface Status {
  realm: string
  /** Whether revocations are looked up. */
  revocation: 'checked' | 'unchecked'
  /** False until the first manifest was applied. */
  loaded: boolean
  sequence: number
  /** Seconds since the origin stated this state; `undefined` before the first statement. */
  ageSeconds: number | undefined
  keys: boolean
  /** The skipped keys of the last set read, even if it was refused. */
  skippedKeys: SkippedKey[]
  tokenIds: number
  epochs: number
  sectionBytes: number
  liveEntries: number
  errorRate: number
  /**
   * A digest of the options on which gate and origin must agree: `issuer`, `issuerClaim`, `profile`, `compare`,
   * `grantClaim` and `claimNames` except for `scope`. If it differs from that in `origin.status()`, revocations are
   * missed. Its form is a version, a colon and 32 hexadecimal digits.
   */
  policy: string
  /**
   * Compares that digest with the one that the origin states. `not_stated`: the origin is older. `other_version`: one
   * of them is older, so they cannot be compared. `undefined` before the first statement.
   */
  policyAgreement: PolicyAgreement | undefined
  /** With `differs`: the names of the options that differ. */
  policyDifferences: string[]
  /** The lowest minor version of the wire format among the statements from which the state was made. */
  minor: number
}

/** The comparison of a gate's policy with the one that its origin states. */
export type PolicyAgreement = 'same' | 'differs' | 'not_stated' | 'other_version'

/** The effect of a manifest or delta. */
export interface FeedApplied {
  realm: string
  sequence: number
  /** False if it was already known or only renewed freshness. */
  changed: boolean
}
