import type { HostOutcome, SignatureRequest } from './host-signatures.ts'

/**
 * Addresses in a core's memory: `tokenBuffer`, where tokens are written, and `signatureRequest`, where signature
 * requests and the ids of cached tokens are read.
 */
export interface BufferAddresses {
  readonly tokenBuffer: number
  readonly signatureRequest: number
}

/** Identifies a token in the core's cache of verified tokens. Never reused for another one. */
export interface CachedTokenId {
  /** The instance of the module that it belongs to. */
  readonly generation: number
  readonly place: number
  /** A 64-bit serial number, in two halves. */
  readonly lower: number
  readonly upper: number
}

/**
 * Identifies a token whose signature the host verifies. In another instance of the module the same number means
 * another.
 */
export interface SignatureHandle {
  readonly generation: number
  readonly handle: number
}

/**
 * The part of a core's memory through which tokens go in and signature requests come out, without a copy by generated
 * code.
 */
export class TokenBuffer {
  readonly #memory: WebAssembly.Memory
  readonly #addresses: BufferAddresses
  readonly #maxTokenBytes: number
  readonly #generation: number
  /** Views; replaced when the memory has grown, which detaches them. */
  #bytes: Uint8Array<ArrayBuffer> = new Uint8Array()
  #request: Uint32Array<ArrayBuffer> = new Uint32Array()

  /** `generation`: the number of the module's instance, so that ids of one are not used in another. */
  constructor(memory: WebAssembly.Memory, addresses: BufferAddresses, maxTokenBytes: number, generation: number) {
    this.#memory = memory
    this.#addresses = addresses
    this.#maxTokenBytes = maxTokenBytes
    this.#generation = generation
  }

  /**
   * Writes a token where the core reads it. Returns its length in bytes; for one that is too long, one more than the
   * limit.
   */
  write(token: string): number {
    if (this.#bytes.byteLength === 0) this.#map()
    const { read, written } = encoder.encodeInto(token, this.#bytes)
    return read === token.length ? written : this.#maxTokenBytes + 1
  }

  /** The signature that the host is to verify; valid right after the core has requested it. */
  get signatureRequest(): SignatureRequest {
    if (this.#bytes.byteLength === 0) this.#map()
    const request = this.#request
    const inputLength = request[2] ?? 0
    const bytes = this.#bytes.subarray(0, inputLength + (request[3] ?? 0))
    // Each instance numbers its keys from zero; here a key number must never mean two keys.
    const keyNumber = this.#generation * 2 ** 32 + (request[1] ?? 0)
    return { generation: this.#generation, handle: request[0] ?? 0, keyNumber, bytes, inputLength }
  }

  /** The id of the token of the last `begin`; valid right after the core has reported a cached signature. */
  get cachedTokenId(): CachedTokenId {
    if (this.#bytes.byteLength === 0) this.#map()
    const id = this.#request
    return { generation: this.#generation, place: id[0] ?? 0, lower: id[1] ?? 0, upper: id[2] ?? 0 }
  }

  #map(): void {
    // Not shared: the module is compiled without threads.
    const buffer = this.#memory.buffer as ArrayBuffer
    this.#bytes = new Uint8Array(buffer, this.#addresses.tokenBuffer, this.#maxTokenBytes + 1)
    this.#request = new Uint32Array(buffer, this.#addresses.signatureRequest, 4)
  }
}

const encoder = new TextEncoder()

/** The bit of a finding code that says: no finding yet, there is a signature request for the host. */
export const AWAITING_SIGNATURE: number = 1 << 26

/** The host's outcome as the core takes it: 0, bad; 1, good; 2, undecided. */
export function outcomeCode(outcome: HostOutcome): number {
  return outcome === undefined ? 2 : Number(outcome)
}
