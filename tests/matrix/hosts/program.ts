// A program of an environment with its child processes: runs to its end, or serves until it is stopped.

import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { freePort, pause } from '../../../www/demo/child.ts'
import type { Running, Scope } from '../environment.ts'
import type { Stage } from '../stage.ts'
import { authorization } from './gate.ts'

const READY_MS = 60_000
const STOP_MS = 3000
const OUTPUT_LENGTH = 16_384

interface ProgramOptions {
  command: string
  parameters: readonly string[]
  folder: string
  variables: NodeJS.ProcessEnv
}

export class Program {
  readonly #process: ChildProcess
  #output = ''

  constructor({ command, parameters, folder, variables }: ProgramOptions) {
    // A separate process group, so that a launcher's children are killed with it.
    this.#process = spawn(command, parameters, {
      cwd: folder,
      env: variables,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    })
    const append = (text: string): void => {
      this.#output = (this.#output + text).slice(-OUTPUT_LENGTH)
    }
    for (const stream of [this.#process.stdout, this.#process.stderr])
      stream?.on('data', (chunk: Buffer) => append(chunk.toString()))
    this.#process.on('error', (error) => append(`${error.message}\n`))
  }

  /** The end of its output. */
  get output(): string {
    return this.#output
  }

  get hasEnded(): boolean {
    return this.#process.exitCode !== null || this.#process.signalCode !== null || this.#process.pid === undefined
  }

  /** Resolves to its exit code. Stops it after the timeout. */
  async ended(timeoutMs: number): Promise<number> {
    const stop = setTimeout(() => this.#signal('SIGKILL'), timeoutMs)
    if (!this.hasEnded)
      await Promise.race([once(this.#process, 'close'), once(this.#process, 'error')]).catch(() => undefined)
    clearTimeout(stop)
    return this.#process.exitCode ?? -1
  }

  async stop(): Promise<void> {
    if (!this.hasEnded) {
      const exit = once(this.#process, 'exit')
      this.#signal('SIGTERM')
      const kill = setTimeout(() => this.#signal('SIGKILL'), STOP_MS)
      await exit
      clearTimeout(kill)
    }
    this.#signal('SIGKILL')
  }

  #signal(signal: NodeJS.Signals): void {
    if (this.#process.pid === undefined) return
    try {
      process.kill(-this.#process.pid, signal)
    } catch {
      // Everything in the group has exited.
    }
  }
}

/** The part of a workplace that a program uses. */
export interface Placed {
  readonly folder: string
  readonly variables: NodeJS.ProcessEnv
}

export interface ServeOptions {
  command: string
  parameters: readonly string[]
  /** Default: the workplace. */
  folder?: string
  variables?: Record<string, string>
  /**
   * `printed` (default): `PORT` is 0, and the program prints `listening on PORT`. `given`: `PORT` is a free port. A
   * number: `PORT` is this port. In both cases `$PORT` in the parameters is replaced by it.
   */
  port?: 'printed' | 'given' | number
}

/** Starts an application that serves `/read` and `/write`. Resolves when it listens. */
export async function serveProgram(place: Placed, stage: Stage, options: ServeOptions): Promise<Running> {
  const { program, url } = await startProgram(place, {
    ...options,
    variables: { GATE_OPTIONS: stage.gateOptions, ...options.variables },
  })
  return {
    ask: (token, scope) => askAt(url, token, scope),
    close: () => program.stop(),
  }
}

/** Starts a program and resolves when it listens. */
export async function startProgram(place: Placed, options: ServeOptions): Promise<{ program: Program; url: string }> {
  const { command, parameters, folder = place.folder, variables = {}, port: source = 'printed' } = options
  const given = source === 'printed' ? 0 : source === 'given' ? await freePort() : source
  const program = new Program({
    command,
    parameters: parameters.map((parameter) => parameter.replaceAll('$PORT', String(given))),
    folder,
    variables: { ...place.variables, PORT: String(given), ...variables },
  })
  try {
    const port = given === 0 ? await printedPort(program) : await answeringPort(program, given)
    return { program, url: `http://127.0.0.1:${port}` }
  } catch (error) {
    await program.stop()
    throw error
  }
}

/** Returns the subject in the body of a 200: the application's `{ sub }`. */
const subjectOf = (body: unknown): unknown => (body as { sub?: unknown }).sub

/** Returns the status of the application's route that needs the scope. */
export async function askAt(
  url: string,
  token: string | undefined,
  scope: Scope = 'read',
  subject = subjectOf,
): Promise<number> {
  const response = await fetch(`${url}/${scope}`, { headers: authorization(token), redirect: 'manual' })
  const text = await response.text()
  // An error page or an application shell with status 200 is not the route's response.
  if (response.status === 200 && subject(JSON.parse(text)) !== 'user')
    throw new Error(`200 without the token's subject: ${text.slice(0, 200)}`)
  return response.status
}

async function printedPort(program: Program): Promise<number> {
  return waitFor(program, async () => {
    const [, port] = /listening on (\d+)/.exec(program.output) ?? []
    return port === undefined ? undefined : Number(port)
  })
}

async function answeringPort(program: Program, port: number): Promise<number> {
  return waitFor(program, () =>
    fetch(`http://127.0.0.1:${port}/`, { signal: AbortSignal.timeout(10_000), redirect: 'manual' }).then(
      async (response) => (await response.body?.cancel(), port),
      () => undefined,
    ),
  )
}

async function waitFor(program: Program, port: () => Promise<number | undefined>): Promise<number> {
  for (const end = Date.now() + READY_MS; Date.now() < end; await pause(50)) {
    const found = await port()
    if (found !== undefined) return found
    if (program.hasEnded) throw new Error(`the program exited before it listened:\n${program.output.trim()}`)
  }
  throw new Error(`the program did not listen within ${READY_MS / 1000} s:\n${program.output.trim()}`)
}
