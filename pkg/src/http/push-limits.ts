/**
 * Maximum bytes that an edge reads of a push from a sender without its secret: a delta of ten thousand revocations. A
 * larger push is only a hint to pull.
 */
export const MAX_UNPROVEN_PUSH_BYTES: number = 64 * 1024
