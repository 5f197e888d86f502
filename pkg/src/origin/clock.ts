import type { NowMs } from '../timing/clock.ts'

/**
 * The time in whole unix seconds. It never goes back, so a token that was just refused stays refused when the clock is
 * set.
 */
export type Clock = () => number

/** Returns a clock of whole seconds, based on one of milliseconds. */
export function secondsOf(nowMs: NowMs): Clock {
  let latest = 0
  return () => {
    latest = Math.max(latest, Math.floor(nowMs() / 1000))
    return latest
  }
}
