// The rows of the table, one after the other in each round: each case on a stage that has the options it needs.

import { laterThan, Scene } from './scene.ts'
import { Skipped, type Case, type Row, type Tier } from './row.ts'
import type { Server } from './server.ts'
import { openStage, type Round, type Stage, type StageOptions } from './stage.ts'

const LIMIT_SECONDS = 10

export interface Result {
  readonly row: Row
  readonly case: Case
  readonly round: Round
  /** From action to refusal, one for each action. */
  readonly seconds: readonly number[]
  readonly outcome: 'passed' | 'skipped' | 'failed'
  /** Why it failed or was skipped. */
  readonly reason?: string
}

interface WalkOptions {
  readonly tier: Tier
  /** How often a case that says `times` is done. Default: as often as each says, in the short tier once. */
  readonly times?: number | undefined
}

/** Stages of one server in one round, each opened at its first use. */
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

  /** The cases of the row that this round has. */
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
      // Logins of the next case are not in the second of the action that failed.
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
