export { createOrigin } from './origin.ts'
export { generateFeedKey } from './core.ts'
export { policyDifferences, policyDigest } from './agreement.ts'
export type {
  ClientOptions,
  Correction,
  DatedAct,
  EdgeOptions,
  EdgeStatus,
  Enforcement,
  IssuerAdministration,
  IssuerKey,
  IssuerRefreshToken,
  IssuerSession,
  IssuerUser,
  IssuerUserQuery,
  Origin,
  OriginOptions,
  OriginRealm,
  OriginReport,
  OriginStatus,
  Recorded,
  RequestSource,
  TokenSubject,
} from './types.ts'
export type { AnsweredRequest } from './log.ts'
export { AUDIT_ACTIONS } from './audit.ts'
export type { Act, Audit, AuditAction, AuditEntry, AuditQuery, StoredAuditEntry } from './audit.ts'
export type { RealmRows, RevocationStore, StoredHead, StoredRealm, StoredRow } from './store.ts'
export { PortcullisError, type ErrorCode } from '../errors.ts'
export type { Reason } from '../reasons.ts'
export type { JWK, JWKS, TokenOptions } from '../types.ts'
