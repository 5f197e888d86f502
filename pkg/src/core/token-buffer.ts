import type { SignatureRequest, HostOutcome } from './host-signatures.ts'

/**
 * Where in its memory a core lets itself be written to and read: `exchange` for tokens, `errand` for what is asked of the host or
 * what a token will be known by.
 */
export interface Places {
  readonly exchange: number
  readonly errand: number
}

/** Names a token that a core remembers as verified, once: when it has gone, the name is no other's. */
export interface Entry {
  /** The instance of the module that it belongs to. */
  readonly generation: number
  readonly place: number
  /** Which of all that were ever remembered it is, in two halves. */
  readonly lower: number
  readonly upper: number
}

/** Names a token at the host, once: the same number in another instance of the module is another's. */
export interface Ticket {
  readonly generation: number
  readonly handle: number
}

/** The part of a core's memory through which tokens go in and signature requests come out, without a copy by the boundary's code. */
export class TokenBuffer {
  readonly #memory: WebAssembly.Memory
  readonly #places: Places
  readonly #maxTokenBytes: number
  readonly #generation: number
  /** Made anew when the memory has grown, for that detaches them. */
  #bytes: Uint8Array<ArrayBuffer> = new Uint8Array()
  #request: Uint32Array<ArrayBuffer> = new Uint32Array()

  /** `generation` counts the instances of the module, so that nothing of one is taken for something of another. */
  constructor(memory: WebAssembly.Memory, places: Places, maxTokenBytes: number, generation: number) {
    this.#memory = memory
    this.#places = places
    this.#maxTokenBytes = maxTokenBytes
    this.#generation = generation
  }

  /** Writes a token where the core reads it, and answers how many bytes it has; one that is too long gets one too many. */
  write(token: string): number {
    if (this.#bytes.byteLength === 0) this.#look()
    const { read, written } = encoder.encodeInto(token, this.#bytes)
    return read === token.length ? written : this.#maxTokenBytes + 1
  }

  /** What the host is to check, right after the core has asked. */
  get signatureRequest(): SignatureRequest {
    if (this.#bytes.byteLength === 0) this.#look()
    const request = this.#request
    const inputLength = request[2] ?? 0
    const bytes = this.#bytes.subarray(0, inputLength + (request[3] ?? 0))
    // Each instance counts its keys from the beginning; a key number must never name two keys.
    const keyNumber = this.#generation * 2 ** 32 + (request[1] ?? 0)
    return { generation: this.#generation, handle: request[0] ?? 0, keyNumber, bytes, inputLength }
  }

  /** The token of the last `begin`, right after the core has said that it remembered the signature. */
  get entry(): Entry {
    if (this.#bytes.byteLength === 0) this.#look()
    const named = this.#request
    return { generation: this.#generation, place: named[0] ?? 0, lower: named[1] ?? 0, upper: named[2] ?? 0 }
  }

  #look(): void {
    // Not shared: the module is compiled without threads.
    const buffer = this.#memory.buffer as ArrayBuffer
    this.#bytes = new Uint8Array(buffer, this.#places.exchange, this.#maxTokenBytes + 1)
    this.#request = new Uint32Array(buffer, this.#places.errand, 4)
  }
}

const encoder = new TextEncoder()

/** The bit of a finding code that says: nothing is found yet, there is a signature request. */
export const AT_HOST: number = 1 << 26

/** How the core is told what the host has found: 0, bad; 1, good; 2, it could not tell. */
export function outcomeCode(outcome: HostOutcome): number {
  return outcome === undefined ? 2 : Number(outcome)
}
