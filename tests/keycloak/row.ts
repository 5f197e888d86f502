// A row of the table: an action at Keycloak, in one or more cases.

import type { Reason } from 'portcullis/edge'
import type { Evidence } from './evidence.ts'
import type { Login } from './login.ts'
import type { Scene } from './scene.ts'
import type { Round, StageOptions } from './stage.ts'

export interface Row {
  readonly number: number
  /** The action's name in the table. */
  readonly title: string
  readonly cases: readonly Case[]
}

export interface Case {
  readonly title: string
  /** The rounds whose sources can detect it; it is skipped in others. Default: all. */
  readonly rounds?: readonly Round[]
  /** `long`: not part of the short suite. Default `short`. */
  readonly tier?: Tier
  /** How often it is repeated in a long run. Default 1. */
  readonly times?: number
  /** How long the edge may still accept after the action. Default 10; 60 for an action that waits for Keycloak. */
  readonly limitSeconds?: 10 | 60
  /** Options that differ from the other cases' stage; the case then gets its own stage. */
  readonly stage?: StageOptions
  /** `own` if it stops the server, which must then belong to the run. Default `any`. */
  readonly server?: 'any' | 'own'
  /** Rejects if the edge's verdict is wrong, or with `Skipped`. */
  run(scene: Scene): Promise<void>
}

/** Thrown by a case that cannot run on this machine; the message is the reason. */
export class Skipped extends Error {}

export type Tier = 'short' | 'long'

/** An action and its effects at the edge. */
export interface Enforcement {
  /** Tokens that it revokes. */
  readonly ended: readonly Ended[]
  /** Logins whose tokens are accepted before and after, such as those of another user or session. */
  readonly spared: readonly Login[]
  act(): Promise<unknown>
  /** Makes the first login in a later second than the action; its token is accepted. */
  again(): Promise<Login>
  /** Keycloak's records of the action, read afterwards. */
  readonly evidence: readonly Evidence[]
}

export interface Ended {
  readonly login: Login
  /** The reasons that the edge may give; several if different sources record different revocations. */
  readonly reasons: readonly Reason[]
}

/** Makes an entry for a login whose token the action revokes. */
export function ends(login: Login, ...reasons: Reason[]): Ended {
  return { login, reasons }
}
