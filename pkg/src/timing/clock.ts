/** Returns the time in milliseconds since 1970-01-01, as `Date.now` does. */
export type NowMs = () => number

/**
 * The member of a gate's or origin's options that replaces the system's clock, for tests. A symbol, so that neither
 * JSON nor an environment can set it.
 */
export const CLOCK: unique symbol = Symbol.for('portcullis.clock')

/** Returns the clock of the options, or the system's. */
export function clockOf(options: object): NowMs {
  return (options as { [CLOCK]?: NowMs })[CLOCK] ?? systemNowMs
}

/** Reads `Date.now` at each call, so that replacing it takes effect. */
export const systemNowMs: NowMs = () => Date.now()
