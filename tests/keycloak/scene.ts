// One case under way on a stage: asks the edge, and notes the seconds from an action to its refusal.

import { pause } from '../../www/demo/child.ts'
import type { Reason } from 'portcullis/edge'
import { requireEvidence } from './evidence.ts'
import { logIn, type Login, type LoginOptions } from './login.ts'
import type { Client } from './clients.ts'
import type { Realm } from './realm.ts'
import type { Ended, Enforcement, Tier } from './row.ts'
import type { Round, Stage, Verdict } from './stage.ts'

const POLL_MS = 10

export class Scene {
  readonly stage: Stage
  readonly tier: Tier
  readonly #limitMs: number
  /** Seconds from action to refusal, one for each action. */
  readonly seconds: number[] = []
  /** Logins after an action, which later messages about that action must leave alone. */
  #revived: Login | undefined

  constructor(stage: Stage, tier: Tier, limitSeconds: number) {
    this.stage = stage
    this.tier = tier
    this.#limitMs = limitSeconds * 1000
  }

  get round(): Round {
    return this.stage.round
  }

  get realm(): Realm {
    return this.stage.realm
  }

  /** Logs in, in a session of its own unless the options name the browser of another. */
  logIn(username: string, client: Client, options?: LoginOptions): Promise<Login> {
    return logIn(this.realm, username, client, options)
  }

  /**
   * Does an action, and requires the refusals, the tokens that pass, the next login and Keycloak's record that the
   * table names.
   */
  async enforce({ ended, spared, act, again, evidence }: Enforcement): Promise<void> {
    await this.settle()
    for (const login of [...ended.map(({ login }) => login), ...spared]) await this.accepted(login)
    const begun = performance.now()
    const since = Date.now()
    const acted = act().then(() => Math.floor(Date.now() / 1000))
    const [second, ...refusals] = await Promise.all([acted, ...ended.map((each) => this.refused(each, begun))])
    this.seconds.push(Math.max(...refusals))
    for (const login of spared) await this.accepted(login)
    await laterThan(second)
    this.#revived = await again()
    await this.accepted(this.#revived)
    for (const each of evidence) await requireEvidence(each, this.realm, since)
    for (const { login } of ended)
      if ((await this.stage.call(login.accessToken)).ok) throw new Error(`${nameOf(login)} is accepted again`)
  }

  /** Requires that the last login after an action is still good: sources that tell later must not reach it. */
  async settle(): Promise<void> {
    if (this.#revived !== undefined) await this.accepted(this.#revived)
    this.#revived = undefined
  }

  /** Requires that the edge accepts it now. */
  async accepted(login: Login): Promise<void> {
    const verdict = await this.stage.call(login.accessToken)
    if (!verdict.ok) throw new Error(`${nameOf(login)} is refused (${verdict.reason})`)
  }

  /** Waits until the edge refuses it. Returns the seconds since `begun`, by `performance.now()`. */
  async refused({ login, reasons }: Ended, begun = performance.now()): Promise<number> {
    for (;;) {
      const verdict = await this.stage.call(login.accessToken)
      const elapsed = performance.now() - begun
      if (!verdict.ok) {
        requireReason(login, verdict, reasons)
        return elapsed / 1000
      }
      if (elapsed > this.#limitMs) throw new Error(`${nameOf(login)} is still accepted after ${this.#limitMs / 1000} s`)
      await pause(POLL_MS)
    }
  }
}

/**
 * Waits for a later second: Keycloak's times are whole seconds, and a token issued in the second of an action is
 * refused.
 */
export async function laterThan(second: number): Promise<void> {
  while (Math.floor(Date.now() / 1000) <= second) await pause((second + 1) * 1000 - Date.now())
}

function requireReason(login: Login, verdict: Verdict & { ok: false }, reasons: readonly Reason[]): void {
  if (!reasons.includes(verdict.reason))
    throw new Error(`${nameOf(login)} is ${verdict.reason}, not ${reasons.join(' or ')}`)
}

function nameOf({ username, client }: Login): string {
  return `${username}'s token for ${client.id}`
}
