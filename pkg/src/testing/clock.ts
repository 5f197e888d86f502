import { systemNowMs } from '../timing/clock.ts'

/** A clock that goes as the system's does, and can be moved on. It follows a replaced `Date`, such as that of fake timers. */
export class TestClock {
  #aheadMs = 0

  readonly nowMs = (): number => systemNowMs() + this.#aheadMs

  /** Unix seconds. */
  now(): number {
    return Math.floor(this.nowMs() / 1000)
  }

  /** Moves it on. A negative number moves it back, which gates and origins do not follow. */
  advance(seconds: number): void {
    this.#aheadMs += seconds * 1000
  }
}
