import { systemNowMs } from '../timing/clock.ts'

/**
 * A clock that follows the system's and can be advanced. It follows a replaced `Date`, for example one of fake timers.
 */
export class TestClock {
  #aheadMs = 0

  readonly nowMs = (): number => systemNowMs() + this.#aheadMs

  /** Unix seconds. */
  now(): number {
    return Math.floor(this.nowMs() / 1000)
  }

  /** Advances the clock. A negative number sets it back, which gates and origins do not follow. */
  advance(seconds: number): void {
    this.#aheadMs += seconds * 1000
  }
}
