import type { OriginService } from '../api.ts'
import type { AuditLog } from '../audit/log.ts'
import type { Connection } from '../connectors/connector.ts'
import type { GlobalRevocations } from '../connectors/global-revocation.ts'
import type { EdgeRegistry } from '../feed/edge-registry.ts'
import type { Readers } from '../feed/readers.ts'
import type { RealmFeed } from '../feed/realm-feed.ts'
import type { OriginGate } from '../gate/gate.ts'
import type { Metrics } from '../metrics/metrics.ts'
import type { Operations } from '../service/operations.ts'
import type { Settings } from '../settings.ts'
import type { ClientRegistry } from './clients.ts'
import type { OriginCors } from './cors.ts'
import type { FailureLimiter } from './failure-limiter.ts'

/** The parts of an origin that routes use. Only `service` records, and gives access to the ledgers. */
export interface Context {
  settings: Settings
  service: OriginService
  operations: Operations
  /** Judges the tokens of administrators. */
  gate: Pick<OriginGate, 'check'>
  audit: AuditLog
  clients: ClientRegistry
  cors: OriginCors
  failures: FailureLimiter
  /** Keyed by realm name. */
  feeds: ReadonlyMap<string, RealmFeed>
  edges: EdgeRegistry
  readers: Readers
  /** Keyed by realm name. */
  connections: ReadonlyMap<string, readonly Connection[]>
  globalRevocations: GlobalRevocations
  metrics: Metrics
}
