import type { CorePolicy } from '../../policy.ts'
import type { Algorithm, JWK } from '../../types.ts'

/** Callbacks to the owner of a core. None may throw. */
export interface CoreListener {
  /** A call has trapped, and the module's instance was discarded; the next call is made in a new one. */
  onFault(cause: unknown): void
  /** There is a new instance: keys are as before, the state must be loaded again, and no token is cached. */
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
  /** The algorithms whose signatures the host verifies where `begin` may ask it. */
  hostAlgorithms: readonly Algorithm[]
  realms: CoreRealm[]
}

export interface CoreRealm extends CorePolicy {
  /** Whether revocations are looked up; `unchecked`: there is no feed. Default `byFeed`. */
  revocation?: 'byFeed' | 'unchecked'
  feedKeys: JWK[]
  /** Whether the keys come by `setKeys`, or with the feed. */
  keysFrom: 'caller' | 'feed'
  acceptDifferingPolicy: boolean
}

/** A realm's latest position, in the core's own form. */
export type CoreMarks = object
