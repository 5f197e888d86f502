/** The sources that a connector polls. */
export type PolledSource = 'not_before' | 'keys' | 'user_events' | 'admin_events'

/** The measurements of one connector. */
export interface ConnectorMetrics {
  /** Counts a poll. */
  polled(source: PolledSource, outcome: 'done' | 'failed'): void
  /** How far reading a source lags, in seconds. */
  lag(source: PolledSource, seconds: number): void
  /** The number of messages waiting to be sent to the identity server. */
  waiting(messages: number): void
}
