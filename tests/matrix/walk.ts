// Builds, starts and probes environments, one after the other.

import { rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { locked } from '../lock.ts'
import { Unavailable, type Environment } from './environment.ts'
import type { Entry } from './environments.ts'
import { isRight, probe, type Answer } from './probe.ts'
import { openStage, type Stage } from './stage.ts'
import { lockFile, openWorkplace, pack, type Workplace } from './workplace.ts'

export interface Result {
  entry: Entry
  /** Version of the tool, and of the Node that ran it. */
  version: string
  outcome: 'passed' | 'failed' | 'skipped' | 'not met'
  answers: readonly Answer[]
  /** Why it did not pass. */
  reason?: string
  seconds: number
}

export class Walk {
  readonly #stage: Stage
  readonly #tarball: string
  #underWay: Promise<unknown> = Promise.resolve()

  private constructor(stage: Stage, tarball: string) {
    this.#stage = stage
    this.#tarball = tarball
  }

  static async open(): Promise<Walk> {
    return new Walk(await openStage(), await pack())
  }

  async environment(entry: Entry): Promise<Result> {
    const begun = performance.now()
    // Two runs in one checkout share these folders.
    const tried = locked(lockFile(entry.tool), () => this.#try(entry))
    this.#underWay = tried
    return { entry, ...(await tried), seconds: (performance.now() - begun) / 1000 }
  }

  async close(): Promise<void> {
    await this.#underWay
    await this.#stage.close()
    await rm(dirname(this.#tarball), { recursive: true, force: true })
  }

  async #try({ tool, environment }: Entry): Promise<Omit<Result, 'entry' | 'seconds'>> {
    let place: Workplace | undefined
    let version = ''
    try {
      place = await openWorkplace(tool, environment.node, this.#tarball)
      version = await place.version(environment.tool ?? tool)
      const answers = await attempt(environment, place, this.#stage)
      return judged(environment, answers, version)
    } catch (error) {
      return { version, answers: [], ...failed(environment, error) }
    } finally {
      await place?.close()
    }
  }
}

async function attempt(environment: Environment, place: Workplace, stage: Stage): Promise<Answer[]> {
  if ('check' in environment) {
    await environment.check(place, stage)
    return []
  }
  const running = await environment.start(place, stage)
  try {
    return await probe(running, stage)
  } finally {
    await running.close()
  }
}

/** Returns the outcome of a completed probe. */
export function judged(
  { notMet }: Environment,
  answers: readonly Answer[],
  version: string,
): Omit<Result, 'entry' | 'seconds'> {
  const wrong = answers.filter((answer) => !isRight(answer))
  if (wrong.length > 0) {
    const reason = wrong.map(({ step, expected, status }) => `${step}: ${status} instead of ${expected}`).join('; ')
    return { version, answers, outcome: 'failed', reason }
  }
  if (notMet !== undefined)
    return { version, answers, outcome: 'failed', reason: 'works although it is listed as not met: remove `notMet`' }
  return { version, answers, outcome: 'passed' }
}

/** Returns the outcome of a build or start that threw. */
export function failed({ notMet }: Environment, error: unknown): Pick<Result, 'outcome' | 'reason'> {
  const reason = error instanceof Error ? error.message : 'unknown cause'
  if (error instanceof Unavailable) return { outcome: 'skipped', reason }
  if (notMet?.prints.test(reason) === true)
    return { outcome: 'not met', reason: `${notMet.because}. It prints: ${notMet.prints.exec(reason)?.[0]}` }
  return { outcome: 'failed', reason }
}
