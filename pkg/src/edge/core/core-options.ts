import type { CorePolicy } from '../../policy.ts'
import type { Algorithm, JWK } from '../../types.ts'

/** Callbacks to the owner of a core. None may throw. */
export interface CoreListener {
  /** A call has trapped and the module's instance was discarded; the next call uses a new one. */
  onFault(cause: unknown): void
  /** A new instance exists: it has the same keys, the state must be loaded again, and no token is cached. */
  onRenewed(): void
}

export interface CoreOptions {
  maxTokenBytes: number
  leewaySeconds: number
  skewSeconds: number
  maxLifetimeSeconds: number
  maxSessionSeconds: number | undefined
  maxStaleSeconds: number
  whenStale: 'refuse' | 'accept'
  maxAcceptStaleSeconds: number
  verifiedTokenCacheEntries: number
  verifiedTokenCacheBytes: number
  /** Algorithms whose signatures `begin` may leave to the host. */
  hostAlgorithms: readonly Algorithm[]
  realms: CoreRealm[]
}

export interface CoreRealm extends CorePolicy {
  /** Whether revocations are looked up; `unchecked`: the realm has no feed. Default `byFeed`. */
  revocation?: 'byFeed' | 'unchecked'
  feedKeys: JWK[]
  /** Whether the keys come from `setKeys` or from the feed. */
  keysFrom: 'caller' | 'feed'
  acceptDifferingPolicy: boolean
}

/** A realm's latest position, in the core's own form. */
export type CoreMarks = object
