import { PortcullisError } from '../../../../errors.ts'
import { MAX_TIMER_MS } from '../../../../options.ts'
import { spreadBackoffMs } from '../../../../timing/backoff.ts'
import { pause } from '../../../../timing/deadline.ts'
import { SingleFlight } from '../../../../timing/single-flight.ts'
import type { Conditions } from '../../conditions.ts'
import type { ConnectorMetrics, PolledSource } from '../../connector-metrics.ts'

/**
 * Reads a source once, and resolves when it has been read to its end and recorded. A source that is read in parts
 * reports its progress: `readUntil` takes unix milliseconds of our clock. Must stop recording when `signal` aborts.
 */
export type Poll = (signal: AbortSignal, readUntil: (ms: number) => void) => Promise<void>

interface PollLoopOptions {
  source: PolledSource
  intervalMs: number
  poll: Poll
  conditions: Conditions
  metrics: ConnectorMetrics
  nowMs: () => number
}

/** The pauses after failed polls, if they are longer than the interval. */
const BACKOFF = { firstMs: 500, longestMs: 10_000 }

/**
 * Polls one source at an interval, one poll at a time. A failure becomes a condition named after the source, and never
 * ends the loop.
 */
export class PollLoop {
  readonly #options: PollLoopOptions
  readonly #polls: SingleFlight
  readonly #closing = new AbortController()
  #loop: Promise<void> | undefined
  /** The poll in progress itself, without the limits of its single flight. */
  #poll: Promise<void> = Promise.resolve()
  #failures = 0
  #readUntilMs: number

  constructor(options: PollLoopOptions) {
    this.#options = options
    this.#readUntilMs = options.nowMs()
    this.#polls = new SingleFlight(
      // Callers that ask during a poll start another one when it ends.
      (signal) => (this.#closing.signal.aborted ? Promise.reject(closed()) : (this.#poll = this.#pollOnce(signal))),
      { shareFlights: true, timeoutMs: MAX_TIMER_MS },
    )
  }

  start(): void {
    this.#readUntilMs = this.#options.nowMs()
    this.#loop ??= this.#run()
  }

  /**
   * Returns a poll that begins after this call, shared by all callers that ask before it begins. Rejects as it does, or
   * with `closed`.
   */
  async ask(): Promise<void> {
    if (this.#closing.signal.aborted) throw closed()
    return this.#polls.joinNext()
  }

  /** Stops polling. Resolves once nothing is being read or recorded. */
  async close(): Promise<void> {
    this.#closing.abort()
    this.#polls.stop()
    await this.#loop
    await this.#poll.catch(() => undefined)
  }

  async #run(): Promise<void> {
    while (!this.#closing.signal.aborted) {
      const begunAtMs = this.#options.nowMs()
      await this.#polls.join().catch(() => undefined)
      await pause(this.#restMs(begunAtMs), this.#closing.signal)
    }
  }

  /** Returns the rest of the interval, never more than all of it if our clock was set back. */
  #restMs(begunAtMs: number): number {
    const { intervalMs, nowMs } = this.#options
    if (this.#failures > 0) return Math.max(intervalMs, spreadBackoffMs(BACKOFF, this.#failures))
    return Math.min(intervalMs, Math.max(0, begunAtMs + intervalMs - nowMs()))
  }

  async #pollOnce(signal: AbortSignal): Promise<void> {
    const { source, poll, conditions, metrics, nowMs } = this.#options
    const begunAtMs = nowMs()
    try {
      await poll(signal, (ms) => this.#progress(ms))
      if (signal.aborted) throw closed()
      this.#progress(begunAtMs)
      this.#failures = 0
      metrics.polled(source, 'done')
      conditions.end(source)
    } catch (cause) {
      if (signal.aborted) throw closed()
      const error =
        cause instanceof PortcullisError
          ? cause
          : new PortcullisError('fault', `polling ${source} failed unexpectedly`, { cause })
      this.#failures += 1
      metrics.polled(source, 'failed')
      this.#reportLag()
      conditions.begin(source, error)
      throw error
    }
  }

  #progress(ms: number): void {
    this.#readUntilMs = ms
    this.#reportLag()
  }

  #reportLag(): void {
    const { source, metrics, nowMs } = this.#options
    metrics.lag(source, Math.max(0, nowMs() - this.#readUntilMs) / 1000)
  }
}

function closed(): PortcullisError {
  return new PortcullisError('closed', 'the origin is closed')
}
