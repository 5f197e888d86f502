import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import {
  checkOptions,
  either,
  isObject,
  list,
  milliseconds,
  oneOf,
  required,
  type Rules,
  shape,
  string,
  url,
  withDefault,
} from '../options.ts'
import { keySet } from '../policy.ts'
import { PORT, SERVE_RULES, type ServeOptions } from '../origin/node/index.ts'
import {
  KEYCLOAK_RULES,
  type KeycloakOptions,
  SECURITY_EVENT_RULES,
  SERVICE_ACCOUNT_RULES,
} from '../origin/connectors/keycloak/options.ts'
import { CLIENT_RULES, EDGE_RULES, ORIGIN_RULES, REALM_RULES, signingKey } from '../origin/settings.ts'
import { GLOBAL_REVOCATION_RULES } from '../origin/connectors/global-revocation-settings.ts'
import type { SqliteStoreOptions } from '../origin/store/sqlite/index.ts'
import type { GlobalTokenRevocationOptions } from '../origin/connectors/global-revocation.ts'
import type { OriginOptions, OriginRealm } from '../origin/options.ts'
import type { JWK, JWKS } from '../types.ts'
import type { CommandOption } from './command.ts'
import { parseJson } from './json.ts'
import { codeOf, secret, secretKey, Secrets } from './secrets.ts'
import { UsageError } from './usage.ts'

const DEFAULT_FILE = 'portcullis.json'
const DEFAULT_PORT = 8_780
/** Longer than in code: supervisors wait a few seconds before they kill a service. */
const DEFAULT_CLOSE_TIMEOUT_MS = 5_000

/** The location of the configuration, for every command that reads one. */
export const CONFIG_OPTION: CommandOption = {
  value: 'FILE',
  help: `the configuration; default: PORTCULLIS_CONFIG, else ${DEFAULT_FILE}`,
}

/** A configuration with all secrets read. */
export interface Configuration {
  file: string
  listen: ServeOptions
  store: SqliteStoreOptions
  connectors: readonly ConnectorFile[]
  /** Without the store, connectors and functions. */
  origin: Omit<OriginOptions, 'store' | 'connectors' | 'fetch' | 'onReport' | 'onRequest'>
  log: 'requests' | 'events'
}

/** Command-line options, which override the file. */
interface Overrides {
  config?: string | undefined
  port?: string | undefined
  hostname?: string | undefined
}

/**
 * Reads the configuration, overridden by the environment and the command line. Throws `UsageError`, or `invalid_option`
 * naming the option.
 */
export function loadConfiguration(given: Overrides, environment: NodeJS.ProcessEnv): Configuration {
  const file = resolve(given.config ?? environment['PORTCULLIS_CONFIG'] ?? DEFAULT_FILE)
  const written = parseJson(read(file), file)
  if (!isObject(written)) throw new UsageError(`${file}: the configuration must be a JSON object`)
  const { $schema: _schema, ...options } = overridden(written, given, environment)
  checkOptions(options, CONFIGURATION_RULES)
  const resolved = new Secrets(dirname(file), environment).resolve(options, 'options') as unknown as ConfigurationFile
  const { listen, store, log = 'requests', signingKey: key, connectors = [], ...origin } = resolved
  checkOptions({ signingKey: key }, { signingKey: required(signingKey) })
  return {
    file,
    listen: { port: DEFAULT_PORT, closeTimeoutMs: DEFAULT_CLOSE_TIMEOUT_MS, ...listen },
    store: { ...store, path: resolve(dirname(file), store.path) },
    connectors,
    origin: { ...origin, signingKey: key },
    log,
  }
}

/** The configuration with secrets inserted from the environment and files. */
interface ConfigurationFile extends Omit<OriginOptions, 'store' | 'realms' | 'connectors'> {
  /** The issuers whose tokens are revoked. */
  realms: RealmFile[]
  /** Where the origin listens. */
  listen?: ListenFile
  /**
   * Identity servers to receive events from and to forward actions to: `{ kind: 'keycloak', baseUrl, realm, … }`.
   * Default: none.
   */
  connectors?: ConnectorFile[]
  /** Where revocations are stored. */
  store: StoreFile
  /** The private Ed25519 key that signs the feed; `portcullis keygen` creates one. */
  signingKey: JWK
  /**
   * The log on standard output, one JSON object per line: `requests` and events, or only `events`. Default `requests`.
   */
  log?: Configuration['log']
}

interface ListenFile extends Partial<ServeOptions> {
  /** 0: any free port. Allowed: 0 to 65535. Default 8780. */
  port?: number
  /** Maximum time for running requests when the server stops. Allowed: 0 to 2147483647. Default 5000. */
  closeTimeoutMs?: number
}

interface StoreFile extends SqliteStoreOptions {
  /**
   * The SQLite file, relative to the directory of the configuration. It is created if missing, its directory is not. On
   * a local disk.
   */
  path: string
}

/** One identity server. */
export interface ConnectorFile extends KeycloakOptions {
  /** Its product. */
  kind: 'keycloak'
}

/** Options of a realm that differ between file and code. */
interface RealmFile extends OriginRealm {
  /** The issuer's keys: the URL of its JWK set, or the set. */
  jwks: string | JWKS
  /**
   * The callers that may revoke all tokens of a user by `POST /realms/{realm}/global-token-revocation`, for example
   * Okta: `{ secrets, callers: [{ issuer, jwks, audience, subject, untyped }] }`. Identifiers that require a lookup
   * require code. Default: none.
   */
  globalTokenRevocation?: Omit<GlobalTokenRevocationOptions, 'subjectsOf'>
}

const { subjectsOf: _subjectsOf, ...CALLER_RULES } = GLOBAL_REVOCATION_RULES
const { onError: _onError, ...LISTEN_RULES } = SERVE_RULES
const { administration: _administration, ...REALM_TEXT_RULES } = REALM_RULES
const {
  store: _store,
  connectors: _connectors,
  fetch: _fetch,
  onReport: _onReport,
  onRequest: _onRequest,
  ...ORIGIN_TEXT_RULES
} = ORIGIN_RULES

const ACCOUNT = shape({ ...SERVICE_ACCOUNT_RULES, clientSecret: required(secret) })

/** The rules of each object of a configuration, by its path: those of the code where its values are not code. */
export const SHAPES: Readonly<Record<'listen' | 'store' | 'realms' | 'clients' | 'edges' | 'connectors', Rules>> = {
  listen: {
    ...LISTEN_RULES,
    port: withDefault(PORT, DEFAULT_PORT),
    closeTimeoutMs: withDefault(milliseconds, DEFAULT_CLOSE_TIMEOUT_MS),
  },
  store: { path: required(string), driver: oneOf('better-sqlite3', 'node:sqlite') },
  realms: {
    ...REALM_TEXT_RULES,
    jwks: required(either(url, keySet)),
    globalTokenRevocation: shape({ ...CALLER_RULES, secrets: list(secret) }),
  },
  clients: { ...CLIENT_RULES, secret },
  edges: { ...EDGE_RULES, ackSecret: secret },
  connectors: {
    kind: required(oneOf('keycloak')),
    ...KEYCLOAK_RULES,
    serviceAccount: ACCOUNT,
    actingAccount: ACCOUNT,
    securityEvents: shape({ ...SECURITY_EVENT_RULES, authorization: required(secret) }),
  },
}

export const CONFIGURATION_RULES: Rules = {
  ...ORIGIN_TEXT_RULES,
  listen: shape(SHAPES.listen),
  store: required(shape(SHAPES.store)),
  signingKey: required(secretKey),
  realms: required(list(shape(SHAPES.realms), 1)),
  clients: list(shape(SHAPES.clients)),
  edges: list(shape(SHAPES.edges)),
  connectors: list(shape(SHAPES.connectors)),
  feedCredential: secret,
  metricsCredential: secret,
  log: withDefault(oneOf('requests', 'events'), 'requests'),
}

function overridden(
  options: Record<string, unknown>,
  given: Overrides,
  environment: NodeJS.ProcessEnv,
): Record<string, unknown> {
  const said = (name: string): string | undefined => (environment[name] === '' ? undefined : environment[name])
  const port = given.port ?? said('PORTCULLIS_PORT')
  const hostname = given.hostname ?? said('PORTCULLIS_HOSTNAME')
  const path = said('PORTCULLIS_STORE')
  const key = said('PORTCULLIS_SIGNING_KEY')
  const listen = {
    ...(port === undefined ? {} : { port: /^\d{1,5}$/.test(port) ? Number(port) : port }),
    ...(hostname === undefined ? {} : { hostname }),
  }
  return {
    ...options,
    ...(Object.keys(listen).length === 0
      ? {}
      : { listen: { ...(isObject(options['listen']) ? options['listen'] : {}), ...listen } }),
    ...(path === undefined
      ? {}
      : { store: { ...(isObject(options['store']) ? options['store'] : {}), path: resolve(path) } }),
    ...(key === undefined ? {} : { signingKey: { env: 'PORTCULLIS_SIGNING_KEY' } }),
  }
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    const hint =
      codeOf(cause) === 'ENOENT' ? "it does not exist: 'portcullis serve --help' shows an example" : codeOf(cause)
    throw new UsageError(`${file}: the configuration cannot be read: ${hint}`, { cause })
  }
}
