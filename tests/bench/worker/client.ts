// Runs the bench worker in workerd and times it from outside.

import { mkdir, mkdtemp, rm, symlink } from 'node:fs/promises'
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
  /** Returns microseconds per token, for the gate and the peers that run there. */
  race(stage: Stage): Promise<Record<string, number>>
  /** Sets a stage up and keeps it; the caller takes the turns. */
  stage(stage: Stage): Promise<Staged>
  /** Returns milliseconds per pass of one contestant. */
  time(stage: Stage, contestant: 'first verdict' | 'instantiate'): Promise<number>
  close(): Promise<void>
}

export interface Staged {
  /** Contestants that run there. */
  names: string[]
  /** Returns milliseconds per pass. The first turn is longer, to warm up. */
  turn(contestant: string, round: number): Promise<number>
  close(): void
}

/** Duration of a turn, long compared to the cost of a request. */
const TURN_MS = 40
const MOST_PASSES = 40
const EMPTY_REQUESTS = 20

/** Starts the worker. `packageFolder` is the package to use in place of the installed one. */
export async function openWorker(packageFolder?: string): Promise<BenchWorker> {
  const folder = await mkdtemp(join(tmpdir(), 'portcullis-'))
  const port = await freePort()
  const entry = fileURLToPath(new URL('worker.ts', import.meta.url))
  const installedIn = join(folder, 'installed')
  if (packageFolder !== undefined) {
    await mkdir(join(installedIn, 'node_modules'), { recursive: true })
    await symlink(packageFolder, join(installedIn, 'node_modules/portcullis'))
  }
  const child = await serveWorker({
    name: 'bench worker',
    entry,
    folder,
    port,
    bindings: {},
    readyPath: '/empty',
    ...(packageFolder === undefined ? {} : { installedIn }),
  })
  const url = `http://127.0.0.1:${port}`

  async function post(path: string, body?: string): Promise<string> {
    const response = await fetch(`${url}${path}`, { method: 'POST', ...(body === undefined ? {} : { body }) })
    const text = await response.text()
    if (!response.ok) throw new Error(`the bench worker returned ${response.status}: ${text.slice(0, 300)}`)
    return text
  }

  async function milliseconds(path: string): Promise<number> {
    const start = performance.now()
    await post(path)
    return performance.now() - start
  }

  /** Returns the milliseconds of the passes, without the cost of the request itself. */
  async function run(contestant: string, passes: number): Promise<number> {
    await post(`/prepare?contestant=${encodeURIComponent(contestant)}&passes=${passes}`)
    const empty: number[] = []
    for (let count = 0; count < EMPTY_REQUESTS; count += 1) empty.push(await milliseconds('/empty'))
    return (await milliseconds('/run')) - median(empty)
  }

  /** Returns milliseconds per pass. */
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

  async function stage({ key, tokens, feed, check, sight }: Stage): Promise<Staged> {
    const served = await serveFeed(feed)
    const close = (): void => {
      served.server.close()
      served.server.closeAllConnections()
    }
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
    try {
      const names = JSON.parse(await post('/setup', JSON.stringify(job))) as string[]
      const passes = new Map<string, number>()
      return { names, turn: (contestant, round) => turn(contestant, round, passes), close }
    } catch (error) {
      close()
      throw error
    }
  }

  async function staged<T>(setting: Stage, work: (standing: Staged) => Promise<T>): Promise<T> {
    const standing = await stage(setting)
    try {
      return await work(standing)
    } finally {
      standing.close()
    }
  }

  return {
    stage,
    race: (setting) =>
      staged(setting, async ({ names, turn }) => {
        const racing = names.filter((name) => name !== 'first verdict' && name !== 'instantiate')
        const figures = await inTurns(
          racing,
          async (name, round) => ((await turn(name, round)) * 1000) / setting.tokens.length,
        )
        return { [OURS]: Number.NaN, ...figures }
      }),
    time: (setting, contestant) =>
      staged(setting, async ({ turn }) => (await inTurns([contestant], turn))[contestant] ?? Number.NaN),
    async close() {
      await child.stop('SIGKILL')
      await rm(folder, { recursive: true, force: true })
    },
  }
}
