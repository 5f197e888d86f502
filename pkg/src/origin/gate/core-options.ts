import { corePolicy } from '../../policy.ts'
import type { JWK } from '../../types.ts'
import type { GateCoreOptions } from '../core/wasm-gate.ts'
import type { Settings } from '../settings.ts'

/** The origin renews its own gate's state before each check, so this is never reached. */
const MAX_STALE_SECONDS = 3_600
/** Administrators' tokens come again and again; checks with a variable result are made every time. */
const VERIFIED_TOKENS = 1000
const VERIFIED_TOKEN_BYTES = 1024 * 1024

/** The options of the origin's own core, with the widest bounds of its realms. */
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

/** The gate's own bounds are the widest of its realms'; each realm's manifest says its own. */
function sessionBound({ realms }: Settings): { maxSessionSeconds?: number } {
  const bounds = realms.filter(({ compare }) => compare === 'authTime').map((realm) => realm.maxSessionSeconds)
  return bounds.length === 0 ? {} : { maxSessionSeconds: Math.max(...bounds) }
}
