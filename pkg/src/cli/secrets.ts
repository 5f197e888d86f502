import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { PortcullisError } from '../errors.ts'
import { described, isObject, required, type Rule, shape, string } from '../options.ts'
import { signingKey } from '../origin/settings.ts'
import { parseJson } from './json.ts'
import { UsageError } from './usage.ts'

const BY_ENVIRONMENT = shape({ env: described(required(string), 'The name of an environment variable.') })
const BY_FILE = shape({ file: described(required(string), 'A file, relative to the directory of the configuration.') })

/** A string, or its location. */
export const secret: Rule = elsewhere(string, 'a string, { "env": "NAME" } or { "file": "path" }')
/** A key as a JWK, or the location of its JSON. */
export const secretKey: Rule = elsewhere(
  signingKey,
  '{ "file": "feed-key.json" }, { "env": "NAME" }, or the key itself (portcullis keygen creates one)',
)

/** Returns the rule for a value, or for the environment variable or file that contains it. */
function elsewhere(itself: Rule, expected: string): Rule {
  return {
    expected,
    parts: { anyOf: [itself, BY_ENVIRONMENT, BY_FILE] },
    check(value, name) {
      if (isObject(value) && 'env' in value) return BY_ENVIRONMENT.check(value, name)
      if (isObject(value) && 'file' in value) return BY_FILE.check(value, name)
      try {
        itself.check(value, name)
      } catch (cause) {
        throw new PortcullisError('invalid_option', `${name} must be ${expected}`, { cause })
      }
    },
  }
}

/** The secret option of each kind of connector. */
const CONNECTOR_SECRETS = {
  serviceAccount: 'clientSecret',
  actingAccount: 'clientSecret',
  securityEvents: 'authorization',
} as const

/** Reads secrets from their locations. */
export class Secrets {
  readonly #folder: string
  readonly #environment: NodeJS.ProcessEnv

  constructor(folder: string, environment: NodeJS.ProcessEnv) {
    this.#folder = folder
    this.#environment = environment
  }

  /** Returns the options with each secret inserted. Throws `UsageError` for a missing one. */
  resolve(options: Record<string, unknown>, name: string): Record<string, unknown> {
    const each = (key: string, members: readonly string[]): Record<string, unknown> => {
      const list = options[key] as Record<string, unknown>[] | undefined
      if (list === undefined) return {}
      return { [key]: list.map((entry, index) => this.#members(entry, members, `${name}.${key}[${index}]`)) }
    }
    const own = this.#members(options, ['feedCredential', 'metricsCredential'], name)
    const key = options['signingKey']
    const signing = this.#isElsewhere(key) ? parseJson(this.#read(key, `${name}.signingKey`), this.#where(key)) : key
    const listed = { ...each('clients', ['secret']), ...each('edges', ['ackSecret']) }
    return {
      ...own,
      ...listed,
      ...this.#realms(options, name),
      ...this.#connectors(options, name),
      signingKey: signing,
    }
  }

  #realms({ realms }: Record<string, unknown>, name: string): Record<string, unknown> {
    const inner = (realm: Record<string, unknown>, index: number): Record<string, unknown> => {
      const callers = realm['globalTokenRevocation'] as { secrets?: unknown[] } | undefined
      if (callers?.secrets === undefined) return realm
      const path = `${name}.realms[${index}].globalTokenRevocation.secrets`
      const secrets = callers.secrets.map((each, place) =>
        this.#isElsewhere(each) ? this.#read(each, `${path}[${place}]`) : each,
      )
      return { ...realm, globalTokenRevocation: { ...callers, secrets } }
    }
    return Array.isArray(realms) ? { realms: realms.map(inner) } : {}
  }

  #connectors({ connectors }: Record<string, unknown>, name: string): Record<string, unknown> {
    if (!Array.isArray(connectors)) return {}
    const inner = (connector: Record<string, unknown>, index: number): Record<string, unknown> => ({
      ...connector,
      ...Object.fromEntries(
        Object.entries(CONNECTOR_SECRETS)
          .filter(([option]) => connector[option] !== undefined)
          .map(([option, member]) => [
            option,
            this.#members(
              connector[option] as Record<string, unknown>,
              [member],
              `${name}.connectors[${index}].${option}`,
            ),
          ]),
      ),
    })
    return { connectors: connectors.map(inner) }
  }

  #members(options: Record<string, unknown>, members: readonly string[], name: string): Record<string, unknown> {
    const found = members.filter((member) => this.#isElsewhere(options[member]))
    return {
      ...options,
      ...Object.fromEntries(found.map((member) => [member, this.#read(options[member], `${name}.${member}`)])),
    }
  }

  #isElsewhere(value: unknown): boolean {
    return isObject(value) && (typeof value['env'] === 'string' || typeof value['file'] === 'string')
  }

  #where(value: unknown): string {
    const { env, file } = value as { env?: string; file?: string }
    return env ?? resolve(this.#folder, file ?? '')
  }

  #read(value: unknown, name: string): string {
    const { env } = value as { env?: string }
    const where = this.#where(value)
    const content = env === undefined ? contentOf(where, name) : this.#environment[where]
    if (content === undefined) throw new UsageError(`${name}: the environment has no variable ${where}`)
    const trimmed = content.replace(/\r?\n$/, '')
    if (trimmed === '') throw new UsageError(`${name}: ${where} is empty`)
    return trimmed
  }
}

function contentOf(file: string, name: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    throw new UsageError(`${name}: ${file} cannot be read (${codeOf(cause)})`, { cause })
  }
}

/** Returns the code of a system error, such as ENOENT. */
export function codeOf(cause: unknown): string {
  return String((cause as { code?: unknown }).code ?? 'unknown')
}
