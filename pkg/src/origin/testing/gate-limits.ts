import type { GateCoreOptions } from '../core/wasm-gate.ts'

/**
 * The options of a gate in the core besides its realms and the host's algorithms: the defaults, without a cache of
 * verified tokens.
 */
export const GATE_LIMITS: Omit<GateCoreOptions, 'realms' | 'hostAlgorithms'> = {
  maxTokenBytes: 16_384,
  leewaySeconds: 5,
  skewSeconds: 5,
  maxLifetimeSeconds: 86_400,
  maxStaleSeconds: 60,
  whenStale: 'refuse',
  maxAcceptStaleSeconds: 3_600,
  verifiedTokenCacheEntries: 0,
  verifiedTokenCacheBytes: 0,
}
