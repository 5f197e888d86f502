import { PortcullisError } from '../../errors.ts'
import type { NowMs } from '../../timing/clock.ts'

/**
 * The shortest time between two key lookups, for all callers together. It limits what tokens with made-up key ids can
 * cost the issuer.
 */
const LOOK_EVERY_MS = 1_000

/**
 * Looks up an issuer's keys, one lookup at a time and at most one a second. All callers that ask before one begins
 * share it.
 */
export class KeyLookup {
  readonly #look: () => Promise<void>
  readonly #nowMs: NowMs
  #begunAtMs = -Infinity
  #running: Promise<void> | undefined
  #next: Promise<void> | undefined
  #endPause: () => void = () => undefined
  #closed = false

  constructor(look: () => Promise<void>, nowMs: NowMs) {
    this.#look = look
    this.#nowMs = nowMs
  }

  /**
   * Returns a lookup that begins after this call: one in progress may already have its response. Rejects as it does, or
   * with `closed`.
   */
  ask(): Promise<void> {
    this.#next ??= this.#begin()
    return this.#next
  }

  /** Whether a lookup is in progress, may begin at once, or must wait because the last one has only just begun. */
  get state(): 'under_way' | 'idle' | 'resting' {
    if (this.#running !== undefined) return 'under_way'
    return this.#next === undefined && this.#restMs <= 0 ? 'idle' : 'resting'
  }

  /**
   * Joins the lookup in progress, else the next one. For callers that prefer a slightly older result to a second's
   * wait.
   */
  join(): Promise<void> {
    return this.#running ?? this.ask()
  }

  /** Ends all waits. */
  close(): void {
    this.#closed = true
    this.#endPause()
  }

  async #begin(): Promise<void> {
    await this.#running?.catch(() => undefined)
    await this.#pause(this.#restMs)
    this.#next = undefined
    if (this.#closed) throw new PortcullisError('closed', 'the origin is closed')
    this.#begunAtMs = this.#nowMs()
    const running = this.#look()
    const end = (): void => {
      this.#running = undefined
    }
    running.then(end, end)
    this.#running = running
    return running
  }

  /** How long until another lookup may begin. A clock that was set back must not prolong it. */
  get #restMs(): number {
    return Math.min(this.#begunAtMs + LOOK_EVERY_MS - this.#nowMs(), LOOK_EVERY_MS)
  }

  async #pause(ms: number): Promise<void> {
    if (ms <= 0 || this.#closed) return
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms)
      this.#endPause = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }
}
