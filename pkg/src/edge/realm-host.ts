import type { Core } from './core/core.ts'
import type { FeedRuntime } from './feed/subscriber.ts'
import type { GateReports } from './gate-reports.ts'
import type { Reporter } from './report.ts'
import type { GateSettings } from './settings.ts'

/** The members of a gate that its realms use. */
export interface RealmHost {
  core: Core
  settings: GateSettings
  runtime: FeedRuntime
  report: Reporter
  reports: GateReports
  /** Returns unix seconds; never goes back. */
  now(): number
}
