// A row of the table: an action at Keycloak, in one or more cases.

import type { Reason } from 'portcullis/edge'
import type { Evidence } from './evidence.ts'
import type { Login } from './login.ts'
import type { Scene } from './scene.ts'
import type { Round, StageOptions } from './stage.ts'

export interface Row {
  readonly number: number
  /** The action, as the table names it. */
  readonly title: string
  readonly cases: readonly Case[]
}

export interface Case {
  readonly title: string
  /** The rounds whose sources can tell; in others it is left out. Default: all. */
  readonly rounds?: readonly Round[]
  /** `long`: not part of the short suite. Default `short`. */
  readonly tier?: Tier
  /** How often it is done in a long run. Default 1. */
  readonly times?: number
  /** How long after the action the edge may still accept. Default 10; 60 for an action that waits for Keycloak. */
  readonly limitSeconds?: 10 | 60
  /** Options that differ from the stage of the other cases; it then gets a stage of its own. */
  readonly stage?: StageOptions
  /** `own`: it stops the server, which must be one of the run's own. Default `any`. */
  readonly server?: 'any' | 'own'
  /** Rejects when the edge answers something else than it should, and with `Skipped`. */
  run(scene: Scene): Promise<void>
}

/** A case that cannot be done here; the message is the reason. */
export class Skipped extends Error {}

export type Tier = 'short' | 'long'

/** One action, and its consequences at the edge. */
export interface Enforcement {
  /** Tokens that it ends. */
  readonly ended: readonly Ended[]
  /** Logins whose tokens pass before and after, such as another user's and another session's. */
  readonly spared: readonly Login[]
  act(): Promise<unknown>
  /** The first login that begins in a later second than the action; its token passes. */
  again(): Promise<Login>
  /** Keycloak's own records of the action, read afterwards. */
  readonly evidence: readonly Evidence[]
}

export interface Ended {
  readonly login: Login
  /** The reasons that the edge may name: more than one where several sources record different revocations. */
  readonly reasons: readonly Reason[]
}

/** A login whose token the action ends. */
export function ends(login: Login, ...reasons: Reason[]): Ended {
  return { login, reasons }
}
