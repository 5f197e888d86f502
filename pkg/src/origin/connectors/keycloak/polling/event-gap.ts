/** The time of which events may have been lost, in unix milliseconds of Keycloak's clock. */
export interface Gap {
  fromMs: number
  toMs: number
}

/** All times in unix milliseconds of Keycloak's clock. */
export interface GapEvidence {
  /** All that had become visible by then was read. */
  readUntilMs: number
  /** The greatest time of an event that was read; `undefined`: none was. */
  newestMs: number | undefined
  /** The time of the oldest event that Keycloak still has; `undefined`: it has none. */
  oldestMs: number | undefined
  /** How long Keycloak keeps events; `undefined`: for ever, as far as is known. */
  retentionMs: number | undefined
  /** How long tokens live: an older event can no longer matter. */
  lifetimeMs: number
  nowMs: number
}

/**
 * Whether events may have gone unread, because more time has passed than Keycloak keeps them, or because they were
 * deleted. An oldest event that is later than the last one read proves no gap by itself: nothing may have happened
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
