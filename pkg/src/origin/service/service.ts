import type { OfIssuer, OriginService } from '../api.ts'
import type { AuditLog } from '../audit/log.ts'
import type { EdgeRegistry } from '../feed/edge-registry.ts'
import type { RealmFeed } from '../feed/realm-feed.ts'
import type { Reason } from '../../reasons.ts'
import { enforced } from './enforcement.ts'
import type { KeyPublisher } from './key-publisher.ts'
import { createRevocations, type RevocationsOptions } from './revocations.ts'
import { rotateSigningKey } from './rotation.ts'
import type { SubjectIssuers } from './subject-issuers.ts'

interface ServiceOptions extends RevocationsOptions {
  audit: AuditLog
  edges: EdgeRegistry
  issuers: SubjectIssuers
  /** Keyed by realm name. */
  feeds: ReadonlyMap<string, RealmFeed>
  keyPublisher: KeyPublisher
}

export function createService(options: ServiceOptions): OriginService {
  const { audit, edges, feeds, gate, issuers, keyPublisher, ledger } = options
  const realms = [...feeds.keys()]
  const nameOf = (realm: string, of: OfIssuer = {}): string | undefined => issuers.memberOf(realm, of.issuer).issuer
  return {
    ...createRevocations(options),
    async publishKeys(realm, act) {
      ledger(realm)
      return keyPublisher.publish(realm, act)
    },
    async rotateSigningKey(signingKey, act) {
      const ledgers = new Map(realms.map((realm) => [realm, ledger(realm)]))
      await rotateSigningKey({ gate, ledgers, feeds, audit }, signingKey, act)
    },
    async enforced(recorded, given) {
      ledger(recorded.realm)
      return enforced(edges, recorded, given)
    },
    refuses: (realm, { issuer, ...subject }) =>
      ledger(realm).refuses({ ...subject, ...issuers.memberOf(realm, issuer) }) as Reason | undefined,
    userNotBefore: (realm, sub, of) => ledger(realm).userNotBefore(sub, nameOf(realm, of)),
    grantNotBefore: (realm, sub, client, of) => ledger(realm).grantNotBefore(sub, client, nameOf(realm, of)),
    keyNotBefore: (realm, thumbprint) => ledger(realm).keyNotBefore(thumbprint),
    minimumVersion: (realm, sub, of) => ledger(realm).minimumVersion(sub, nameOf(realm, of)),
    bans: (realm, thumbprint) => ledger(realm).bans(thumbprint),
    status: () =>
      realms.map((realm) => ({
        realm,
        ...ledger(realm).head(),
        policy: gate.policy(realm),
        edges: edges.status(realm),
      })),
    audit,
  }
}
