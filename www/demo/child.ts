// A child process of the demo: starts it, waits until it is ready, stops it.

import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'

const READY_SECONDS = 30
const STOP_SECONDS = 5

export class Child {
  readonly #process: ChildProcess
  readonly #name: string
  #output = ''

  constructor(
    name: string,
    command: string,
    parameters: string[],
    environment: Record<string, string> = {},
    folder: string = process.cwd(),
  ) {
    this.#name = name
    this.#process = spawn(command, parameters, {
      cwd: folder,
      env: { ...process.env, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    for (const stream of [this.#process.stdout, this.#process.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        this.#output = (this.#output + chunk.toString()).slice(-16_384)
      })
    }
    this.#process.on('error', (error) => {
      this.#output += `${error.message}\n`
    })
  }

  get pid(): number {
    return this.#process.pid ?? 0
  }

  get ended(): boolean {
    return this.#process.exitCode !== null || this.#process.signalCode !== null || this.#process.pid === undefined
  }

  /** The end of its output, at most 16 KiB. */
  get output(): string {
    return this.#output
  }

  /** Resolves at the first response from `url`; rejects with the process's output if it exits before that. */
  async ready(url: string): Promise<void> {
    const deadline = Date.now() + READY_SECONDS * 1000
    while (Date.now() < deadline) {
      if (this.ended) throw new Error(`the ${this.#name} exited before it was ready:\n${this.#output.trim()}`)
      const answered = await fetch(url, { signal: AbortSignal.timeout(1000) }).then(
        async (response) => (await response.body?.cancel(), true),
        () => false,
      )
      if (answered) return
      await pause(20)
    }
    throw new Error(`the ${this.#name} did not answer within ${READY_SECONDS} s:\n${this.#output.trim()}`)
  }

  /** Sends `signal`, and SIGKILL if the process has not exited after five seconds. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    if (this.ended) return
    const exit = once(this.#process, 'exit')
    this.#process.kill(signal)
    const kill = setTimeout(() => this.#process.kill('SIGKILL'), STOP_SECONDS * 1000)
    await exit
    clearTimeout(kill)
  }
}

export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds))
}

/**
 * Finds a free port below the ephemeral range (Linux: 32768 and up). A client that connects to a port of that range
 * while nothing listens there may get the same port as its source port and connect to itself.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 10_000)
    if (await isFree(port)) return port
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer()
  server.listen(port, '127.0.0.1')
  // `once` rejects when the server emits `error`.
  const free = await once(server, 'listening').then(
    () => true,
    () => false,
  )
  server.close()
  return free
}

/** Throws an error that names the port if another process listens there. */
export async function requirePort(port: number, what: string): Promise<void> {
  if (await isFree(port)) return
  throw new Error(
    `port ${port} is needed for the ${what} but is in use: stop the process that listens there, then try again`,
  )
}
