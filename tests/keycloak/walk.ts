// Runs the rows of the table one after the other in each round, each case on a stage with the options that it needs.

import { laterThan, Scene } from './scene.ts'
import { Skipped, type Case, type Row, type Tier } from './row.ts'
import type { Server } from './server.ts'
import { openStage, type Round, type Stage, type StageOptions } from './stage.ts'

const LIMIT_SECONDS = 10

export interface Result {
  readonly row: Row
  readonly case: Case
  readonly round: Round
  /** Seconds from action to refusal, one per action. */
  readonly seconds: readonly number[]
  readonly outcome: 'passed' | 'skipped' | 'failed'
  /** The reason for a failure or a skip. */
  readonly reason?: string
}

interface WalkOptions {
  readonly tier: Tier
  /** How often a case with `times` is repeated. Default: its `times`; once in the short tier. */
  readonly times?: number | undefined
}

/** The stages of one server in one round, each opened at its first use. */
export class Walk {
  readonly #server: Server
  readonly #round: Round
  readonly #options: WalkOptions
  readonly #stages = new Map<string, Stage>()

  constructor(server: Server, round: Round, options: WalkOptions) {
    this.#server = server
    this.#round = round
    this.#options = options
  }

  /** Returns the cases of a row that run in this round. */
  casesOf(row: Row): Case[] {
    return row.cases.filter(
      ({ rounds, tier }) =>
        (rounds?.includes(this.#round) ?? true) && (this.#options.tier === 'long' || tier !== 'long'),
    )
  }

  async case(row: Row, each: Case): Promise<Result> {
    const found = { row, case: each, round: this.#round }
    if (each.server === 'own' && this.#server.power === undefined) {
      return { ...found, seconds: [], outcome: 'skipped', reason: 'the server belongs to another process' }
    }
    let scene: Scene | undefined
    try {
      scene = new Scene(await this.#stage(each.stage), this.#options.tier, each.limitSeconds ?? LIMIT_SECONDS)
      for (let time = 0; time < this.#times(each); time += 1) await each.run(scene)
      await scene.settle()
      return { ...found, seconds: scene.seconds, outcome: 'passed' }
    } catch (error) {
      if (error instanceof Skipped) return { ...found, seconds: [], outcome: 'skipped', reason: error.message }
      // Logins of the next case must not be in the same second as the failed action.
      await laterThan(Math.floor(Date.now() / 1000))
      const reason = error instanceof Error ? error.message : String(error)
      return {
        ...found,
        seconds: scene?.seconds ?? [],
        outcome: 'failed',
        reason: `${reason}\n${scene?.stage.reports() ?? ''}`.trim(),
      }
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#stages.values()].map((stage) => stage.close()))
    this.#stages.clear()
  }

  #times({ times = 1 }: Case): number {
    if (times === 1) return 1
    return this.#options.times ?? (this.#options.tier === 'long' ? times : 1)
  }

  async #stage(options: StageOptions = {}): Promise<Stage> {
    const key = JSON.stringify(options)
    const stage = this.#stages.get(key) ?? (await openStage(this.#server, this.#round, options))
    this.#stages.set(key, stage)
    return stage
  }
}
