// Limits of the core for one JWK set, kept by gate and origin when they read or make one.

/** Keys in a set, usable or not. */
export const MAX_KEYS = 1_000
/** The length of a set, in bytes. */
export const MAX_JWKS_BYTES = 1_048_576
/** The length in bytes of the set that a feed carries: some 600 RSA keys of 2,048 bits, or 1,000 of P-256. */
export const MAX_FEED_JWKS_BYTES = 262_144
