import { corePolicy } from '../../policy.ts'
import type { JWK } from '../../types.ts'
import type { GateCoreOptions } from '../core/wasm-gate.ts'
import type { Settings } from '../settings.ts'

/** The origin renews its own gate's state before each check, so this limit is never reached. */
const MAX_STALE_SECONDS = 3_600
/**
 * The cache for administrators' tokens, which are used repeatedly. Checks whose result can change are made every time.
 */
const VERIFIED_TOKENS = 1000
const VERIFIED_TOKEN_BYTES = 1024 * 1024

/** Returns the options of the origin's own core, with the widest bounds of its realms. */
export function coreOptions(settings: Settings, feedKeys: JWK[]): Omit<GateCoreOptions, 'hostAlgorithms'> {
  return {
    maxTokenBytes: settings.maxTokenBytes,
    leewaySeconds: settings.leewaySeconds,
    skewSeconds: settings.skewSeconds,
    maxLifetimeSeconds: Math.max(...settings.realms.map((realm) => realm.maxLifetimeSeconds)),
    ...sessionBound(settings),
    maxStaleSeconds: MAX_STALE_SECONDS,
    whenStale: 'refuse',
    maxAcceptStaleSeconds: MAX_STALE_SECONDS,
    verifiedTokenCacheEntries: VERIFIED_TOKENS,
    verifiedTokenCacheBytes: VERIFIED_TOKEN_BYTES,
    realms: settings.realms.map((realm) => ({ ...corePolicy(realm), keysFrom: 'caller', feedKeys })),
  }
}

/** Returns the widest bound of the realms; each realm's manifest states its own. */
function sessionBound({ realms }: Settings): { maxSessionSeconds?: number } {
  const bounds = realms.filter(({ compare }) => compare === 'authTime').map((realm) => realm.maxSessionSeconds)
  return bounds.length === 0 ? {} : { maxSessionSeconds: Math.max(...bounds) }
}
