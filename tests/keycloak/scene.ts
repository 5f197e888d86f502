// A running case on a stage: calls the edge and measures the seconds from an action to the refusal.

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
  /** Seconds from action to refusal, one per action. */
  readonly seconds: number[] = []
  /** The login after an action, which later messages about that action must not affect. */
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

  /** Logs in, in a new session unless the options contain another login's browser. */
  logIn(username: string, client: Client, options?: LoginOptions): Promise<Login> {
    return logIn(this.realm, username, client, options)
  }

  /**
   * Performs an action and checks the refused tokens, the accepted ones, the next login and Keycloak's record, as the
   * table states.
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

  /** Checks that the last login after an action is still accepted: slower sources must not revoke it. */
  async settle(): Promise<void> {
    if (this.#revived !== undefined) await this.accepted(this.#revived)
    this.#revived = undefined
  }

  /** Checks that the edge accepts the login's token now. */
  async accepted(login: Login): Promise<void> {
    const verdict = await this.stage.call(login.accessToken)
    if (!verdict.ok) throw new Error(`${nameOf(login)} is refused (${verdict.reason})`)
  }

  /** Waits until the edge refuses the token. Returns the seconds since `begun`, a time of `performance.now()`. */
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
 * Waits for a later second: Keycloak's times are in whole seconds, so a token issued in the same second as an action is
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
