// The core's limits for one JWK set, also applied by gate and origin when they read or make one.

/** Maximum number of keys in a set, usable or not. */
export const MAX_KEYS = 1_000
/** Maximum length of a set in bytes. */
export const MAX_JWKS_BYTES = 1_048_576
/** Maximum length in bytes of the set in a feed: some 600 RSA keys of 2,048 bits, or 1,000 of P-256. */
export const MAX_FEED_JWKS_BYTES = 262_144
