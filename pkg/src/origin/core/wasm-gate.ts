import { Gate, WithdrawnKeys } from '../../../wasm/origin/core.js'
import { PortcullisError } from '../../errors.ts'
import type { CorePolicy } from '../../policy.ts'
import type { Reason } from '../../reasons.ts'
import type { JWK, SkippedKey } from '../../types.ts'
import { guarded, mustBeUsable, refusalOf } from './module.ts'

/** Makes the origin's own gate, for `GateCore`. Throws `fault` and `invalid_option`. */
export function createWasmGate(options: GateCoreOptions): WasmGate {
  mustBeUsable()
  try {
    return guarded(() => new Gate(options) as unknown as WasmGate)
  } catch (cause) {
    if (cause instanceof PortcullisError) throw cause
    throw new PortcullisError('invalid_option', `the realms were refused: ${refusalOf(cause)}`, { cause })
  }
}

/** Makes the set of withdrawn keys of a gate with so many realms; none are in it yet. */
export function createWithdrawnKeys(realms: number): WasmWithdrawnKeys {
  mustBeUsable()
  return guarded(() => new WithdrawnKeys(realms) as unknown as WasmWithdrawnKeys)
}

/** The claims of a token whose signature is good, as far as revocation needs them. */
export interface Identified {
  realm: number
  tokenId?: string
  subject?: string
  session?: string
  authorizedParty?: string
  clientId?: string
  expiresAt?: number
  issuedAt?: number
}

/** Why it is not known whose token it is. */
export interface Unidentified {
  code: 'invalid_token' | 'unexpected_token_use' | 'keys_unavailable'
  /** The reason that a verdict would have. */
  reason: Reason
  /** The index of the realm of its `iss`; absent: none of these. */
  realm?: number
}

/** A token that was signed by a withdrawn key: only the claims that its revocation by id needs. */
export interface WithdrawnToken {
  realm: number
  /** The key's RFC 7638 thumbprint. */
  thumbprint: string
  tokenId: string
  issuedAt: number
  expiresAt: number
  authorizedParty?: string
  clientId?: string
}

/** Keys that issuers have withdrawn, apart from those that a gate judges by. */
export interface WasmWithdrawnKeys {
  /** `jwks` is a JWK set; `withdrawnAt` is in unix seconds. */
  add(gate: WasmGate, realm: number, jwks: Uint8Array, withdrawnAt: number): void
  clear(realm: number): void
  /** Throws an `Unidentified`. */
  identify(gate: WasmGate, token: string, now: number): WithdrawnToken
  free(): void
}

export interface GateCoreOptions {
  maxTokenBytes: number
  leewaySeconds: number
  skewSeconds: number
  maxLifetimeSeconds: number
  maxSessionSeconds?: number
  maxStaleSeconds: number
  whenStale: 'refuse' | 'accept'
  maxAcceptStaleSeconds: number
  verifiedTokenCacheEntries: number
  verifiedTokenCacheBytes: number
  hostAlgorithms: readonly string[]
  realms: (CorePolicy & { keysFrom: 'caller' | 'feed'; feedKeys: JWK[] })[]
}

/**
 * The gate in the core; realms are named by their index. A token is written to the token buffer before a call about it.
 */
export interface WasmGate {
  /** Address where tokens are written and signatures read: one byte more than `maxTokenBytes`. */
  readonly tokenBuffer: number
  /** Address of the signature request: handle, key number, length of the signing input, of the signature. */
  readonly signatureRequest: number
  /** A finding code. */
  begin(length: number, now: number, help: boolean): number
  finish(handle: number, outcome: number, now: number): number
  hostKey(handle: number): string[]
  /** The index of the realm of the `iss`, by that and the form alone; -1: none of these. */
  realmOf(length: number): number
  /** Throws an `Unidentified`. `undefined`: there is a signature request. */
  beginToIdentify(length: number, now: number): Identified | undefined
  /** Likewise. `undefined`: there is no such handle any more. */
  finishToIdentify(handle: number, outcome: number, now: number): Identified | undefined
  setKeys(realm: number, jwksJson: Uint8Array, usableUntil: number, source: 'configuration' | 'url'): void
  /** Returns the skipped keys of the set that was read last. */
  skippedKeys(realm: number): SkippedKey[]
  applyFeed(
    realm: number,
    bytes: Uint8Array,
    now: number,
  ): { sequence: number; effect: 'changed' | 'partial' | 'renewed' | 'known' | 'staged' }
  missingSections(realm: number): string[]
  provideSection(realm: number, bytes: Uint8Array, sha256?: Uint8Array): 'stored' | 'committed'
  /** -1: it has no state yet, or needs a manifest. */
  sequence(realm: number): number
  /** The digest of the policy that a realm's gate and origin must agree on. */
  policy(realm: number): string
  /** The options in which two realms do not agree, as an origin and its gates must. */
  policyDifferences(one: number, other: number): string[]
  free(): void
}
