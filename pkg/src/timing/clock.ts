/** The time in milliseconds since 1970-01-01, as `Date.now` tells it. */
export type NowMs = () => number

/**
 * The member of a gate's or an origin's options that holds another clock than the system's, for tests. A symbol, so
 * that neither JSON nor an environment can set it.
 */
export const CLOCK: unique symbol = Symbol.for('portcullis.clock')

/** The clock of the options, or else the system's. */
export function clockOf(options: object): NowMs {
  return (options as { [CLOCK]?: NowMs })[CLOCK] ?? systemNowMs
}

/** `Date.now` is read at each call, so that a replacement counts. */
export const systemNowMs: NowMs = () => Date.now()
