// Stations of both runtimes: a process of one build, controlled from here.

import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Feed } from '../feed.ts'
import type { Key } from '../tokens.ts'
import { openWorker, type Stage, type Staged } from '../worker/client.ts'
import { environmentOf, FLAGS, packageOf, type Build } from './build.ts'
import type { Answer, Job, Order, Work } from './contestant.ts'
import type { Station } from './turns.ts'

/** Inputs of one figure, the same for every contestant. */
export interface Material {
  work: Work
  feed: Feed
  key: Key
  tokens: Buffer[]
}

/** Starts a Node process. */
export async function nodeStation(build: Build, materials: ReadonlyMap<string, Material>): Promise<Station> {
  const child = fork(fileURLToPath(new URL('contestant.ts', import.meta.url)), {
    execArgv: [...FLAGS],
    env: { ...process.env, ...environmentOf(build) },
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  await once(child, 'spawn')
  return {
    async prepare(figure) {
      await ask(child, { prepare: jobOf(materialOf(materials, figure)) })
    },
    turn: (turn) => ask(child, { turn }),
    async close() {
      if (child.exitCode !== null || child.signalCode !== null) return
      const exit = once(child, 'exit')
      child.kill('SIGKILL')
      await exit
    },
  }
}

/** Starts workerd with the bench worker; a turn is timed from outside. */
export async function workerdStation(build: Build, materials: ReadonlyMap<string, Material>): Promise<Station> {
  const worker = await openWorker(packageOf(build))
  let staged: Staged | undefined
  let measure: (round: number) => Promise<number> = () => Promise.reject(new Error('no figure was prepared'))
  return {
    async prepare(figure) {
      staged?.close()
      const { work, feed, key, tokens } = materialOf(materials, figure)
      const standing = await worker.stage({ feed, key, tokens, ...sightOf(work) })
      staged = standing
      const [contestant, toUnit] =
        work.kind === 'first verdict' ? ['first verdict', 1] : ['portcullis', 1000 / tokens.length]
      measure = async (round) => (await standing.turn(contestant, round)) * toUnit
    },
    turn: (round) => measure(round),
    async close() {
      staged?.close()
      await worker.close()
    },
  }
}

function sightOf(work: Work): Pick<Stage, 'check' | 'sight'> {
  switch (work.kind) {
    case 'warm':
      return { check: work.check, sight: 'again' }
    case 'cold':
      return { check: work.check, sight: 'first' }
    case 'first verdict':
      return { check: 'check', sight: 'again' }
    case 'recheck':
    case 'delta':
      throw new Error(`${work.kind} is not measured in workerd`)
  }
}

function materialOf(materials: ReadonlyMap<string, Material>, figure: string): Material {
  const material = materials.get(figure)
  if (material === undefined) throw new Error(`${figure} has no inputs`)
  return material
}

function jobOf({ work, feed, key, tokens }: Material): Job {
  const { folder, now, buckets, deltas } = feed
  return { work, feed: { folder, now, buckets, deltas: deltas.length }, jwk: key.jwk, tokens }
}

async function ask(child: ChildProcess, order: Order): Promise<number> {
  const over = new AbortController()
  const { signal } = over
  try {
    const ended = once(child, 'exit', { signal }).then(([code]) => {
      throw new Error(`a contestant exited with ${String(code)}`)
    })
    const answered = once(child, 'message', { signal }) as Promise<[Answer]>
    child.send(order)
    const [answer] = await Promise.race([answered, ended])
    if ('error' in answer) throw new Error(answer.error)
    return answer.figure
  } finally {
    over.abort()
  }
}
