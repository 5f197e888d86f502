/** The pause after the first failure, and the longest one. */
export interface Backoff {
  readonly firstMs: number
  readonly longestMs: number
}

/** The pause after so many failures in a row: none after none, then twice as long each time. */
export function backoffMs({ firstMs, longestMs }: Backoff, failures: number): number {
  return failures === 0 ? 0 : Math.min(longestMs, firstMs * 2 ** (failures - 1))
}

/** The same spread over its upper half, so that those who failed together do not come back together. */
export function spreadBackoffMs(backoff: Backoff, failures: number): number {
  return backoffMs(backoff, failures) * (0.5 + Math.random() / 2)
}
