import type { TokenOptions } from '../../types.ts'
import type { OriginService } from '../api.ts'
import type { ConnectorStore } from '../store/store.ts'
import type { Conditions } from './conditions.ts'
import type { ConnectorMetrics } from './connector-metrics.ts'
import type { Forwarder } from './forwarder.ts'
import type { IssuerTokens } from './issuer-tokens.ts'
import type { RevocationEndpoint } from './revocation-endpoint.ts'

/**
 * The connection of one realm to its identity server. Receivers and pollers record what ends there; a forwarder
 * performs there what was recorded here.
 */
export interface Connector {
  /** Its name in reports, metrics and the audit log, such as `keycloak`. */
  readonly name: string
  /** The name of the origin's realm that it serves. */
  readonly realm: string
  /** Connects it to an origin; does no I/O. Throws `invalid_option`. */
  connect(host: ConnectorHost): Connection
}

/** A connector that is connected to an origin. */
export interface Connection {
  readonly receivers: Receivers
  readonly forwarder?: Forwarder
  /** For clients and tokens that only the identity server knows. */
  readonly revocation?: RevocationEndpoint
  /** Starts pollers and the forwarder. Failures are reported and retried. Must not throw. */
  start(): void
  /** Stops them. Records nothing afterwards. */
  close(): Promise<void>
}

/**
 * Accepts messages of an identity server. Each method resolves once the message's effect is durable. It rejects with
 * `MessageRefused` or as the origin's verbs do; then nothing was recorded. If a method is missing, its route responds
 * with 404.
 */
export interface Receivers {
  /** The `logout_token` of OpenID Connect Back-Channel Logout 1.0 §2.5. */
  backchannelLogout?(logoutToken: string): Promise<void>
  /** Keycloak's admin action `LOGOUT`, a compact JWS. */
  kLogout?(token: string): Promise<void>
  /** Keycloak's admin action `PUSH_NOT_BEFORE`, a compact JWS. */
  kPushNotBefore?(token: string): Promise<void>
  /**
   * A security event token (RFC 8417) delivered by push (RFC 8935); `authorization` is the whole value of that header.
   */
  securityEvent?(token: string, authorization: string | undefined): Promise<void>
}

/** A realm as connectors see it. */
export type ConnectorRealm = TokenOptions & { readonly maxLifetimeSeconds: number }

/** The parts of an origin that a connector uses. */
export interface ConnectorHost {
  readonly realm: ConnectorRealm
  readonly service: OriginService
  readonly store: ConnectorStore
  readonly tokens: IssuerTokens
  readonly fetch: typeof fetch
  /** Where `http:` is allowed: `loopback` (localhost, 127.0.0.0/8, ::1) or `anywhere`. */
  readonly plainHttp: 'loopback' | 'anywhere'
  readonly conditions: Conditions
  readonly metrics: ConnectorMetrics
  /**
   * Fetches the issuer's key set as a scheduled poll, and records changes in the feed: a key that is missing in two
   * consecutive polls is withdrawn. Rejects with `jwks_unreachable` or `invalid_jwks`.
   */
  pollKeys(): Promise<void>
  /** Unix milliseconds. */
  nowMs(): number
}
