import { PortcullisError } from '../errors.ts'

export interface FlightOptions {
  /**
   * Whether a request may await what another one started. False in workerd, where I/O belongs to the request that began it
   * and another's promise may never settle.
   */
  shareFlights: boolean
  /** When a flight is aborted. */
  timeoutMs: number
}

/** How often a request that may not await another's flight looks whether it has landed. */
const LOOK_MS = 10
/** After this it no longer relies on that flight, whose request may be gone, and starts its own. */
const PATIENCE_MS = 500
/** After this even requests that need not wait take such a flight for lost. */
const LOST_MS = 2000

/** Does the work. What comes in pieces calls `progressed` after each, for those to whom a few of them are enough. */
export type Work = (signal: AbortSignal, progressed: () => void) => Promise<void>

/** A flight as those see it that wait. */
export interface Joined {
  /** Ends with the flight, as it does. */
  whole: Promise<void>
  /** Ends no later, and resolves as soon as there is enough. */
  soon: Promise<void>
}

/** Somebody who waits for part of a flight. */
interface Watcher {
  enough: () => boolean
  resolve: () => void
}

interface Current {
  startedAtMs: number
  watchers: Set<Watcher>
  promise: Promise<void>
}

/** One piece of I/O that many requests want and few should do. */
export class SingleFlight {
  readonly #run: Work
  readonly #options: FlightOptions
  readonly #controllers = new Set<AbortController>()
  #current: Current | undefined
  #landed = 0

  constructor(run: Work, options: FlightOptions) {
    this.#run = run
    this.#options = options
  }

  /** Whether one is under way that can be expected to land. */
  get underWay(): boolean {
    const { shareFlights, timeoutMs } = this.#options
    const expectedMs = shareFlights ? timeoutMs : Math.min(timeoutMs, LOST_MS)
    return this.#current !== undefined && Date.now() - this.#current.startedAtMs < expectedMs
  }

  /** For those that need not wait: starts one, unless one is under way. */
  behind(): Promise<void> | undefined {
    return this.underWay ? undefined : this.#start().promise
  }

  /** For those that wait: the one under way, or a new one. Rejects as it does. */
  join(): Promise<void> {
    return this.#mustFollow ? this.#follow(() => false) : this.#board().promise
  }

  /** The same for those to whom part of it may be enough. */
  joinUntil(enough: () => boolean): Joined {
    if (this.#mustFollow) {
      const followed = this.#follow(enough)
      return { whole: followed, soon: followed }
    }
    const { promise, watchers } = this.#board()
    const soon = new Promise<void>((resolve, reject) => {
      watchers.add({ enough, resolve })
      promise.then(resolve, reject)
    })
    return { whole: promise, soon }
  }

  /** For those that need what is true now: one that starts after this call. */
  async fresh(): Promise<void> {
    if (this.#current !== undefined && this.#options.shareFlights) {
      await this.#current.promise.catch(() => undefined)
      // Whoever else was waiting may have started the next one already; it began after our call too.
      return this.join()
    }
    return this.#start().promise
  }

  /** Aborts what is under way. */
  stop(): void {
    for (const controller of this.#controllers) controller.abort()
  }

  /** Whether there is one under way that must not be awaited. */
  get #mustFollow(): boolean {
    return this.underWay && !this.#options.shareFlights
  }

  #board(): Current {
    return this.#current !== undefined && this.underWay ? this.#current : this.#start()
  }

  #start(): Current {
    const watchers = new Set<Watcher>()
    const promise = this.#fly(() => {
      for (const { enough, resolve } of watchers) if (enough()) resolve()
    })
    const flight = { startedAtMs: Date.now(), watchers, promise }
    this.#current = flight
    const end = () => {
      if (this.#current === flight) this.#current = undefined
    }
    promise.then(end, end)
    return flight
  }

  async #fly(progressed: () => void): Promise<void> {
    const controller = new AbortController()
    const timer = setTimeout(() => controller.abort(), this.#options.timeoutMs)
    this.#controllers.add(controller)
    try {
      await Promise.race([this.#run(controller.signal, progressed), aborted(controller.signal)])
      this.#landed += 1
    } finally {
      clearTimeout(timer)
      this.#controllers.delete(controller)
    }
  }

  /** Watches another request's flight by its effect alone, with timers of our own. */
  async #follow(enough: () => boolean): Promise<void> {
    const landed = this.#landed
    while (this.#current !== undefined && Date.now() - this.#current.startedAtMs < PATIENCE_MS) {
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
      if (this.#landed !== landed || enough()) return
    }
    return this.#start().promise
  }
}

/** Rejects a moment after the signal aborts: work that heeds it has its own say first, and work that does not is not awaited. */
function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const end = () => reject(new PortcullisError('timed_out', 'what was under way did not end when it was told to'))
    signal.addEventListener('abort', () => void setTimeout(end, LOOK_MS), { once: true })
  })
}
