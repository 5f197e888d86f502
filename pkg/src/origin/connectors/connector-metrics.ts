/** The sources that a connector polls. */
export type PolledSource = 'not_before' | 'keys' | 'user_events' | 'admin_events'

/** The measurements of one connector. */
export interface ConnectorMetrics {
  /** Counts a poll. */
  polled(source: PolledSource, outcome: 'done' | 'failed'): void
  /** How far the reading of a source is behind, in seconds. */
  lag(source: PolledSource, seconds: number): void
  /** How many messages wait to be sent to the identity server. */
  waiting(messages: number): void
}
