// The benchmarks' own wasm module (`bare/`), built like the package's and called without glue code.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { FEED_KEY, ROOT, type Feed } from './feed.ts'
import type { Contestant } from './race.ts'
import { ISSUER, type Key } from './tokens.ts'

interface Exports {
  memory: WebAssembly.Memory
  reserve(length: number): number
  set_key(algorithm: number): number
  verify(messageLength: number): number
  open_realm(now: bigint, buckets: bigint): number
  apply(): number
  provide(): number
  look_up(count: number): number
}

const TARGET = 'wasm32-unknown-unknown'
/** The optimiser of the package's modules and its flags. */
const OPTIMISER = [
  join(ROOT, 'pkg/node_modules/binaryen/bin/wasm-opt'),
  '-O3',
  '--enable-bulk-memory',
  '--enable-sign-ext',
  '--enable-mutable-globals',
  '--enable-nontrapping-float-to-int',
  '--enable-multivalue',
  '--enable-reference-types',
]

/** The crate that verifies each algorithm, and the algorithm's number in the module. */
export const CRATES: Record<string, { crate: string; number: number }> = {
  RS256: { crate: 'rsa', number: 0 },
  ES256: { crate: 'p256', number: 1 },
  EdDSA: { crate: 'ed25519-dalek', number: 2 },
  HS256: { crate: 'hmac', number: 3 },
}

const built = new Map<string, Promise<WebAssembly.Module>>()

/** Creates an instance with its own memory, built with the crate of the checkout at `root`. */
export async function openModule(root: string = ROOT): Promise<BareModule> {
  const building = built.get(root) ?? build(root)
  built.set(root, building)
  const module = await building
  const imports: Record<string, Record<string, () => never>> = {}
  for (const { module: from, name } of WebAssembly.Module.imports(module)) {
    ;(imports[from] ??= {})[name] = () => {
      throw new Error(`${name} is not an exported function`)
    }
  }
  return new BareModule((await WebAssembly.instantiate(module, imports)).exports as unknown as Exports)
}

class BareModule {
  readonly #exports: Exports

  constructor(exports: Exports) {
    this.#exports = exports
  }

  /** Verifies bare signatures of tokens that were parsed beforehand. */
  verifier(key: Key, tokens: readonly Buffer[]): Contestant {
    const number = CRATES[key.algorithm]?.number ?? -1
    this.#put(keyBytes(key))
    must(this.#exports.set_key(number), 'the key')
    const parted = tokens.map((token) => {
      const end = token.lastIndexOf('.')
      const signature = Buffer.from(token.subarray(end + 1).toString('latin1'), 'base64url')
      return { length: end, bytes: Buffer.concat([token.subarray(0, end), signature]) }
    })
    return {
      tokens,
      pass: () => {
        for (const { length, bytes } of parted) {
          this.#put(bytes)
          must(this.#exports.verify(length), 'a signature')
        }
      },
    }
  }

  load(feed: Feed): void {
    this.#put(Buffer.from(`${ISSUER}\0${JSON.stringify(FEED_KEY)}`))
    must(this.#exports.open_realm(BigInt(feed.now), BigInt(feed.buckets)), 'the feed key')
    for (const [path, bytes] of feed.files) {
      this.#put(bytes)
      must(path === 'manifest' ? this.#exports.apply() : this.#exports.provide(), path)
    }
  }

  /** Makes `count` lookups of unrevoked tokens in one call, and returns nanoseconds per lookup. */
  lookUp(count: number): number {
    const start = performance.now()
    const good = this.#exports.look_up(count)
    const elapsedMs = performance.now() - start
    // The filter may report one in a million by mistake.
    if (good < count * 0.999)
      throw new Error(`${count - good} of ${count} tokens were found though they were not revoked`)
    return (elapsedMs * 1e6) / count
  }

  #put(bytes: Uint8Array): void {
    const start = this.#exports.reserve(bytes.length)
    new Uint8Array(this.#exports.memory.buffer, start, bytes.length).set(bytes)
  }
}

function must(answer: number, what: string): void {
  if (answer !== 1) throw new Error(`the bare module refused ${what}`)
}

function keyBytes({ jwk }: Key): Buffer {
  const bytes = (member: string | undefined): Buffer => Buffer.from(member ?? '', 'base64url')
  switch (jwk.kty) {
    case 'RSA':
      return bytes(jwk.n)
    case 'EC':
      return Buffer.concat([Buffer.of(4), bytes(jwk.x), bytes(jwk.y)])
    case 'OKP':
      return bytes(jwk.x)
    default:
      return bytes(jwk.k)
  }
}

async function build(root: string): Promise<WebAssembly.Module> {
  const manifest = join(root, 'tests/bench/bare/Cargo.toml')
  const folder = join(root, 'target/bare')
  await run('cargo', [
    'build',
    '--release',
    '--quiet',
    '--target',
    TARGET,
    '--target-dir',
    folder,
    '--manifest-path',
    manifest,
  ])
  const optimised = join(folder, 'bare.wasm')
  await run('node', [...OPTIMISER, join(folder, TARGET, 'release/bare.wasm'), '-o', optimised])
  return WebAssembly.compile(await readFile(optimised))
}

async function run(program: string, parameters: string[]): Promise<void> {
  const [code] = (await once(
    spawn(program, parameters, { cwd: ROOT, stdio: ['ignore', 'inherit', 'inherit'] }),
    'exit',
  )) as [number | null]
  if (code !== 0) throw new Error(`${program} failed`)
}
