// The steps of the guide: a realm as the console creates it, `portcullis init`, `check --online`, an enforced logout,
// and `--undo`.

import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createGate, type Gate, type JWK } from 'portcullis/edge'
import { Child, freePort, pause } from '../../www/demo/child.ts'
import type { Admin } from './admin.ts'
import { WEB } from './clients.ts'
import { logIn, REDIRECT_URI } from './login.ts'
import { user } from './realm.ts'
import { ADMINISTRATOR, type Server } from './server.ts'

const CLI = join(createRequire(import.meta.url).resolve('portcullis/package.json'), '../dist/cli/main.js')
const LIMIT_SECONDS = 10
const USER = 'alice'

/** Runs the steps and rejects at the first failure. Calls `say` after each step. */
export async function checkInit(server: Server, say: (text: string) => void = () => undefined): Promise<void> {
  const realm = `new-${randomBytes(4).toString('hex')}`
  const folder = await mkdtemp(join(tmpdir(), 'portcullis-init-'))
  const port = await freePort()
  await server.admin.change('POST', '/admin/realms', unprepared(realm))
  try {
    const before = await snapshot(server.admin, realm)
    const setup = new GuidedSetup(server, realm, folder, port)
    await setup.plan(say)
    await setup.setUp(say)
    await setup.enforce(say)
    await setup.undo(say)
    requireSame(before, await snapshot(server.admin, realm))
    say('the realm is unchanged')
  } finally {
    await server.admin.request('DELETE', `/admin/realms/${realm}`)
    await rm(folder, { recursive: true, force: true })
  }
}

class GuidedSetup {
  readonly #server: Server
  readonly #realm: string
  readonly #folder: string
  readonly #port: number

  constructor(server: Server, realm: string, folder: string, port: number) {
    this.#server = server
    this.#realm = realm
    this.#folder = folder
    this.#port = port
  }

  /** Checks that `--dry-run` writes no file and changes nothing in Keycloak. */
  async plan(say: (text: string) => void): Promise<void> {
    const before = await snapshot(this.#server.admin, this.#realm)
    const { changes } = await this.#init('--dry-run')
    if (changes.length === 0) throw new Error('init --dry-run lists no changes for a new realm')
    requireSame(before, await snapshot(this.#server.admin, this.#realm))
    const written = await readdir(this.#folder)
    if (written.length > 0) throw new Error(`init --dry-run wrote ${written.join(', ')}`)
    say(`init --dry-run lists ${changes.length} changes and makes none`)
  }

  /** Runs `init` and checks that a second run changes nothing. */
  async setUp(say: (text: string) => void): Promise<void> {
    const first = await this.#init('--yes')
    if (first.realm !== 'applied') throw new Error(`init reports ${first.realm}`)
    const second = await this.#init('--yes')
    if (second.realm !== 'nothing_to_do') throw new Error(`a second init reports ${second.realm}`)
    await this.#requireNoPassword()
    say(`init made ${first.changes.length} changes, a second run made none`)
  }

  /** Checks that `check --online` finds nothing missing while the origin runs, and measures an enforced logout. */
  async enforce(say: (text: string) => void): Promise<void> {
    const parameters = [CLI, 'serve', '--config', this.#path('portcullis.json'), '--port', String(this.#port)]
    const origin = new Child('origin', process.execPath, parameters, {}, this.#folder)
    try {
      const url = `http://127.0.0.1:${this.#port}`
      await origin.ready(`${url}/healthz`)
      const { code, output } = await this.#run([
        'check',
        '--online',
        '--origin',
        url,
        '--config',
        this.#path('portcullis.json'),
      ])
      if (code !== 0 || /^ {2}(?:warning|failure|unchecked) /m.test(output))
        throw new Error(`check --online reports problems:\n${output}`)
      say('check --online finds nothing missing')
      const seconds = await this.#refusal(JSON.parse(await readFile(this.#path('feed-key.public.json'), 'utf8')) as JWK)
      say(`a session ended at Keycloak is refused after ${seconds.toFixed(2)} s`)
    } finally {
      await origin.stop()
    }
  }

  async undo(say: (text: string) => void): Promise<void> {
    const file = (await readdir(this.#folder)).find((name) => name.startsWith('undo-'))
    const { code, output } = await this.#run(['init', '--undo', this.#path(file ?? ''), '--yes'])
    if (code !== 0) throw new Error(`init --undo failed:\n${output}`)
    say('init --undo reverted the changes')
  }

  /** Measures the seconds from the end of a session at Keycloak to its refusal by a gate. */
  async #refusal(key: JWK): Promise<number> {
    const place = { url: this.#server.url, issuer: `${this.#server.url}/realms/${this.#realm}` }
    const feed = { url: `http://127.0.0.1:${this.#port}/feed/${this.#realm}`, keys: [key], mode: 'stream' as const }
    const gate = createGate({
      realms: [{ name: this.#realm, issuer: place.issuer, audience: 'api', profile: 'keycloak', feed }],
    })
    try {
      const [ended, other] = [await logIn(place, USER, WEB), await logIn(place, USER, WEB)]
      for (const { accessToken } of [ended, other]) await requireAccepted(gate, accessToken)
      const begun = performance.now()
      await this.#server.admin.change('DELETE', `/admin/realms/${this.#realm}/sessions/${ended.sid}`)
      while ((await gate.check(ended.accessToken)).ok) {
        if (performance.now() - begun > LIMIT_SECONDS * 1000)
          throw new Error(`a token of an ended session is accepted after ${LIMIT_SECONDS} s`)
        await pause(10)
      }
      const seconds = (performance.now() - begun) / 1000
      await requireAccepted(gate, other.accessToken)
      return seconds
    } finally {
      await gate.close()
    }
  }

  async #requireNoPassword(): Promise<void> {
    for (const name of await readdir(this.#folder)) {
      if ((await readFile(this.#path(name), 'utf8')).includes(ADMINISTRATOR.password))
        throw new Error(`${name} holds the administrator's password`)
    }
  }

  async #init(how: '--dry-run' | '--yes'): Promise<Plan> {
    const origin = `http://127.0.0.1:${this.#port}`
    const { code, output } = await this.#run([
      'init',
      '--keycloak',
      this.#server.url,
      '--realm',
      this.#realm,
      '--origin',
      origin,
      '--client',
      WEB.id,
      '--out',
      this.#folder,
      how,
      '--json',
    ])
    if (code !== 0) throw new Error(`init ${how} failed:\n${output}`)
    return JSON.parse(output) as Plan
  }

  #path(name: string): string {
    return join(this.#folder, name)
  }

  #run(words: string[]): Promise<{ code: number; output: string }> {
    const env = { ...process.env, PORTCULLIS_ADMIN_PASSWORD: ADMINISTRATOR.password }
    return new Promise((resolve) => {
      execFile(process.execPath, [CLI, ...words], { env, cwd: this.#folder }, (error, stdout, stderr) =>
        resolve({ code: error === null ? 0 : Number(error.code), output: error === null ? stdout : stdout + stderr }),
      )
    })
  }
}

interface Plan {
  realm: 'applied' | 'nothing_to_do' | 'declined'
  changes: unknown[]
}

/** Returns a realm and a client as the console creates them. */
function unprepared(realm: string): object {
  return {
    realm,
    enabled: true,
    sslRequired: 'none',
    clients: [
      {
        clientId: WEB.id,
        enabled: true,
        protocol: 'openid-connect',
        publicClient: false,
        secret: WEB.secret,
        standardFlowEnabled: true,
        redirectUris: [REDIRECT_URI],
      },
    ],
    users: [user(USER, realm)],
  }
}

async function requireAccepted(gate: Gate, token: string): Promise<void> {
  const verdict = await gate.check(token)
  if (!verdict.ok) throw new Error(`a valid token is refused: ${verdict.reason}`)
}

/** Reads everything in a realm that `init` could change. */
async function snapshot(admin: Admin, realm: string): Promise<unknown> {
  const paths = ['', '/events/config', '/clients', '/client-scopes', '/users', '/roles', '/components']
  const read = await Promise.all(paths.map((path) => admin.read<unknown>(`/admin/realms/${realm}${path}`)))
  return settled(read)
}

/** Sorts lists and removes empty Admin URLs: Keycloak's API cannot remove a URL, and an empty one has no effect. */
function settled(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(settled).sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))
  if (typeof value !== 'object' || value === null) return value
  const members = Object.entries(value).filter(([name, member]) => name !== 'adminUrl' || member !== '')
  return Object.fromEntries(
    members.sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, member]) => [name, settled(member)]),
  )
}

function requireSame(before: unknown, after: unknown): void {
  if (JSON.stringify(before) !== JSON.stringify(after)) throw new Error('the realm differs from its state before init')
}
