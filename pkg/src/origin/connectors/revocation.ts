import { issuerNames, separatesSubjects } from '../../issuer-names.ts'
import type { OfIssuer, Recorded } from '../api.ts'
import type { ConnectorHost, ConnectorRealm } from './connector.ts'

/** A revocation that an identity server has reported. */
export type Revocation = {
  /** When it happened by the source's own clock, in unix seconds; may be fractional. */
  readonly occurredAt?: number
  /** The message that reports it, such as `event LOGOUT`; for the audit log. A constant of the connector. */
  readonly because: string
  /**
   * The issuer name that reports it and to which its subject belongs. Default: the first name, that of the connected
   * server.
   */
  readonly issuer?: string
} & (
  | { readonly kind: 'token'; readonly tokenId: string }
  | { readonly kind: 'session'; readonly sid: string }
  | { readonly kind: 'clientSession'; readonly sid: string; readonly client: string }
  | { readonly kind: 'user'; readonly sub: string }
  | { readonly kind: 'grant'; readonly sub: string; readonly client: string }
  | { readonly kind: 'client'; readonly client: string }
  | { readonly kind: 'realm' }
  | { readonly kind: 'tokenVersion'; readonly sub: string; readonly minimum: number }
)

/**
 * Records a revocation for a connector, without forwarding it to the identity server that reported it. Rejects as the
 * verb does.
 */
export function recordRevocation(
  { host, connector }: { host: Pick<ConnectorHost, 'realm' | 'service'>; connector: string },
  revocation: Revocation,
): Promise<Recorded> {
  const { service } = host
  const realm = host.realm.name
  const { occurredAt, because } = revocation
  const act = {
    actor: `connector:${connector}`,
    reason: because,
    upstream: 'skip' as const,
    ...(occurredAt === undefined ? {} : { occurredAt }),
  }
  const ofName = { ...act, ...nameOf(host.realm, revocation) }
  switch (revocation.kind) {
    case 'token':
      return service.revokeTokenId(realm, revocation.tokenId, ofName)
    case 'session':
      return service.endSession(realm, revocation.sid, ofName)
    case 'clientSession':
      return service.endClientSession(realm, revocation.sid, revocation.client, ofName)
    case 'user':
      return service.logoutUser(realm, revocation.sub, ofName)
    case 'grant':
      return service.endGrant(realm, revocation.sub, revocation.client, ofName)
    case 'client':
      return service.setClientNotBefore(realm, revocation.client, undefined, act)
    case 'realm':
      return service.logoutRealm(realm, act)
    case 'tokenVersion':
      return service.raiseTokenVersion(realm, revocation.sub, revocation.minimum, ofName)
  }
}

function nameOf(realm: ConnectorRealm, { issuer = issuerNames(realm).names[0] }: Revocation): OfIssuer {
  return issuer === undefined || !separatesSubjects(realm) ? {} : { issuer }
}
