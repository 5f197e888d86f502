import type { NodeCrypto, Runtime } from './module.ts'
import type { Algorithm, JWK } from '../types.ts'

/** A signature for the host to verify. Its outcome is passed to `finish` once. */
export interface SignatureRequest {
  /** The instance of the module that made it. */
  generation: number
  handle: number
  /** Identifies a key of this gate; never reused for another key. */
  keyNumber: number
  /**
   * The signing input followed by the signature: a view of the core's memory, valid until the next call into the core.
   */
  bytes: Uint8Array<ArrayBuffer>
  /** Where the signing input ends. */
  inputLength: number
}

/** Whether the host finds a signature valid. `undefined`: undecided, so the core verifies it. */
export type HostOutcome = boolean | undefined

/** The source of signature requests. */
interface SignatureSource {
  /** Returns the key of a request; `undefined` if it cannot be exported. */
  hostKey(request: SignatureRequest): HostKey | undefined
}

/** A key with its algorithm. */
export interface HostKey {
  algorithm: Algorithm
  jwk: JWK
}

/**
 * The algorithms that the host verifies faster than Rust. Processor time in µs for a token of 640 to 900 bytes, on one
 * machine, including everything else:
 *
 * |                        | RS256 | PS256 | ES256 | ES384 | ES512 |
 * |------------------------|-------|-------|-------|-------|-------|
 * | Rust, Node 20          |   560 |   550 |   820 |  4900 |  4500 |
 * | `node:crypto`, Node 20 |    24 |    24 |    66 |   460 |  1030 |
 * | Rust, workerd          |   550 |       |   950 |       |       |
 * | WebCrypto, workerd     |    20 |       |    59 |       |       |
 *
 * Bun's and Deno's `node:crypto` are as far ahead. HMAC takes Rust 7 µs and stays there: so its keys need not leave the
 * core.
 *
 * workerd has `node:crypto` too, for workers with `nodejs_compat`: RS256 takes it about a tenth less than its
 * WebCrypto, EdDSA the same, and for ES256 it takes no imported key (a key object is refused beside `dsaEncoding`).
 * WebCrypto's own ways (raw or SPKI keys, buffers instead of views) differ by less than a measurement does.
 *
 * EdDSA differs from runtime to runtime, on another machine (`fasterEd25519` of the entries; 65 µs more without
 * tables):
 *
 * |                                  | Node 20 | workerd | Deno | Bun |
 * |----------------------------------|---------|---------|------|-----|
 * | Rust, by the tables of the key   |      72 |      72 |   65 | 118 |
 * | `node:crypto`, workerd WebCrypto |     135 |      80 |   50 |  77 |
 */
const HOST_ALGORITHMS: readonly Algorithm[] = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
]

/** EdDSA on Ed25519, by both of its names (RFC 8037, RFC 9864). */
const ED25519: readonly Algorithm[] = ['EdDSA', 'Ed25519']

/**
 * Maximum number of imported keys: more than the realms of one edge function usually have. A key takes a few kilobytes.
 */
const MAX_IMPORTED_KEYS = 2048

/** Verifies signatures outside the core: by `node:crypto`, WebCrypto, or not at all. */
export type HostCrypto = NodeSignatures | WebSignatures | NoSignatures

/** Returns the fastest implementation of the runtime. */
export function hostCrypto(
  verifySignatures: 'fastest' | 'rust',
  { nodeCrypto, webCryptoReads, fasterEd25519 }: Runtime,
): HostCrypto {
  if (verifySignatures === 'rust') return new NoSignatures()
  const algorithms =
    fasterEd25519 === 'core' ? HOST_ALGORITHMS.filter((algorithm) => !ED25519.includes(algorithm)) : HOST_ALGORITHMS
  if (nodeCrypto !== undefined) return new NodeSignatures(nodeCrypto, algorithms)
  const { subtle } = (globalThis as { crypto?: { subtle?: SubtleCrypto } }).crypto ?? {}
  return subtle === undefined ? new NoSignatures() : new WebSignatures(subtle, webCryptoReads, algorithms)
}

export class NoSignatures {
  readonly kind = 'none'
  readonly algorithms: readonly Algorithm[] = []
}

/** Verifies signatures by `node:crypto`, synchronously. */
export class NodeSignatures {
  readonly kind = 'synchronous'
  readonly algorithms: readonly Algorithm[]
  readonly #crypto: NodeCrypto
  readonly #keys = new Map<number, NodeKey | 'unusable'>()

  constructor(crypto: NodeCrypto, algorithms: readonly Algorithm[] = HOST_ALGORITHMS) {
    this.#crypto = crypto
    this.algorithms = algorithms
  }

  verify(core: SignatureSource, request: SignatureRequest): HostOutcome {
    const { keyNumber, bytes, inputLength } = request
    const key = this.#keys.get(keyNumber) ?? keep(this.#keys, keyNumber, this.#import(core.hostKey(request)))
    if (key === 'unusable') return undefined
    try {
      return this.#crypto.verify(
        key.digest,
        bytes.subarray(0, inputLength),
        key.key as never,
        bytes.subarray(inputLength),
      )
    } catch {
      return undefined
    }
  }

  #import(given: HostKey | undefined): NodeKey | 'unusable' {
    const scheme = given && NODE_SCHEMES[given.algorithm]
    if (given === undefined || scheme === undefined) return 'unusable'
    try {
      const key = this.#crypto.createPublicKey({ key: given.jwk, format: 'jwk' })
      const { digest, ...how } = scheme
      return { digest, key: Object.keys(how).length === 0 ? key : { key, ...how } }
    } catch {
      return 'unusable'
    }
  }
}

interface NodeKey {
  digest: string | null
  /** A `KeyObject`, or an object that adds the signature scheme to one. */
  key: unknown
}

/** `RSA_PKCS1_PSS_PADDING` and `RSA_PSS_SALTLEN_DIGEST` (RFC 7518 §3.5: the salt is as long as the hash). */
const PSS = { padding: 6, saltLength: -1 }
/** R and S as in JOSE (RFC 7518 §3.4), not DER. */
const R_AND_S = { dsaEncoding: 'ieee-p1363' }

const NODE_SCHEMES: Partial<
  Record<Algorithm, { digest: string | null; padding?: number; saltLength?: number; dsaEncoding?: string }>
> = {
  RS256: { digest: 'sha256' },
  RS384: { digest: 'sha384' },
  RS512: { digest: 'sha512' },
  PS256: { digest: 'sha256', ...PSS },
  PS384: { digest: 'sha384', ...PSS },
  PS512: { digest: 'sha512', ...PSS },
  ES256: { digest: 'sha256', ...R_AND_S },
  ES384: { digest: 'sha384', ...R_AND_S },
  ES512: { digest: 'sha512', ...R_AND_S },
  EdDSA: { digest: null },
  Ed25519: { digest: null },
}

/** Verifies signatures by WebCrypto, asynchronously. */
export class WebSignatures {
  readonly kind = 'asynchronous'
  readonly algorithms: readonly Algorithm[]
  readonly #subtle: SubtleCrypto
  readonly #reads: 'at_once' | 'later'
  readonly #keys = new Map<number, WebKey | 'unusable'>()

  constructor(
    subtle: SubtleCrypto,
    reads: 'at_once' | 'later' = 'later',
    algorithms: readonly Algorithm[] = HOST_ALGORITHMS,
  ) {
    this.#subtle = subtle
    this.#reads = reads
    this.algorithms = algorithms
  }

  /** Verifies a signature. The promise never rejects. */
  verify(core: SignatureSource, request: SignatureRequest): Promise<HostOutcome> {
    const { keyNumber, bytes, inputLength } = request
    const key = this.#keys.get(keyNumber)
    if (key !== undefined && this.#reads === 'at_once') return this.#verify(key, bytes, inputLength)
    // A copy, because the implementation may read later and the next token overwrites the view.
    const own = bytes.slice()
    if (key === undefined) return this.#importAndVerify(keyNumber, core.hostKey(request), own, inputLength)
    return this.#verify(key, own, inputLength)
  }

  #verify(key: WebKey | 'unusable', bytes: Uint8Array<ArrayBuffer>, inputLength: number): Promise<HostOutcome> {
    if (key === 'unusable') return Promise.resolve(undefined)
    const [input, signature] = [bytes.subarray(0, inputLength), bytes.subarray(inputLength)]
    return this.#subtle.verify(key.scheme, key.key, signature, input).catch(unknown)
  }

  /** Caches the key and not its promise: in workerd, a request may not await a promise of another. */
  async #importAndVerify(
    keyNumber: number,
    given: HostKey | undefined,
    bytes: Uint8Array<ArrayBuffer>,
    inputLength: number,
  ): Promise<HostOutcome> {
    const key = keep(this.#keys, keyNumber, await this.#import(given))
    return this.#verify(key, bytes, inputLength)
  }

  async #import(given: HostKey | undefined): Promise<WebKey | 'unusable'> {
    const scheme = given && WEB_SCHEMES[given.algorithm]
    if (given === undefined || scheme === undefined) return 'unusable'
    try {
      return { scheme, key: await this.#subtle.importKey('jwk', given.jwk as JsonWebKey, scheme, false, ['verify']) }
    } catch {
      return 'unusable'
    }
  }
}

interface WebKey {
  scheme: WebScheme
  key: CryptoKey
}

interface WebScheme {
  name: string
  hash?: string
  namedCurve?: string
  saltLength?: number
}

const WEB_SCHEMES: Partial<Record<Algorithm, WebScheme>> = {
  RS256: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' },
  RS384: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-384' },
  RS512: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-512' },
  PS256: { name: 'RSA-PSS', hash: 'SHA-256', saltLength: 32 },
  PS384: { name: 'RSA-PSS', hash: 'SHA-384', saltLength: 48 },
  PS512: { name: 'RSA-PSS', hash: 'SHA-512', saltLength: 64 },
  ES256: { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' },
  ES384: { name: 'ECDSA', namedCurve: 'P-384', hash: 'SHA-384' },
  ES512: { name: 'ECDSA', namedCurve: 'P-521', hash: 'SHA-512' },
  EdDSA: { name: 'Ed25519' },
  Ed25519: { name: 'Ed25519' },
}

function unknown(): undefined {
  return undefined
}

function keep<K>(keys: Map<number, K>, keyNumber: number, key: K): K {
  if (keys.size >= MAX_IMPORTED_KEYS) keys.clear()
  keys.set(keyNumber, key)
  return key
}
