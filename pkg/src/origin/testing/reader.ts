// A reader of an origin's feed that supports one minor version of the wire format.

import { corePolicy } from '../../policy.ts'
import { REASONS, type Reason } from '../../reasons.ts'
import { GateCore } from '../core/gate.ts'
import type { Minor } from '../core/minor.ts'
import type { JWK } from '../index.ts'
import { GATE_LIMITS } from './gate-limits.ts'
import './load.ts'
import type { TestIssuer } from './stage.ts'

/** The offset of the minor version in a statement. */
const MINOR_AT = 5

interface TestReaderOptions {
  minor: Minor
  issuer: TestIssuer
  /** The feed's public key. */
  feedKey: JWK
  /** Requests a path below `/feed/acme/`. */
  get: (path: string) => Promise<Response>
}

/** A gate that pulls, and throws if it gets a form that it did not request. */
export class TestReader {
  readonly #options: TestReaderOptions
  readonly #gate: GateCore

  constructor(options: TestReaderOptions) {
    const { issuer, feedKey } = options
    this.#options = options
    this.#gate = new GateCore({
      ...GATE_LIMITS,
      realms: [{ ...corePolicy(issuer.realm), keysFrom: 'caller', feedKeys: [feedKey] }],
    })
    this.#gate.setKeys(
      0,
      new TextEncoder().encode(JSON.stringify({ keys: [issuer.jwk] })),
      Number.MAX_SAFE_INTEGER,
      'configuration',
    )
  }

  get sequence(): number | undefined {
    return this.#gate.sequence(0)
  }

  /** Pulls the manifest, then the missing sections. */
  async pullManifest(): Promise<void> {
    this.apply(await this.#read('manifest'))
    for (const name of this.#gate.missingSections(0)) this.#gate.provideSection(0, await this.#read(`sections/${name}`))
  }

  /** Pulls one delta, or the manifest if no delta starts at this sequence. */
  async pullDelta(): Promise<void> {
    const { sequence } = this
    const response = sequence === undefined ? undefined : await this.#get(`deltas?after=${sequence}`)
    if (response?.status === 200) this.apply(await bytesOf(response))
    else await this.pullManifest()
  }

  /** Applies a statement that was pulled, pushed or streamed. */
  apply(statement: Uint8Array): void {
    const minor = statement[MINOR_AT]
    if (minor !== this.#options.minor)
      throw new Error(`a reader of minor ${this.#options.minor} was given a statement of minor ${minor}`)
    this.#gate.applyFeed(0, statement, now())
  }

  /** Returns `undefined` if the token is accepted. */
  reasonOf(token: string): Reason | undefined {
    const code = this.#gate.check(token, now()) & 0xff
    return code === 0 ? undefined : REASONS[code - 1]
  }

  free(): void {
    this.#gate.free()
  }

  async #read(path: string): Promise<Uint8Array> {
    return bytesOf(await this.#get(path))
  }

  #get(path: string): Promise<Response> {
    return this.#options.get(`${path}${path.includes('?') ? '&' : '?'}minor=${this.#options.minor}`)
  }
}

async function bytesOf(response: Response): Promise<Uint8Array> {
  if (response.status !== 200) throw new Error(`status ${response.status}`)
  return new Uint8Array(await response.arrayBuffer())
}

function now(): number {
  return Math.floor(Date.now() / 1000)
}
