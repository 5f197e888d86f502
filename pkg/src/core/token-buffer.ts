import type { HostOutcome, SignatureRequest } from './host-signatures.ts'

/**
 * Addresses in a core's memory: `tokenBuffer`, where tokens are written, and `signatureRequest`, where signature
 * requests and the ids of cached tokens are read.
 */
interface BufferAddresses {
  readonly tokenBuffer: number
  readonly signatureRequest: number
}

/** Identifies a token in the core's cache of verified tokens. Never reused for another token. */
export interface CachedTokenId {
  /** The module instance that it belongs to. */
  readonly generation: number
  readonly place: number
  /** A 64-bit serial number, in two halves. */
  readonly lower: number
  readonly upper: number
}

/**
 * Identifies a token whose signature the host verifies. In another module instance the same number means a different
 * token.
 */
export interface SignatureHandle {
  readonly generation: number
  readonly handle: number
}

/**
 * The part of a core's memory through which tokens are passed in and signature requests out, without a copy by
 * generated code.
 */
export class TokenBuffer {
  readonly #memory: WebAssembly.Memory
  readonly #addresses: BufferAddresses
  readonly #maxTokenBytes: number
  readonly #generation: number
  /** Views of the memory; replaced after it has grown, which detaches them. */
  #bytes: Uint8Array<ArrayBuffer> = new Uint8Array()
  #request: Uint32Array<ArrayBuffer> = new Uint32Array()

  /** `generation`: the number of the module instance, so that its ids are not used in another. */
  constructor(memory: WebAssembly.Memory, addresses: BufferAddresses, maxTokenBytes: number, generation: number) {
    this.#memory = memory
    this.#addresses = addresses
    this.#maxTokenBytes = maxTokenBytes
    this.#generation = generation
  }

  /** Writes a token where the core reads it. Returns its length in bytes, or the limit plus one for a longer token. */
  write(token: string): number {
    if (this.#bytes.byteLength === 0) this.#map()
    const { read, written } = encoder.encodeInto(token, this.#bytes)
    return read === token.length ? written : this.#maxTokenBytes + 1
  }

  /** Returns the signature that the host must verify; valid right after the core has requested it. */
  get signatureRequest(): SignatureRequest {
    if (this.#bytes.byteLength === 0) this.#map()
    const request = this.#request
    const inputLength = request[2] ?? 0
    const bytes = this.#bytes.subarray(0, inputLength + (request[3] ?? 0))
    // Each instance numbers its keys from zero, but here a key number must identify one key.
    const keyNumber = this.#generation * 2 ** 32 + (request[1] ?? 0)
    return { generation: this.#generation, handle: request[0] ?? 0, keyNumber, bytes, inputLength }
  }

  /** Returns the id of the token of the last `begin`; valid right after the core has reported a cached signature. */
  get cachedTokenId(): CachedTokenId {
    if (this.#bytes.byteLength === 0) this.#map()
    const id = this.#request
    return { generation: this.#generation, place: id[0] ?? 0, lower: id[1] ?? 0, upper: id[2] ?? 0 }
  }

  #map(): void {
    // Not a shared buffer: the module is compiled without threads.
    const buffer = this.#memory.buffer as ArrayBuffer
    this.#bytes = new Uint8Array(buffer, this.#addresses.tokenBuffer, this.#maxTokenBytes + 1)
    this.#request = new Uint32Array(buffer, this.#addresses.signatureRequest, 4)
  }
}

const encoder = new TextEncoder()

/** Bit of a finding code: not a finding yet, because a signature request for the host is pending. */
export const AWAITING_SIGNATURE: number = 1 << 26

/** Encodes the host's outcome for the core: 0 invalid, 1 valid, 2 undecided. */
export function outcomeCode(outcome: HostOutcome): number {
  return outcome === undefined ? 2 : Number(outcome)
}
