import { isLoopback } from '../http/loopback.ts'
import {
  callback,
  checkOptions,
  either,
  given,
  integer,
  invalid,
  isObject,
  list,
  milliseconds,
  oneOf,
  required,
  rule,
  type Rule,
  type Rules,
  seconds,
  shape,
  text,
  url,
  webOrigin,
} from '../options.ts'
import { checkContradictions, checkDistinct, keySet, TOKEN_RULES } from '../policy.ts'
import { MAX_INCARNATION, STORE_METHODS } from './store/store.ts'
import type { ClientOptions, EdgeOptions, OriginOptions, OriginRealm } from './options.ts'
import type { OriginReport } from './api.ts'

/** An origin's options with every default filled in. */
export type Settings = Required<Omit<OriginOptions, 'feedCredential' | 'incarnation' | 'metricsCredential' | 'realms' | 'clients' | 'edges'>> & {
  feedCredential: string | undefined
  incarnation: number | undefined
  metricsCredential: string | undefined
  realms: RealmSettings[]
  edges: EdgeOptions[]
}

export type RealmSettings = OriginRealm &
  Required<Pick<OriginRealm, 'adminRole' | 'issuerSkewSeconds' | 'sourceSkewSeconds' | 'keysInFeed' | 'maxLifetimeSeconds' | 'maxSessionSeconds'>>

/** Checks the options and fills in the defaults; clients apart, for nobody needs their secrets for long. Throws `invalid_option`. */
export function resolveOriginSettings(options: OriginOptions): Settings & { clients: ClientOptions[] } {
  checkOptions(options, ORIGIN_RULES)
  checkDistinct(options.realms, 'options.realms')
  options.realms.forEach((realm, index) => checkContradictions(realm, `options.realms[${index}]`))
  const { edges = [], clients = [] } = options
  checkUnique(edges.map(({ name }) => name), 'name', 'options.edges')
  checkPushes(options)
  checkUnique(clients.map(({ id }) => id), 'id', 'options.clients')
  clients.forEach(checkClient(options.realms.map(({ name }) => name)))
  return {
    heartbeatSeconds: 1,
    errorRate: 1e-6,
    leewaySeconds: 5,
    skewSeconds: 5,
    validForSeconds: 300,
    maxBodyBytes: 65_536,
    maxTokenBytes: 16_384,
    pushTimeoutMs: 5_000,
    jwksMaxAgeSeconds: 300,
    jwksMaxStaleSeconds: 3_600,
    jwksTimeoutMs: 2_000,
    plainHttp: 'loopback',
    maxFailuresPerMinute: 100,
    maxWaitingPerAddress: 500,
    corsOrigins: [],
    clearSiteData: ['storage'],
    expireCookies: [],
    silentAfterSeconds: 60,
    pruneIntervalSeconds: 60,
    auditRetentionSeconds: 31_536_000,
    fetch: (...request) => globalThis.fetch(...request),
    onReport: warn,
    onRequest: () => undefined,
    ...given(options),
    feedCredential: options.feedCredential,
    incarnation: options.incarnation,
    metricsCredential: options.metricsCredential,
    clients,
    edges,
    realms: options.realms.map((realm) => ({
      adminRole: 'portcullis-admin',
      issuerSkewSeconds: 2,
      sourceSkewSeconds: 0,
      maxLifetimeSeconds: 86_400,
      maxSessionSeconds: 2_592_000,
      keysInFeed: 'publish',
      ...given(realm),
    })),
  }
}

const store = rule(
  `a revocation store, such as sqliteStore({ path }): an object with the methods ${STORE_METHODS.join(', ')}`,
  (value) => isObject(value) && STORE_METHODS.every((method) => typeof value[method] === 'function'),
)

export const signingKey: Rule = rule(
  "a private Ed25519 key as JWK: kty 'OKP', crv 'Ed25519', x and d of 32 bytes each (generateFeedKey makes one)",
  (value) => isObject(value) && value['kty'] === 'OKP' && value['crv'] === 'Ed25519' && [value['x'], value['d']].every(isKeyPart),
)

/** Throws `invalid_option` for what is no private key for feeds. */
export function checkSigningKey(value: unknown): void {
  signingKey.check(value, 'signingKey')
}

const administration = rule(
  "an issuer's administration, such as that of the development issuer",
  (value) =>
    isObject(value) &&
    ['users', 'sessions', 'keys', 'addKey', 'retireKey', 'refreshToken', 'sessionEnded'].every(
      (method) => typeof value[method] === 'function',
    ),
)

export const REALM_RULES: Rules = {
  ...TOKEN_RULES,
  jwks: required(either(url, keySet, callback)),
  adminRole: text,
  issuerSkewSeconds: seconds,
  sourceSkewSeconds: seconds,
  maxLifetimeSeconds: integer('whole seconds', 1),
  maxSessionSeconds: integer('whole seconds', 1),
  keysInFeed: oneOf('publish', 'omit'),
  administration,
}

export const EDGE_RULES: Rules = { name: required(text), pushUrl: url, ackSecret: text }

/** Gates wait for state older than 5 s, and take a stream that is silent for 10 s for dead. */
const MAX_HEARTBEAT_SECONDS = 5

export const CLIENT_RULES: Rules = {
  id: required(text),
  secret: text,
  secretSha256: rule('a SHA-256 in 64 hexadecimal digits', (value) => typeof value === 'string' && /^[0-9a-f]{64}$/i.test(value)),
  realms: list(text),
}

/** RFC 6265 §4.1.1. */
const cookieName = rule('the name of a cookie', (value) => typeof value === 'string' && /^[!#$%&'*+.^_`|~\w-]+$/.test(value))

/** What an origin takes. */
export const ORIGIN_RULES: Rules = {
  store: required(store),
  realms: required(list(shape(REALM_RULES), 1)),
  signingKey: required(signingKey),
  clients: list(shape(CLIENT_RULES)),
  edges: list(shape(EDGE_RULES)),
  incarnation: integer('restored backups', 0, MAX_INCARNATION),
  heartbeatSeconds: integer('whole seconds', 1, MAX_HEARTBEAT_SECONDS),
  errorRate: rule('a number between 1e-9 and 0.1', (value) => typeof value === 'number' && value >= 1e-9 && value <= 0.1),
  leewaySeconds: integer('whole seconds', 0, 300),
  skewSeconds: integer('whole seconds', 0, 300),
  validForSeconds: integer('whole seconds', 1),
  maxBodyBytes: integer('bytes', 1_024),
  maxTokenBytes: integer('bytes', 1_024),
  feedCredential: text,
  pushTimeoutMs: milliseconds,
  jwksMaxAgeSeconds: seconds,
  jwksMaxStaleSeconds: seconds,
  jwksTimeoutMs: milliseconds,
  plainHttp: oneOf('loopback', 'anywhere'),
  maxFailuresPerMinute: integer('failures', 1),
  maxWaitingPerAddress: integer('requests', 1),
  corsOrigins: list(webOrigin),
  clearSiteData: list(oneOf('cookies', 'storage', 'cache')),
  expireCookies: list(cookieName),
  metricsCredential: text,
  silentAfterSeconds: integer('whole seconds', 1),
  pruneIntervalSeconds: integer('whole seconds', 1, 86_400),
  auditRetentionSeconds: integer('whole seconds', 1),
  fetch: callback,
  onReport: callback,
  onRequest: callback,
}

/** A feed is signed but not secret to whoever can read along: its hash keys let a reader test who logged out. */
function checkPushes({ edges = [], plainHttp = 'loopback' }: OriginOptions): void {
  edges.forEach(({ pushUrl }, index) => {
    if (pushUrl === undefined || plainHttp === 'anywhere') return
    const url = new URL(pushUrl)
    if (url.protocol === 'https:' || isLoopback(url)) return
    throw invalid(`options.edges[${index}].pushUrl must be an https: URL, for it is not on this machine; see plainHttp`)
  })
}

/** Each names one thing. */
function checkUnique(values: readonly string[], member: string, list: string): void {
  values.forEach((value, index) => {
    if (values.indexOf(value) !== index) throw invalid(`${list}[${index}].${member} is the same as that of ${list}[${values.indexOf(value)}]`)
  })
}

function checkClient(realms: readonly string[]): (client: ClientOptions, index: number) => void {
  return ({ secret, secretSha256, realms: its = [] }, index) => {
    const name = `options.clients[${index}]`
    if (secret !== undefined && secretSha256 !== undefined) throw invalid(`${name} must have secret or secretSha256, not both`)
    if (!its.every((realm) => realms.includes(realm))) throw invalid(`${name}.realms names a realm that is not in options.realms`)
  }
}

function isKeyPart(value: unknown): boolean {
  return typeof value === 'string' && /^[A-Za-z0-9_-]{43}$/.test(value)
}

function warn(report: OriginReport): void {
  const where = [report.realm, report.edge].filter((part) => part !== undefined).join(' ')
  const what = report.error === undefined ? 'is well again' : `${report.error.code}: ${report.error.message}`
  console.warn(`portcullis: ${report.kind}${where === '' ? '' : ` (${where})`} ${what}`)
}
