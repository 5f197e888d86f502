/**
 * A minor version of the wire format: 0 is 1.0, 1 is 1.1. It determines the form of statements, but not their sequence
 * and chain.
 */
export type Minor = 0 | 1

/** All minor versions, oldest first. */
export const MINORS: readonly Minor[] = [0, 1]

/** The newest form that the core writes. */
export const NEWEST_MINOR: Minor = 1

/** Returns the form for a reader of this minor version: its own, or the newest one for a later reader. */
export function formFor(minor: number): Minor {
  return minor >= NEWEST_MINOR ? NEWEST_MINOR : 0
}
