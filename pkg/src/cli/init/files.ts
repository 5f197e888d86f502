import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { generateFeedKey } from '../../entry/origin/node.ts'
import { isObject } from '../../options.ts'
import { parseJson } from '../json.ts'
import type { JsonObject } from '../keycloak/json.ts'

/** A file of a configuration, and its outcome. Nothing is overwritten. */
export interface WrittenFile {
  readonly path: string
  readonly outcome: 'written' | 'kept' | 'planned'
  /** A message for a person: the parts that an existing file lacks. */
  readonly note?: string
}

/** Writes a configuration into a folder, or with `isTrial` only returns the names of the files. */
export class ConfigurationFolder {
  readonly #folder: string
  readonly #isTrial: boolean

  constructor(folder: string, isTrial: boolean) {
    this.#folder = folder
    this.#isTrial = isTrial
  }

  path(name: string): string {
    return join(this.#folder, name)
  }

  /** Writes both halves of the key that signs the feed. */
  async feedKey(): Promise<WrittenFile[]> {
    const secret = this.path('feed-key.json')
    if (existsSync(secret)) return [{ path: secret, outcome: 'kept' }]
    const { signingKey, publicKey } = await generateFeedKey()
    return [
      this.#write(secret, `${JSON.stringify(signingKey)}\n`, 0o600),
      this.#write(this.path('feed-key.public.json'), `${JSON.stringify(publicKey)}\n`),
    ]
  }

  /**
   * Writes a secret into its own file, readable by its owner only. A file with another secret is kept, and its note
   * says so.
   */
  secret(name: string, secret: string): WrittenFile {
    const path = this.path(name)
    if (!existsSync(path)) return this.#write(path, `${secret}\n`, 0o600)
    const isSame = readFileSync(path, 'utf8').trimEnd() === secret
    return {
      path,
      outcome: 'kept',
      ...(isSame ? {} : { note: "its secret differs from Keycloak's: delete it and run this again" }),
    }
  }

  /** Writes the configuration. An existing one is kept; its note lists the missing parts. */
  configuration(wanted: JsonObject): WrittenFile {
    const path = this.path('portcullis.json')
    if (!existsSync(path)) return this.#write(path, `${JSON.stringify(wanted, null, 2)}\n`)
    const written = parseJson(readFileSync(path, 'utf8'), path)
    const lacking = Object.entries(wanted).filter(
      ([name, value]) => name !== '$schema' && !includes(isObject(written) ? written[name] : undefined, value),
    )
    if (lacking.length === 0) return { path, outcome: 'kept' }
    return { path, outcome: 'kept', note: `it lacks ${JSON.stringify(Object.fromEntries(lacking), null, 2)}` }
  }

  #write(path: string, content: string, mode = 0o644): WrittenFile {
    if (this.#isTrial) return { path, outcome: 'planned' }
    mkdirSync(this.#folder, { recursive: true })
    writeFileSync(path, content, { mode, flag: 'wx' })
    return { path, outcome: 'written' }
  }
}

/**
 * Returns whether a value includes all members of another, where list members may be in any place. Locations of secrets
 * and stores are the user's choice.
 */
function includes(value: unknown, wanted: unknown): boolean {
  if (Array.isArray(wanted))
    return Array.isArray(value) && wanted.every((each) => value.some((own) => includes(own, each)))
  if (!isObject(wanted)) return value === wanted
  if ('file' in wanted || 'path' in wanted) return value !== undefined
  return isObject(value) && Object.entries(wanted).every(([name, each]) => includes(value[name], each))
}
