import type { OriginService, Recorded } from '../api.ts'

/** A revocation that an identity server has stated. */
export type Revocation = {
  /** When it happened by the source's own clock, in unix seconds; may be fractional. */
  readonly occurredAt?: number
  /** The message that states it, such as `event LOGOUT`; for the audit log. A constant of the connector. */
  readonly because: string
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

/** Records a revocation for a connector, without forwarding it to the identity server that stated it. Rejects as the verb does. */
export function recordRevocation(
  { service, connector, realm }: { service: OriginService; connector: string; realm: string },
  revocation: Revocation,
): Promise<Recorded> {
  const { occurredAt, because } = revocation
  const act = {
    actor: `connector:${connector}`,
    reason: because,
    upstream: 'skip' as const,
    ...(occurredAt === undefined ? {} : { occurredAt }),
  }
  switch (revocation.kind) {
    case 'token':
      return service.revokeTokenId(realm, revocation.tokenId, act)
    case 'session':
      return service.endSession(realm, revocation.sid, act)
    case 'clientSession':
      return service.endClientSession(realm, revocation.sid, revocation.client, act)
    case 'user':
      return service.logoutUser(realm, revocation.sub, act)
    case 'grant':
      return service.endGrant(realm, revocation.sub, revocation.client, act)
    case 'client':
      return service.setClientNotBefore(realm, revocation.client, undefined, act)
    case 'realm':
      return service.logoutRealm(realm, act)
    case 'tokenVersion':
      return service.raiseTokenVersion(realm, revocation.sub, revocation.minimum, act)
  }
}
