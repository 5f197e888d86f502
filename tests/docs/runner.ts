// Runs blocks of a page in a separate folder, with an issuer and an origin.

import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { createGate } from 'portcullis/edge'
import { createOrigin, generateFeedKey, type JWK, type Origin } from 'portcullis/origin'
import { memoryStore } from 'portcullis/origin/memory'
import { serve, type Server } from 'portcullis/origin/node'
import { Issuer } from '../pack/issuer.ts'
import type { Block } from './blocks.ts'
import { COMMAND } from './shell.ts'

const TSX = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href
const TIMEOUT_MS = 60_000

/** A secret with characters that a shell, a form or JSON would alter, wherever commands may send it. */
const SECRETS = {
  SECRET: 'a+b%2F:c d&é\' "',
  CALLER: 'a-secret-of-a-caller-of-global-token-revocation',
  TOOL_SECRET: 'a-secret-of-a-tool-that-revokes-all-tokens',
}

/** Routes beside the origin's: the development issuer's token endpoint. */
const ISSUER_ROUTES = ['POST /realms/{realm}/protocol/openid-connect/token']

/** Programs for shell blocks that replace npm's and the machine's. A status of 400 or above fails. */
const STAND_INS = {
  npx: `#!/bin/sh\n[ "$1" = portcullis ] || exit 127\nshift\nexec '${process.execPath}' '${COMMAND}' "$@"\n`,
  curl: '#!/bin/sh\nPATH=${PATH#*:} exec curl --silent --show-error --fail-with-body "$@"\n',
}

const run = promisify(execFile)

/** An issuer and an origin, and the environment of blocks that are run. */
export class DocsStage {
  readonly signingKey: JWK
  readonly #publicKey: JWK
  readonly #issuer: Issuer
  readonly #origin: Origin
  readonly #server: Server

  private constructor(issuer: Issuer, origin: Origin, server: Server, keys: { signingKey: JWK; publicKey: JWK }) {
    this.#issuer = issuer
    this.#origin = origin
    this.#server = server
    this.signingKey = keys.signingKey
    this.#publicKey = keys.publicKey
  }

  static async open(): Promise<DocsStage> {
    const issuer = await Issuer.start()
    const keys = await generateFeedKey()
    const realm = {
      name: 'acme',
      issuer: issuer.url,
      audience: 'api',
      jwks: `${issuer.url}/protocol/openid-connect/certs`,
      globalTokenRevocation: { secrets: [SECRETS.CALLER, SECRETS.TOOL_SECRET] },
    }
    const clients = [{ id: 'backend', secret: SECRETS.SECRET }]
    const { signingKey } = keys
    const origin = await createOrigin({ store: memoryStore(), signingKey, realms: [realm], clients })
    return new DocsStage(issuer, origin, await serve(origin, { port: 0 }), keys)
  }

  /** The credential of a caller of Global Token Revocation. */
  get caller(): string {
    return SECRETS.CALLER
  }

  get issuer(): string {
    return this.#issuer.url
  }

  get url(): string {
    return this.#server.url
  }

  /** Returns the routes of the origin, such as `POST /v1/auth/token/revoke`, and of the development issuer. */
  async routes(): Promise<Set<string>> {
    const { paths } = (await (await fetch(`${this.url}/openapi.json`)).json()) as { paths: Record<string, object> }
    const routes = Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    )
    return new Set([...routes, ...ISSUER_ROUTES])
  }

  /**
   * `ISSUER`, `ORIGIN`, `FEED_KEY`, and new tokens of that issuer: `TOKEN`, with the scopes `notes:read notes:write`, and
   * `ADMIN_TOKEN`; besides `USER_ID`, `CLIENT_ID` and the secrets.
   */
  async environment(): Promise<Record<string, string>> {
    return {
      ...SECRETS,
      ISSUER: this.issuer,
      ORIGIN: this.url,
      FEED_KEY: JSON.stringify(this.#publicKey),
      TOKEN: await this.#issuer.token('notes:read notes:write', { azp: 'backend' }),
      ADMIN_TOKEN: await this.#issuer.token('', { realm_access: { roles: ['portcullis-admin'] } }),
      USER_ID: `auth0|a"b'c`,
      CLIENT_ID: 'app',
    }
  }

  /** Returns the response of a gate for a token whose user is logged out. */
  async refusal(): Promise<Response> {
    const feed = { url: `${this.url}/feed/acme`, keys: [this.#publicKey] }
    const gate = createGate({ realms: [{ name: 'acme', issuer: this.issuer, audience: 'api', feed }] })
    try {
      const token = await this.#issuer.token('', { sub: 'alice' })
      await this.#origin.logoutUser('acme', 'alice')
      const headers = { authorization: `Bearer ${token}` }
      return await gate.protect(() => new Response('accepted'))(new Request('https://api.example/', { headers }))
    } finally {
      gate.close()
    }
  }

  async close(): Promise<void> {
    await this.#server.close()
    await this.#origin.close()
    this.#issuer.close()
  }
}

/** A folder with the modules of a page, from which npm packages are found. */
export class PageFolder {
  readonly path: string

  private constructor(path: string) {
    this.path = path
  }

  static async write(blocks: readonly Block[]): Promise<PageFolder> {
    const path = await mkdtemp(join(tmpdir(), 'portcullis-docs-'))
    await symlink(fileURLToPath(new URL('../node_modules', import.meta.url)), join(path, 'node_modules'))
    await writeFile(join(path, 'package.json'), JSON.stringify({ private: true, type: 'module' }))
    for (const { file, given, text } of blocks) {
      await mkdir(dirname(join(path, file)), { recursive: true })
      await writeFile(join(path, file), given === '' ? text : `${given}\n${text}`)
    }
    return new PageFolder(path)
  }

  /** Runs a module and returns its output. Rejects if it fails or does not exit within a minute. */
  async run(file: string, environment: Readonly<Record<string, string>>): Promise<string> {
    return this.#output(process.execPath, ['--import', TSX, file], environment)
  }

  /** Runs a shell block and returns its output. Rejects if a command fails or it does not exit within a minute. */
  async runShell(text: string, environment: Readonly<Record<string, string>>): Promise<string> {
    const folder = join(this.path, 'stand-ins')
    await mkdir(folder)
    for (const [name, program] of Object.entries(STAND_INS))
      await writeFile(join(folder, name), program, { mode: 0o755 })
    const PATH = `${folder}${delimiter}${process.env['PATH']}`
    return this.#output('bash', ['-euo', 'pipefail', '-c', text], { ...environment, PATH })
  }

  async #output(program: string, argv: string[], environment: Readonly<Record<string, string>>): Promise<string> {
    const env = { ...process.env, ...environment }
    return (await run(program, argv, { cwd: this.path, env, timeout: TIMEOUT_MS })).stdout.trim()
  }

  remove(): Promise<void> {
    return rm(this.path, { recursive: true, force: true })
  }
}
