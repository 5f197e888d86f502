// A running Keycloak: a new one with an empty database, or the one at `KEYCLOAK_URL`.

import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort, pause } from '../../www/demo/child.ts'
import { Admin } from './admin.ts'
import { distribution } from './distribution.ts'

export const ADMINISTRATOR = { username: 'admin', password: 'admin-password' }

const READY_SECONDS = 300
const STOP_SECONDS = 10
const LOG = 'keycloak.log'
/** Parts of the distribution that a running server only reads. */
const READ_ONLY = ['bin', 'conf', 'lib', 'providers', 'themes', 'version.txt']

export interface Server {
  /** The base of all issuers, such as `http://127.0.0.1:18080`. */
  readonly url: string
  readonly admin: Admin
  /** The version that the running server reports. */
  readonly version: string
  /**
   * Kills the server, like a power cut, and restarts it with the same database; `undefined` for a server of another
   * process.
   */
  readonly power: Power | undefined
  /** Its output; empty for a server of another process. */
  log(): Promise<string>
  stop(): Promise<void>
}

export interface Power {
  cut(): Promise<void>
  /** Starts the server again; resolves once it responds. */
  restore(): Promise<void>
}

/** Resolves once the server responds. Rejects with `Unavailable` without Java or the archive. */
export async function startServer(say: (text: string) => void = () => undefined): Promise<Server> {
  const running = process.env['KEYCLOAK_URL']
  if (running !== undefined && running !== '') return joined(running)
  const from = await distribution(say)
  const home = await mkdtemp(join(tmpdir(), 'portcullis-keycloak-'))
  await mkdir(join(home, 'data'))
  for (const name of READ_ONLY) await symlink(join(from, name), join(home, name))
  const own = new Process(home, await freePort())
  try {
    await own.restore()
    const server = await joined(own.url)
    return { ...server, power: own, log: () => own.log(), stop: () => own.stop() }
  } catch (error) {
    await own.stop()
    throw error
  }
}

async function joined(url: string): Promise<Server> {
  const admin = new Admin(url, ADMINISTRATOR)
  const { systemInfo } = await admin.read<{ systemInfo: { version: string } }>('/admin/serverinfo')
  return { url, admin, version: systemInfo.version, power: undefined, log: async () => '', stop: async () => undefined }
}

/** A server started by this process. Its home has links to the distribution, and its own data. */
class Process implements Power {
  readonly url: string
  readonly #home: string
  readonly #port: number
  #process: ChildProcess | undefined
  #guard: ChildProcess | undefined

  constructor(home: string, port: number) {
    this.#home = home
    this.#port = port
    this.url = `http://127.0.0.1:${port}`
  }

  async restore(): Promise<void> {
    const log = createWriteStream(join(this.#home, LOG), { flags: 'a' })
    await once(log, 'open')
    this.#process = spawn(join(this.#home, 'bin/kc.sh'), this.#parameters(), {
      // A separate process group, because `kc.sh` runs Java as a child.
      detached: true,
      stdio: ['ignore', log, log],
      env: {
        ...process.env,
        KC_BOOTSTRAP_ADMIN_USERNAME: ADMINISTRATOR.username,
        KC_BOOTSTRAP_ADMIN_PASSWORD: ADMINISTRATOR.password,
        JAVA_OPTS_KC_HEAP: '-Xms256m -Xmx768m',
        // In a run of some minutes, the second compiler costs more time than it saves.
        JAVA_OPTS_APPEND: '-XX:TieredStopAtLevel=1',
      },
    })
    this.#process.on('error', () => undefined)
    log.end()
    this.#guard = guard(this.#process)
    await this.#ready()
  }

  async cut(): Promise<void> {
    await this.#end('SIGKILL')
  }

  async stop(): Promise<void> {
    await this.#end('SIGTERM')
    await rm(this.#home, { recursive: true, force: true })
  }

  log(): Promise<string> {
    return readFile(join(this.#home, LOG), 'utf8')
  }

  #parameters(): string[] {
    return [
      'start',
      '--optimized',
      // The script's default would be the folder of the distribution.
      `-Dkc.home.dir=${this.#home}`,
      '--cache=local',
      '--http-enabled=true',
      '--http-host=127.0.0.1',
      `--http-port=${this.#port}`,
      `--hostname=${this.url}`,
      '--spi-ssf-transmitter--default--allow-insecure-push-targets=true',
      '--spi-ssf-transmitter--default--outbox-drainer-interval=2s',
    ]
  }

  async #ready(): Promise<void> {
    const deadline = Date.now() + READY_SECONDS * 1000
    while (Date.now() < deadline) {
      if (this.#ended()) break
      const status = await fetch(`${this.url}/realms/master`, { signal: AbortSignal.timeout(5000) }).then(
        async (response) => (await response.body?.cancel(), response.status),
        () => 0,
      )
      if (status === 200) return
      await pause(100)
    }
    throw new Error(`Keycloak did not start:\n${(await this.log()).slice(-4000)}`)
  }

  #ended(): boolean {
    const process = this.#process
    return process?.pid === undefined || process.exitCode !== null || process.signalCode !== null
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    if (this.#process === undefined || this.#ended()) return
    const exit = once(this.#process, 'exit')
    this.#signal(signal)
    const kill = setTimeout(() => this.#signal('SIGKILL'), STOP_SECONDS * 1000)
    await exit
    clearTimeout(kill)
    // The script may exit before Java does.
    this.#signal('SIGKILL')
    this.#guard?.kill()
  }

  #signal(signal: NodeJS.Signals): void {
    if (this.#process?.pid === undefined) return
    try {
      process.kill(-this.#process.pid, signal)
    } catch {
      // The process group has exited.
    }
  }
}

/**
 * Kills the process group when this process exits for any reason: Ctrl-C in a terminal does not reach another group.
 */
function guard({ pid }: ChildProcess): ChildProcess | undefined {
  if (pid === undefined) return undefined
  return spawn('sh', ['-c', 'read -r _; kill -9 -"$0"', String(pid)], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  })
}
