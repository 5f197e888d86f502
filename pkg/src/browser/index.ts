export type {
  CompromiseMessage,
  ClearOptions,
  EndSession,
  IndexedDbItem,
  LoggedOut,
  LogoutOptions,
  ReportCompromiseOptions,
  ReportedCompromise,
  RevocationFailure,
  Revoked,
  Session,
  SessionEvents,
  SessionLogoutOptions,
  SessionOptions,
  SessionTokens,
  SignOutReason,
  StoredTokens,
  TokenResponse,
  TokenStorage,
} from './types.ts'
export { PortcullisError } from '../errors.ts'
export { logout } from './logout.ts'
export { reportCompromise } from './compromise.ts'
export { createSession } from './session.ts'
export { onLogout } from './tabs.ts'
