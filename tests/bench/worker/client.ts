// workerd with the bench worker, timed from outside.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freePort } from '../../../www/demo/child.ts'
import { serveWorker } from '../../../www/demo/workerd.ts'
import { FEED_KEY, serveFeed, type Feed } from '../feed.ts'
import { FIRST_TURN_MS, inTurns, median, OURS } from '../race.ts'
import { AUDIENCE, freshly, ISSUER, type Key } from '../tokens.ts'
import type { Job } from './job.ts'

export interface Stage {
  key: Key
  tokens: readonly Buffer[]
  feed: Feed
  check: Job['check']
  sight: Job['sight']
}

export interface BenchWorker {
  /** Microseconds a token, of the gate and of the peers that run there. */
  race(stage: Stage): Promise<Record<string, number>>
  /** Milliseconds a pass of one contestant. */
  time(stage: Stage, contestant: 'first verdict' | 'instantiate'): Promise<number>
  close(): Promise<void>
}

/** A turn takes about so long, so that what a request costs is little beside it. */
const TURN_MS = 40
const MOST_PASSES = 40
const EMPTY_REQUESTS = 20

export async function openWorker(): Promise<BenchWorker> {
  const folder = await mkdtemp(join(tmpdir(), 'portcullis-'))
  const port = await freePort()
  const entry = fileURLToPath(new URL('worker.ts', import.meta.url))
  const child = await serveWorker({ name: 'bench worker', entry, folder, port, bindings: {}, readyPath: '/empty' })
  const url = `http://127.0.0.1:${port}`

  async function post(path: string, body?: string): Promise<string> {
    const response = await fetch(`${url}${path}`, { method: 'POST', ...(body === undefined ? {} : { body }) })
    const text = await response.text()
    if (!response.ok) throw new Error(`the bench worker answered ${response.status}: ${text.slice(0, 300)}`)
    return text
  }

  async function milliseconds(path: string): Promise<number> {
    const start = performance.now()
    await post(path)
    return performance.now() - start
  }

  /** So many passes, without what the request itself costs. */
  async function run(contestant: string, passes: number): Promise<number> {
    await post(`/prepare?contestant=${encodeURIComponent(contestant)}&passes=${passes}`)
    const empty: number[] = []
    for (let count = 0; count < EMPTY_REQUESTS; count += 1) empty.push(await milliseconds('/empty'))
    return (await milliseconds('/run')) - median(empty)
  }

  async function staged<T>(
    { key, tokens, feed, check, sight }: Stage,
    work: (names: string[]) => Promise<T>,
  ): Promise<T> {
    const served = await serveFeed(feed)
    try {
      const job: Job = {
        issuer: ISSUER,
        audience: AUDIENCE,
        jwk: key.jwk,
        feed: { url: served.url, keys: [FEED_KEY] },
        files: [...feed.files.keys()],
        tokens: freshly(tokens),
        check,
        sight,
      }
      return await work(JSON.parse(await post('/setup', JSON.stringify(job))) as string[])
    } finally {
      served.server.close()
      served.server.closeAllConnections()
    }
  }

  /** Milliseconds a pass. The first turn is a longer one: it warms up. */
  async function turn(contestant: string, round: number, known: Map<string, number>): Promise<number> {
    let [elapsedMs, made] = [0, 0]
    do {
      const passes = known.get(contestant) ?? 1
      const tookMs = await run(contestant, passes)
      elapsedMs += tookMs
      made += passes
      known.set(contestant, Math.min(MOST_PASSES, Math.max(1, Math.round((TURN_MS * passes) / Math.max(tookMs, 0.1)))))
    } while (round === 0 && elapsedMs < FIRST_TURN_MS)
    return elapsedMs / made
  }

  return {
    race: (stage) =>
      staged(stage, async (names) => {
        const passes = new Map<string, number>()
        const racing = names.filter((name) => name !== 'first verdict' && name !== 'instantiate')
        const figures = await inTurns(racing, async (name, round) => ((await turn(name, round, passes)) * 1000) / stage.tokens.length)
        return { [OURS]: Number.NaN, ...figures }
      }),
    time: (stage, contestant) =>
      staged(stage, async () => {
        const passes = new Map<string, number>()
        return (await inTurns([contestant], (name, round) => turn(name, round, passes)))[contestant] ?? Number.NaN
      }),
    async close() {
      await child.stop('SIGKILL')
      await rm(folder, { recursive: true, force: true })
    },
  }
}
