/** Whole unix seconds; never goes back, so that a token refused a moment ago stays refused when the clock is set. */
export type Clock = () => number

export function systemClock(): Clock {
  let latest = 0
  return () => {
    latest = Math.max(latest, Math.floor(Date.now() / 1000))
    return latest
  }
}
