// The origin: durable revocations per second, and the startup time with a million of them.

import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { sqliteStore } from 'portcullis/origin/sqlite'
import { Child, freePort } from '../../www/demo/child.ts'
import type { Load, Throughput } from './child/load.ts'
import type { Start } from './child/start.ts'
import { makeFeed } from './feed.ts'
import { program } from './program.ts'
import { inTurns, line, median, OURS } from './race.ts'
import type { Bench } from './run.ts'
import { ISSUER, makeKey, mint } from './tokens.ts'

const CONNECTIONS = 64
/** Revocations timed in a turn, each of a different token. */
export const TURN = 48 * CONNECTIONS
/** Warm-up revocations before that: the load generator is a new process each turn, whose code is not compiled yet. */
export const WARMING = 24 * CONNECTIONS
export const LEDGER = { ids: 700_000, epochs: 300_000, rows: true }
const STARTS = 3
/** Rows per write. */
const BATCH = 10_000

type Row = { sequence: number; keepUntil?: number; chain: Uint8Array; payload: Uint8Array }

export const origin: Bench = {
  names: ['origin_revocations', 'origin_start'],
  async *run(wanted) {
    const folder = await mkdtemp(join(tmpdir(), 'portcullis-bench-'))
    try {
      if (wanted('origin_revocations'))
        yield line('origin_revocations', 'node', 'per second', await revocations(folder))
      if (wanted('origin_start')) yield line('origin_start', 'node', 's', { [OURS]: await starting(folder) })
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  },
}

/** Measures revocations over HTTP with SQLite synced before each response. The load comes from another process. */
async function revocations(folder: string): Promise<Record<string, number>> {
  const key = await makeKey('RS256')
  const port = await freePort()
  const entry = fileURLToPath(new URL('child/origin.ts', import.meta.url))
  const server = new Child('origin', process.execPath, ['--import', import.meta.resolve('tsx'), entry], {
    BENCH_PORT: String(port),
    BENCH_DATABASE: join(folder, 'revocations.db'),
    BENCH_KEY: JSON.stringify(key.jwk),
  })
  const url = `http://127.0.0.1:${port}`
  try {
    await server.ready(`${url}/healthz`)
    let tokens: Buffer[] = []
    return await inTurns([OURS, 'constant answer'], async (name) => {
      const path = name === OURS ? '/v1/auth/token/revoke' : '/constant'
      if (name === OURS) tokens = await mint(key, WARMING + TURN)
      return (await program<Throughput>('load.ts', loadOf(url, path, tokens))).requestsPerSecond
    })
  } finally {
    await server.stop()
  }
}

/** Makes a load with one revocation per token. */
export function loadOf(url: string, path: string, tokens: readonly Buffer[]): Load {
  const requests: Load['requests'] = tokens.map((token) => ({
    method: 'POST',
    path,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ token: token.toString() }),
  }))
  return { url, connections: CONNECTIONS, before: WARMING, amount: TURN, requests }
}

/** Measures the start on a million unexpired events, from the file to an origin that responds. */
async function starting(folder: string): Promise<number> {
  const database = join(folder, 'start.db')
  const feed = await makeFeed(LEDGER)
  try {
    await fill(database, readRows(await readFile(join(feed.folder, 'rows'))))
  } finally {
    await feed.close()
  }
  const { jwk } = await makeKey('ES256')
  const figures: number[] = []
  for (let round = 0; round < STARTS; round += 1) {
    figures.push((await program<Start>('start.ts', { database, jwk })).seconds)
  }
  return median(figures)
}

export async function fill(path: string, rows: Row[]): Promise<void> {
  const [first, last] = [rows[0], rows.at(-1)]
  if (first === undefined || last === undefined) throw new Error('there are no rows')
  const store = sqliteStore({ path })
  await store.open()
  // The head before the first row is the beginning of its incarnation, whose chain the ledger knows.
  let after = first.sequence - 1
  await store.setHead('bench', {
    issuer: ISSUER,
    incarnation: Math.floor(first.sequence / 2 ** 40),
    sequence: after,
    chain: new Uint8Array(16),
  })
  for (let start = 0; start < rows.length; start += BATCH) {
    const batch = rows.slice(start, start + BATCH)
    await store.append([{ realm: 'bench', after, rows: batch }])
    after = batch.at(-1)?.sequence ?? after
  }
  await store.close()
}

/** Reads rows in the format of the feed maker. */
export function readRows(bytes: Buffer): Row[] {
  const rows: Row[] = []
  for (let at = 0; at < bytes.length; ) {
    const keepUntil = Number(bytes.readBigUInt64LE(at + 8))
    const end = at + 36 + bytes.readUInt32LE(at + 32)
    rows.push({
      sequence: Number(bytes.readBigUInt64LE(at)),
      ...(keepUntil === 0 ? {} : { keepUntil }),
      chain: bytes.subarray(at + 16, at + 32),
      payload: bytes.subarray(at + 36, end),
    })
    at = end
  }
  return rows
}
