/** The pause after the first failure, and the maximum pause. */
interface Backoff {
  readonly firstMs: number
  readonly longestMs: number
}

/** Returns the pause after a number of consecutive failures: 0 after none, then doubling each time. */
export function backoffMs({ firstMs, longestMs }: Backoff, failures: number): number {
  return failures === 0 ? 0 : Math.min(longestMs, firstMs * 2 ** (failures - 1))
}

/** Returns the pause randomized over its upper half, so that clients that failed together do not retry together. */
export function spreadBackoffMs(backoff: Backoff, failures: number): number {
  return backoffMs(backoff, failures) * (0.5 + Math.random() / 2)
}
