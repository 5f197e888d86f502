export { createOrigin } from './origin.ts'
export { generateFeedKey } from './core/feed-key.ts'
export { policyDifferences, policyDigest } from './gate/policy-agreement.ts'
export type {
  ClientOptions,
  EdgeOptions,
  IssuerAdministration,
  IssuerKey,
  IssuerRefreshToken,
  IssuerSession,
  IssuerUser,
  IssuerUserQuery,
  OriginOptions,
  OriginRealm,
} from './options.ts'
export type {
  GlobalTokenRevocationOptions,
  RevocationCaller,
  SubjectIdentifier,
  SubjectResolver,
  SubjectResolvers,
} from './connectors/global-revocation.ts'
export type {
  Correction,
  DatedAct,
  EdgeStatus,
  Enforcement,
  Origin,
  OriginReport,
  OriginStatus,
  Recorded,
  RequestSource,
  RevokedToken,
  TimedAct,
  TokenIdAct,
  UpstreamOutcome,
} from './api.ts'
export type { TokenSubject } from './core/ledger.ts'
export type { AnsweredRequest } from './api.ts'
export { AUDIT_ACTIONS } from './store/audit-entry.ts'
export type { Act, AuditAction, AuditEntry, AuditQuery, StoredAuditEntry } from './store/audit-entry.ts'
export type { Audit } from './api.ts'
export type { StoredState } from './store/connector-state.ts'
export type { OutboxEntry, OutboxQuery, StoredOutboxEntry } from './store/outbox.ts'
export type { RealmRows, RevocationStore, StoredHead, StoredRealm, StoredRow } from './store/store.ts'
export { PortcullisError, type ErrorCode } from '../errors.ts'
export type { Reason } from '../reasons.ts'
export type { JWK, JWKS, TokenOptions } from '../types.ts'
