import { checkOptions, invalid, isObject } from '../../options.ts'
import { checkContradictions, corePolicy, TOKEN_RULES } from '../../policy.ts'
import type { TokenOptions } from '../../types.ts'
import { createWasmGate, type GateCoreOptions, type WasmGate } from '../core/wasm-gate.ts'

/**
 * Returns the options that must be the same for a gate's realm and an origin's but differ, such as
 * `claimNames.subject`; empty if they agree. Members that only one side has (`feed`, `jwks`, `adminRole`, ...) are
 * ignored. Throws `invalid_option`.
 */
export function policyDifferences(gateRealm: TokenOptions, originRealm: TokenOptions): string[] {
  return asked([tokenOptions(gateRealm, 'gateRealm'), tokenOptions(originRealm, 'originRealm')], (core) =>
    core.policyDifferences(0, 1),
  )
}

/**
 * Returns the digest of the policy on which gate and origin must agree, as in the `status()` of either. Throws
 * `invalid_option`.
 */
export function policyDigest(realm: TokenOptions): string {
  return asked([tokenOptions(realm, 'realm')], (core) => core.policy(0))
}

/** Returns the answer of a core with these realms. */
function asked<T>(realms: TokenOptions[], question: (core: WasmGate) => T): T {
  const core = createWasmGate({
    ...UNUSED,
    realms: realms.map((realm) => ({ ...corePolicy(realm), keysFrom: 'caller', feedKeys: [] })),
  })
  try {
    return question(core)
  } finally {
    core.free()
  }
}

/** Bounds of a gate that judges no token. */
const UNUSED: Omit<GateCoreOptions, 'realms'> = {
  maxTokenBytes: 1,
  leewaySeconds: 0,
  skewSeconds: 0,
  maxLifetimeSeconds: 0,
  maxStaleSeconds: 0,
  whenStale: 'refuse',
  maxAcceptStaleSeconds: 0,
  verifiedTokenCacheEntries: 0,
  verifiedTokenCacheBytes: 0,
  hostAlgorithms: [],
}

/** Checks and returns the options that describe tokens. */
function tokenOptions(options: TokenOptions, name: string): TokenOptions {
  if (!isObject(options)) throw invalid(`${name} must be an object`)
  const known = Object.fromEntries(
    Object.keys(TOKEN_RULES).map((option) => [option, options[option]]),
  ) as unknown as TokenOptions
  checkOptions(known, TOKEN_RULES, name)
  checkContradictions(known, name)
  return known
}
