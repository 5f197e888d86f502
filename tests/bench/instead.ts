// Alternatives: a set of ids or a filter in JavaScript memory, or a query to Redis or the issuer for every request.

import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import bloomFilters from 'bloom-filters'
import { createClient } from 'redis'
import { Child, freePort, pause } from '../../www/demo/child.ts'
import { makeFeed, settingOf } from './feed.ts'
import { checkAll, checkAllSync, openGate } from './gate.ts'
import { collectGarbage, line, OURS, race, type Contestant } from './race.ts'
import type { Bench } from './run.ts'
import { lookUp } from './state.ts'
import { freshly, makeKey, mint, TOKENS } from './tokens.ts'

const IDS = 1_000_000
const ERROR_RATE = 1e-6

export const instead: Bench = {
  names: ['instead.bytes', 'instead.lookup', 'instead.request'],
  async *run(wanted) {
    if (wanted('instead.bytes') || wanted('instead.lookup')) {
      const feed = await makeFeed({ ids: IDS })
      try {
        const { set, filter, bytes } = await remember()
        if (wanted('instead.bytes')) {
          const total = [...feed.files.values()].reduce((sum, file) => sum + file.length, 0)
          yield line('instead.bytes', 'node', 'bytes per id', { [OURS]: total / IDS, ...bytes })
        }
        if (wanted('instead.lookup')) {
          const unknown = Array.from({ length: TOKENS }, () => Buffer.from(randomUUID()))
          const contestant = (has: (id: string) => boolean): Contestant => ({
            tokens: unknown,
            pass(ids) {
              for (const id of ids) if (has(id)) throw new Error('an id that was not revoked was found')
            },
          })
          const figures = await race({
            Set: contestant((id) => set.has(id)),
            'bloom-filters': contestant((id) => filter.has(id)),
          })
          const peers = Object.fromEntries(
            Object.entries(figures).map(([name, microseconds]) => [name, microseconds * 1000]),
          )
          yield line('instead.lookup', 'node', 'ns', { [OURS]: await lookUp(feed), ...peers })
        }
      } finally {
        await feed.close()
      }
    }
    if (wanted('instead.request')) yield line('instead.request', 'node', 'µs', await perRequest())
  },
}

type Filter = { add(id: string): void; has(id: string): boolean }

/** Puts a million ids into a set and into a filter, and measures their memory. */
async function remember(): Promise<{ set: Set<string>; filter: Filter; bytes: Record<string, number> }> {
  const start = await memoryUsed()
  // Strings as a JSON parser creates them.
  const set = new Set(JSON.parse(JSON.stringify(Array.from({ length: IDS }, () => randomUUID()))) as string[])
  const withSet = await memoryUsed()
  const filter: Filter = bloomFilters.BloomFilter.create(IDS, ERROR_RATE)
  for (const id of set) filter.add(id)
  const withBoth = await memoryUsed()
  return { set, filter, bytes: { Set: (withSet - start) / IDS, 'bloom-filters': (withBoth - withSet) / IDS } }
}

/** Returns the memory in use after garbage collection, part of which V8 does in the background. */
async function memoryUsed(): Promise<number> {
  for (let turn = 0; turn < 4; turn += 1) {
    collectGarbage()
    await pause(50)
  }
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

/** Measures a whole warm check, and one query over loopback, after which the token would still have to be verified. */
async function perRequest(): Promise<Record<string, number>> {
  const key = await makeKey('RS256')
  const tokens = await mint(key)
  const feed = await makeFeed({ ids: 100_000, epochs: 10_000 })
  const folder = await mkdtemp(join(tmpdir(), 'portcullis-bench-'))
  const children: Child[] = []
  const redis = await startRedis(folder, children)
  try {
    const gate = await openGate(settingOf(feed, [key.jwk]))
    await checkAll(gate, freshly(tokens))
    const issuer = await startIntrospection(children)
    return await race({
      [OURS]: { tokens, pass: (strings) => checkAllSync(gate, strings) },
      ...(redis === undefined ? {} : { redis: { tokens, pass: redis.askAll } }),
      introspection: { tokens, pass: (strings) => introspectAll(issuer, strings) },
    })
  } finally {
    redis?.close()
    await Promise.all(children.map((child) => child.stop()))
    await rm(folder, { recursive: true, force: true })
    await feed.close()
  }
}

interface Redis {
  askAll(tokens: readonly string[]): Promise<void>
  close(): void
}

/** Queries a token's id by EXISTS over one connection. Returns `undefined` if Redis is not installed. */
async function startRedis(folder: string, children: Child[]): Promise<Redis | undefined> {
  if (spawnSync('redis-server', ['--version']).status !== 0) {
    console.error('instead.request: redis-server is missing and is left out')
    return undefined
  }
  const port = await freePort()
  children.push(
    new Child('Redis', 'redis-server', ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--dir', folder]),
  )
  const client = createClient({ url: `redis://127.0.0.1:${port}`, socket: { reconnectStrategy: () => 50 } })
  client.on('error', () => undefined)
  await Promise.race([client.connect(), pause(10_000).then(() => Promise.reject(new Error('Redis did not respond')))])
  return {
    async askAll(tokens) {
      for (const token of tokens) {
        // The end of the signature is as long and as varied as an id.
        if ((await client.exists(token.slice(-36))) !== 0) throw new Error('an id that was not revoked was found')
      }
    },
    close: () => client.destroy(),
  }
}

/** Starts an issuer that always responds `active` (RFC 7662), so that only the transport is measured. */
async function startIntrospection(children: Child[]): Promise<string> {
  const port = await freePort()
  const entry = fileURLToPath(new URL('child/introspection.ts', import.meta.url))
  const child = new Child('introspection', process.execPath, ['--import', import.meta.resolve('tsx'), entry], {
    BENCH_PORT: String(port),
  })
  children.push(child)
  await child.ready(`http://127.0.0.1:${port}/`)
  return `http://127.0.0.1:${port}/`
}

async function introspectAll(url: string, tokens: readonly string[]): Promise<void> {
  for (const token of tokens) {
    const answer = (await (await fetch(url, { method: 'POST', body: new URLSearchParams({ token }) })).json()) as {
      active: boolean
    }
    if (!answer.active) throw new Error('a valid token was reported as inactive')
  }
}
