// The origin in a paired run: revocations over HTTP, and startup with a million events.

import { copyFile, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Child, freePort } from '../../../www/demo/child.ts'
import type { Load, Throughput } from '../child/load.ts'
import type { Start } from '../child/start.ts'
import { makeFeed, type Feed } from '../feed.ts'
import { LEDGER, loadOf, TURN, WARMING } from '../origin.ts'
import { program } from '../program.ts'
import { makeKey, mint, type Key } from '../tokens.ts'
import { environmentOf, FLAGS, type Build } from './build.ts'
import type { Station } from './turns.ts'

/** Makes the tokens of each round, the same for every contestant, as each has its own database. */
export class Mint {
  readonly key: Promise<Key> = makeKey('RS256')
  readonly #minted: Promise<Buffer[]>[] = []

  /** Returns the tokens for turn number `turn` of any contestant. */
  async tokens(turn: number): Promise<Buffer[]> {
    const key = await this.key
    return (this.#minted[turn] ??= mint(key, WARMING + TURN))
  }
}

/**
 * Starts an origin of one build. A turn sends revocations from a separate process and returns revocations per second.
 */
export async function revocationStation(build: Build, minted: Mint): Promise<Station> {
  const folder = await mkdtemp(join(tmpdir(), 'portcullis-bench-'))
  const port = await freePort()
  const entry = fileURLToPath(new URL('../child/origin.ts', import.meta.url))
  const server = new Child('origin', process.execPath, [...FLAGS, entry], {
    ...environmentOf(build),
    BENCH_PORT: String(port),
    BENCH_DATABASE: join(folder, 'revocations.db'),
    BENCH_KEY: JSON.stringify((await minted.key).jwk),
  })
  const url = `http://127.0.0.1:${port}`
  const close = async (): Promise<void> => {
    await server.stop()
    await rm(folder, { recursive: true, force: true })
  }
  try {
    await server.ready(`${url}/healthz`)
  } catch (error) {
    await close()
    throw error
  }
  return {
    prepare: () => Promise.resolve(),
    async turn(round) {
      const load: Load = loadOf(url, '/v1/auth/token/revoke', await minted.tokens(round))
      return (await program<Throughput>('load.ts', load)).requestsPerSecond
    },
    close,
  }
}

/** Databases with a million events, each written by the build that opens it. */
export class FullDatabases {
  #feed: Promise<Feed> | undefined
  readonly #filled = new Map<string, Promise<string>>()

  /** Returns the path of a database filled by the build. Copy it before you open it. */
  of(build: Build): Promise<string> {
    const filling = this.#filled.get(build.label) ?? this.#fill(build)
    this.#filled.set(build.label, filling)
    return filling
  }

  async #fill(build: Build): Promise<string> {
    this.#feed ??= makeFeed(LEDGER)
    const { folder } = await this.#feed
    const database = join(folder, `${build.label}.db`)
    await program('fill.ts', { database, rows: join(folder, 'rows') }, [...FLAGS], environmentOf(build))
    return database
  }

  async close(): Promise<void> {
    await (await this.#feed)?.close()
  }
}

/** Starts a new process each turn, on a copy of the build's database. A turn returns seconds. */
export async function startStation(build: Build, databases: FullDatabases): Promise<Station> {
  const folder = await mkdtemp(join(tmpdir(), 'portcullis-bench-'))
  const database = join(folder, 'start.db')
  const { jwk } = await makeKey('ES256')
  await copyFile(await databases.of(build), database)
  return {
    prepare: () => Promise.resolve(),
    turn: async () => (await program<Start>('start.ts', { database, jwk }, [...FLAGS], environmentOf(build))).seconds,
    close: () => rm(folder, { recursive: true, force: true }),
  }
}
