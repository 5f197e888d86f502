import type { AuditLog } from './audit.ts'
import type { Clock } from './clock.ts'
import type { EdgeBook } from './edges.ts'
import type { FailureLimiter } from './failures.ts'
import type { RealmFeed } from './feed.ts'
import type { OriginGate } from './gate.ts'
import type { IssuerClock } from './issuer-clock.ts'
import type { KeyFeed } from './keyfeed.ts'
import type { LedgerCore } from './core.ts'
import type { Committer } from './ledger.ts'
import type { Metrics } from './metrics.ts'
import type { Readers } from './readers.ts'
import type { Route } from './router.ts'
import type { Settings } from './settings.ts'
import type { TokenRevocations } from './token-revocation.ts'
import type { Origin } from './types.ts'
import type { UnknownTokens } from './unknown-tokens.ts'

/** What the routes work with. */
export interface Context {
  settings: Settings
  clock: Clock
  issuerClocks: ReadonlyMap<string, IssuerClock>
  gate: OriginGate
  keyFeed: KeyFeed
  tokens: TokenRevocations
  committer: Committer
  ledgers: ReadonlyMap<string, LedgerCore>
  audit: AuditLog
  feeds: ReadonlyMap<string, RealmFeed>
  edges: EdgeBook
  failures: FailureLimiter
  metrics: Metrics
  readers: Readers
  unknownTokens: UnknownTokens
  routes: readonly Route[]
  origin: Origin
}
