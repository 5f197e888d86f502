import type { AuditLog } from '../audit/log.ts'
import type { Clock } from '../clock.ts'
import type { EdgeRegistry } from '../feed/edge-registry.ts'
import type { ClientRegistry } from './clients.ts'
import type { FailureLimiter } from './failure-limiter.ts'
import type { RealmFeed } from '../feed/realm-feed.ts'
import type { OriginGate } from '../gate/gate.ts'
import type { IssuerClock } from '../gate/issuer-clock.ts'
import type { KeyPublisher } from '../service/key-publisher.ts'
import type { LedgerCore } from '../core/ledger.ts'
import type { Committer } from '../recording/committer.ts'
import type { Metrics } from '../metrics/metrics.ts'
import type { Readers } from '../feed/readers.ts'
import type { Settings } from '../settings.ts'
import type { TokenRevocations } from '../service/token-revocation.ts'
import type { Origin } from '../api.ts'
import type { UnknownTokens } from '../service/unknown-tokens.ts'

/** What the routes work with. */
export interface Context {
  settings: Settings
  clock: Clock
  issuerClocks: ReadonlyMap<string, IssuerClock>
  gate: OriginGate
  keyFeed: KeyPublisher
  tokens: TokenRevocations
  committer: Committer
  ledgers: ReadonlyMap<string, LedgerCore>
  audit: AuditLog
  feeds: ReadonlyMap<string, RealmFeed>
  edges: EdgeRegistry
  clients: ClientRegistry
  failures: FailureLimiter
  metrics: Metrics
  readers: Readers
  unknownTokens: UnknownTokens
  origin: Origin
}
