// Runs blocks of a page in a separate folder, with an issuer and an origin.

import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { createOrigin, generateFeedKey, type Origin } from 'portcullis/origin'
import { memoryStore } from 'portcullis/origin/memory'
import { serve, type Server } from 'portcullis/origin/node'
import { Issuer } from '../pack/issuer.ts'
import type { Block } from './blocks.ts'

const TSX = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href
const TIMEOUT_MS = 20_000

const run = promisify(execFile)

/** The issuer and the origin for blocks that are run. */
export class DocsStage {
  readonly #environment: Readonly<Record<string, string>>
  readonly #issuer: Issuer
  readonly #origin: Origin
  readonly #server: Server

  private constructor(issuer: Issuer, origin: Origin, server: Server, environment: Record<string, string>) {
    this.#issuer = issuer
    this.#origin = origin
    this.#server = server
    this.#environment = environment
  }

  static async open(): Promise<DocsStage> {
    const issuer = await Issuer.start()
    const { signingKey, publicKey } = await generateFeedKey()
    const realm = {
      name: 'acme',
      issuer: issuer.url,
      audience: 'api',
      jwks: `${issuer.url}/protocol/openid-connect/certs`,
    }
    const origin = await createOrigin({ store: memoryStore(), signingKey, realms: [realm] })
    const server = await serve(origin, { port: 0 })
    return new DocsStage(issuer, origin, server, {
      ISSUER: issuer.url,
      ORIGIN: server.url,
      FEED_KEY: JSON.stringify(publicKey),
    })
  }

  /**
   * Returns `ISSUER`, `ORIGIN`, `FEED_KEY` and a new `TOKEN` of the issuer, with the scopes `notes:read notes:write`.
   */
  async environment(): Promise<Record<string, string>> {
    return { ...this.#environment, TOKEN: await this.#issuer.token('notes:read notes:write') }
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

  /** Runs a module and returns its output. Rejects if it fails or does not exit within 20 s. */
  async run(file: string, environment: Readonly<Record<string, string>>): Promise<string> {
    const { stdout } = await run(process.execPath, ['--import', TSX, file], {
      cwd: this.path,
      env: { ...process.env, ...environment },
      timeout: TIMEOUT_MS,
    })
    return stdout.trim()
  }

  remove(): Promise<void> {
    return rm(this.path, { recursive: true, force: true })
  }
}
