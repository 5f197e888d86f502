import { PortcullisError } from '../errors.ts'

interface SingleFlightOptions {
  /**
   * Whether a request may await a promise of another one. False in workerd, where I/O belongs to the request that
   * started it and another request's promise may never settle.
   */
  shareFlights: boolean
  /** The time after which a flight is aborted. */
  timeoutMs: number
}

/** Interval at which a request that may not await another's flight checks whether it has completed. */
const POLL_MS = 10
/**
 * Time after which such a request no longer relies on that flight, whose own request may have been cancelled, and
 * starts another.
 */
const PATIENCE_MS = 500
/** Time after which such a flight is considered lost, even by requests that do not wait. */
const LOST_MS = 2000

/**
 * Does the work. Work that is done in steps calls `progressed` after each, for callers that may need only some of them.
 */
type Work = (signal: AbortSignal, progressed: () => void) => Promise<void>

/** A flight as its waiting callers see it. */
interface Joined {
  /** Settles with the flight. */
  whole: Promise<void>
  /** Settles no later than `whole`, and resolves as soon as the caller has enough. */
  enough: Promise<void>
}

/** A caller that waits for part of a flight. */
interface Watcher {
  hasEnough: () => boolean
  resolve: () => void
}

interface Flight {
  startedAtMs: number
  watchers: Set<Watcher>
  promise: Promise<void>
}

/** One piece of I/O that many requests want and few should perform. */
export class SingleFlight {
  readonly #work: Work
  readonly #options: SingleFlightOptions
  readonly #controllers = new Set<AbortController>()
  #current: Flight | undefined
  #completed = 0

  constructor(work: Work, options: SingleFlightOptions) {
    this.#work = work
    this.#options = options
  }

  /** Returns whether a flight is running that can be expected to complete. */
  get isRunning(): boolean {
    const { shareFlights, timeoutMs } = this.#options
    const expectedMs = shareFlights ? timeoutMs : Math.min(timeoutMs, LOST_MS)
    return this.#current !== undefined && Date.now() - this.#current.startedAtMs < expectedMs
  }

  /** Starts a flight and returns it, or `undefined` while one is running. For callers that do not wait. */
  startUnlessRunning(): Promise<void> | undefined {
    return this.isRunning ? undefined : this.#start().promise
  }

  /** Returns the running flight, or a new one. Rejects as the flight does. */
  join(): Promise<void> {
    return this.#mustPoll ? this.#poll(() => false) : this.#runningOrNew().promise
  }

  /** Like `join`, for callers that may need only part of the flight. */
  joinUntil(hasEnough: () => boolean): Joined {
    if (this.#mustPoll) {
      const polled = this.#poll(hasEnough)
      return { whole: polled, enough: polled }
    }
    const { promise, watchers } = this.#runningOrNew()
    const enough = new Promise<void>((resolve, reject) => {
      watchers.add({ hasEnough, resolve })
      promise.then(resolve, reject)
    })
    return { whole: promise, enough }
  }

  /** Waits for a flight that starts after this call. For callers that need the current state. */
  async joinNext(): Promise<void> {
    if (this.#current !== undefined && this.#options.shareFlights) {
      await this.#current.promise.catch(() => undefined)
      // Another waiting caller may already have started the next flight, which also started after this call.
      return this.join()
    }
    return this.#start().promise
  }

  /** Aborts every running flight. */
  stop(): void {
    for (const controller of this.#controllers) controller.abort()
  }

  /** Returns whether a flight is running that must not be awaited. */
  get #mustPoll(): boolean {
    return this.isRunning && !this.#options.shareFlights
  }

  #runningOrNew(): Flight {
    return this.#current !== undefined && this.isRunning ? this.#current : this.#start()
  }

  #start(): Flight {
    const watchers = new Set<Watcher>()
    const promise = this.#run(() => {
      for (const { hasEnough, resolve } of watchers) if (hasEnough()) resolve()
    })
    const flight = { startedAtMs: Date.now(), watchers, promise }
    this.#current = flight
    const end = () => {
      if (this.#current === flight) this.#current = undefined
    }
    promise.then(end, end)
    return flight
  }

  async #run(progressed: () => void): Promise<void> {
    const controller = new AbortController()
    const timer = setTimeout(() => controller.abort(), this.#options.timeoutMs)
    this.#controllers.add(controller)
    try {
      await Promise.race([this.#work(controller.signal, progressed), rejectAfterAbort(controller.signal)])
      this.#completed += 1
    } finally {
      clearTimeout(timer)
      this.#controllers.delete(controller)
    }
  }

  /** Watches another request's flight by its effect alone, with timers of this request. */
  async #poll(hasEnough: () => boolean): Promise<void> {
    const completed = this.#completed
    while (this.#current !== undefined && Date.now() - this.#current.startedAtMs < PATIENCE_MS) {
      await new Promise((resolve) => setTimeout(resolve, POLL_MS))
      if (this.#completed !== completed || hasEnough()) return
    }
    return this.#start().promise
  }
}

/**
 * Rejects soon after the signal aborts. Work that reacts to the signal rejects first, with its own error; other work is
 * not awaited.
 */
function rejectAfterAbort(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const end = () => reject(new PortcullisError('timed_out', 'the work did not stop when it was aborted'))
    signal.addEventListener('abort', () => void setTimeout(end, POLL_MS), { once: true })
  })
}
