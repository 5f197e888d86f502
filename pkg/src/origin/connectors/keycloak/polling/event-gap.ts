/** The period from which events may have been lost, in unix milliseconds of Keycloak's clock. */
export interface Gap {
  fromMs: number
  toMs: number
}

/** All times in unix milliseconds of Keycloak's clock. */
export interface GapEvidence {
  /** Everything that was visible by this time has been read. */
  readUntilMs: number
  /** The latest time of an event that was read; `undefined` if none was. */
  newestMs: number | undefined
  /** The time of the oldest event that Keycloak still has; `undefined` if it has none. */
  oldestMs: number | undefined
  /** How long Keycloak keeps events; `undefined` if without limit, as far as is known. */
  retentionMs: number | undefined
  /** The lifetime of tokens: older events no longer matter. */
  lifetimeMs: number
  nowMs: number
}

/**
 * Returns the gap, if events may have been missed because more time has passed than Keycloak keeps them, or because
 * they were deleted. An oldest event later than the last one read proves no gap by itself: nothing may have happened in
 * between.
 */
export function findGap(evidence: GapEvidence): Gap | undefined {
  const { readUntilMs, newestMs = Infinity, oldestMs = Infinity, retentionMs = Infinity, lifetimeMs, nowMs } = evidence
  const fromMs = Math.max(readUntilMs, nowMs - lifetimeMs)
  if (oldestMs <= fromMs) return undefined
  const expiredUntilMs = nowMs - retentionMs
  const isDeleted = oldestMs > newestMs && newestMs > expiredUntilMs
  if (expiredUntilMs <= fromMs && !isDeleted) return undefined
  return { fromMs, toMs: Math.min(oldestMs, nowMs) }
}
