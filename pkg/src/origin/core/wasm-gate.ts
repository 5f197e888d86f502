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

/** Creates the set of withdrawn keys of a gate with this number of realms; it is empty at first. */
export function createWithdrawnKeys(realms: number): WasmWithdrawnKeys {
  mustBeUsable()
  return guarded(() => new WithdrawnKeys(realms) as unknown as WasmWithdrawnKeys)
}

/** The claims of a token with a good signature that revocation needs. */
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

/** Why the owner of a token is not known. */
export interface Unidentified {
  code: 'invalid_token' | 'unexpected_token_use' | 'keys_unavailable'
  /** The reason that a verdict would state. */
  reason: Reason
  /** The index of the realm of its `iss`; absent if it is not one of these realms. */
  realm?: number
}

/** A token signed by a withdrawn key: only the claims needed to revoke it by its id. */
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

/** Keys that issuers have withdrawn, separate from those that a gate uses. */
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
 * The gate in the core. Realms are identified by their index. A token is written to the token buffer before any call
 * about it.
 */
export interface WasmGate {
  /** The address where tokens are written and signatures read; its size is `maxTokenBytes` plus one. */
  readonly tokenBuffer: number
  /** The address of the signature request: handle, key number, length of the signing input, length of the signature. */
  readonly signatureRequest: number
  /** Returns a finding code. */
  begin(length: number, now: number, help: boolean): number
  finish(handle: number, outcome: number, now: number): number
  hostKey(handle: number): string[]
  /** Returns the index of the realm of the `iss`, from the form alone; -1 if it is not one of these realms. */
  realmOf(length: number): number
  /** Throws an `Unidentified`. Returns `undefined` if there is a signature request. */
  beginToIdentify(length: number, now: number): Identified | undefined
  /** Throws an `Unidentified`. Returns `undefined` if the handle no longer exists. */
  finishToIdentify(handle: number, outcome: number, now: number): Identified | undefined
  setKeys(realm: number, jwksJson: Uint8Array, usableUntil: number, source: 'configuration' | 'url'): void
  /** Returns the skipped keys of the last set that was read. */
  skippedKeys(realm: number): SkippedKey[]
  applyFeed(
    realm: number,
    bytes: Uint8Array,
    now: number,
  ): { sequence: number; effect: 'changed' | 'partial' | 'renewed' | 'known' | 'staged' }
  missingSections(realm: number): string[]
  provideSection(realm: number, bytes: Uint8Array, sha256?: Uint8Array): 'stored' | 'committed'
  /** Returns -1 if it has no state yet or needs a manifest. */
  sequence(realm: number): number
  /** Returns the digest of the policy on which a realm's gate and origin must agree. */
  policy(realm: number): string
  /** Returns the options in which two realms differ although an origin and its gates must agree on them. */
  policyDifferences(one: number, other: number): string[]
  free(): void
}
