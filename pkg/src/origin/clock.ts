import type { NowMs } from '../timing/clock.ts'

/** Whole unix seconds; never goes back, so that a token refused a moment ago stays refused when the clock is set. */
export type Clock = () => number

/** A clock of whole seconds by one of milliseconds. */
export function secondsOf(nowMs: NowMs): Clock {
  let latest = 0
  return () => {
    latest = Math.max(latest, Math.floor(nowMs() / 1000))
    return latest
  }
}
