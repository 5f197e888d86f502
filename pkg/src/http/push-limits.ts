/**
 * The largest push that an edge reads of a sender without its secret, in bytes: a delta of ten thousand revocations. A
 * larger one is a hint to pull.
 */
export const MAX_UNPROVEN_PUSH_BYTES: number = 64 * 1024
