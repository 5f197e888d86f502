import { corsOrigins } from '../http/allowed-origins.ts'
import { bearerCredential } from '../http/credential.ts'
import { HTTP_TOKEN } from '../http/http-token.ts'
import { checkTransport } from '../http/plain-http.ts'
import { checkKeyAlgorithms } from '../key-algorithms.ts'
import {
  callback,
  checkOptions,
  defaultsOf,
  either,
  given,
  integer,
  invalid,
  isObject,
  list,
  number,
  oneOf,
  pattern,
  required,
  rule,
  type Rule,
  type Rules,
  seconds,
  shape,
  string,
  timeout,
  url,
  withDefault,
} from '../options.ts'
import { separatesSubjects } from '../issuer-names.ts'
import { isAboutOtherUses } from '../jwks/skipped-keys.ts'
import { checkContradictions, checkDistinct, keySet, TOKEN_RULES } from '../policy.ts'
import { clockOf, type NowMs } from '../timing/clock.ts'
import type { JWK } from '../types.ts'
import type { Connector } from './connectors/connector.ts'
import { MAX_INCARNATION, STORE_METHODS } from './store/store.ts'
import type { ClientOptions, EdgeOptions, OriginOptions, OriginRealm } from './options.ts'
import type { OriginReport } from './api.ts'
import { checkGlobalRevocation, GLOBAL_REVOCATION_RULES } from './connectors/global-revocation-settings.ts'

/** An origin's options with every default filled in. */
export type Settings = Required<
  Omit<OriginOptions, 'feedCredential' | 'incarnation' | 'metricsCredential' | 'realms' | 'clients' | 'edges'>
> & {
  feedCredential: string | undefined
  incarnation: number | undefined
  metricsCredential: string | undefined
  realms: RealmSettings[]
  edges: EdgeOptions[]
  nowMs: NowMs
}

export type RealmSettings = OriginRealm &
  Required<
    Pick<
      OriginRealm,
      | 'adminRole'
      | 'issuerSkewSeconds'
      | 'sourceSkewSeconds'
      | 'keysInFeed'
      | 'maxLifetimeSeconds'
      | 'maxSessionSeconds'
    >
  >

/**
 * Checks the options and fills in the defaults; clients are returned separately, so that their secrets are not kept.
 * Throws `invalid_option`.
 */
export function resolveOriginSettings(options: OriginOptions): Settings & { clients: ClientOptions[] } {
  checkOptions(options, ORIGIN_RULES)
  checkDistinct(options.realms, 'options.realms')
  options.realms.forEach((realm, index) => {
    checkContradictions(realm, `options.realms[${index}]`)
    checkKeyAlgorithms(realm, `options.realms[${index}]`)
    checkAdministration(realm, `options.realms[${index}]`)
  })
  const { edges = [], clients = [] } = options
  checkUnique(
    edges.map(({ name }) => name),
    'name',
    'options.edges',
  )
  checkPushes(options)
  checkKeyUrls(options)
  checkValidity(options)
  checkConnectors(options)
  checkUnique(
    clients.map(({ id }) => id),
    'id',
    'options.clients',
  )
  checkGlobalRevocation(options.realms)
  clients.forEach(checkClient(options.realms.map(({ name }) => name)))
  return {
    ...defaultsOf(ORIGIN),
    fetch: (...request) => globalThis.fetch(...request),
    onReport: warn,
    onRequest: () => undefined,
    ...given(options),
    nowMs: clockOf(options),
    feedCredential: options.feedCredential,
    incarnation: options.incarnation,
    metricsCredential: options.metricsCredential,
    clients,
    edges,
    realms: options.realms.map((realm) => ({
      ...defaultsOf(OWN),
      ...given(realm),
    })),
  }
}

const store = rule(
  `a revocation store, such as sqliteStore({ path }): an object with the methods ${STORE_METHODS.join(', ')}`,
  (value) => isObject(value) && STORE_METHODS.every((method) => typeof value[method] === 'function'),
)

const connector: Rule<Connector> = rule(
  'a connector, such as keycloakConnector({ baseUrl, realm })',
  (value) =>
    isObject(value) &&
    typeof value['name'] === 'string' &&
    typeof value['realm'] === 'string' &&
    typeof value['connect'] === 'function',
)

const KEY_PART = { type: 'string', pattern: '^[A-Za-z0-9_-]{43}$' }

export const signingKey: Rule<JWK> = rule(
  "a private Ed25519 key as JWK: kty 'OKP', crv 'Ed25519', x and d of 32 bytes each (generateFeedKey makes one)",
  (value) =>
    isObject(value) &&
    value['kty'] === 'OKP' &&
    value['crv'] === 'Ed25519' &&
    [value['x'], value['d']].every(isKeyPart),
  {
    type: 'object',
    required: ['kty', 'crv', 'x', 'd'],
    properties: { kty: { const: 'OKP' }, crv: { const: 'Ed25519' }, x: KEY_PART, d: KEY_PART },
  },
)

/** Throws `invalid_option` unless it is a private key for feeds. */
export function checkSigningKey(value: unknown): void {
  signingKey.check(value, 'signingKey')
}

const administration = rule(
  "an issuer's administration, such as the one of the development issuer",
  (value) =>
    isObject(value) &&
    ['users', 'sessions', 'keys', 'addKey', 'retireKey', 'refreshToken', 'sessionEnded'].every(
      (method) => typeof value[method] === 'function',
    ),
)

/**
 * 40 days, the limit of the ledger, because a manifest has no room for more (`MAX_LIFETIME_SECONDS` in
 * `src/ledger/settings.rs`).
 */
export const MAX_LIFETIME_SECONDS: number = 40 * 86_400
/** 100 years, which bounds what the ledger adds to times. */
const MAX_SESSION_SECONDS = 3_153_600_000
/** The same as at a gate; the core reserves room for a token. */
const MAX_TOKEN_BYTES = 1024 * 1024
/** A statement stores it in 32 bits. */
const MAX_VALID_FOR_SECONDS = 2 ** 32 - 1

/** Options of an origin's realms besides those that describe tokens. */
const OWN = {
  adminRole: withDefault(string, 'portcullis-admin'),
  issuerSkewSeconds: withDefault(seconds, 2),
  sourceSkewSeconds: withDefault(seconds, 0),
  maxLifetimeSeconds: withDefault(integer('whole seconds', 1, MAX_LIFETIME_SECONDS), 86_400),
  maxSessionSeconds: withDefault(integer('whole seconds', 1, MAX_SESSION_SECONDS), 2_592_000),
  keysInFeed: withDefault(oneOf('publish', 'omit'), 'publish'),
} satisfies Rules

/** The rules of `OriginRealm`. */
export const REALM_RULES: Rules = {
  ...TOKEN_RULES,
  jwks: required(either(url, keySet, callback)),
  ...OWN,
  administration,
  globalTokenRevocation: shape(GLOBAL_REVOCATION_RULES),
}

export const EDGE_RULES: Rules = { name: required(string), pushUrl: url, ackSecret: bearerCredential }

/** Gates wait for state older than 5 s, and treat a stream that is silent for 10 s as broken. */
const MAX_HEARTBEAT_SECONDS = 5

export const CLIENT_RULES: Rules = {
  id: required(string),
  secret: string,
  secretSha256: pattern('a SHA-256 in 64 hexadecimal digits', /^[0-9a-fA-F]{64}$/),
  realms: list(string, 1),
}

/** RFC 6265 §4.1.1. */
const cookieName = pattern('the name of a cookie', HTTP_TOKEN)

const ORIGIN = {
  store: required(store),
  realms: required(list(shape(REALM_RULES), 1)),
  signingKey: required(signingKey),
  clients: list(shape(CLIENT_RULES)),
  connectors: withDefault(list(connector), []),
  edges: list(shape(EDGE_RULES)),
  incarnation: integer('restored backups', 0, MAX_INCARNATION),
  heartbeatSeconds: withDefault(integer('whole seconds', 1, MAX_HEARTBEAT_SECONDS), 1),
  errorRate: withDefault(number(1e-9, 0.1), 1e-6),
  leewaySeconds: withDefault(integer('whole seconds', 0, 300), 5),
  skewSeconds: withDefault(integer('whole seconds', 0, 300), 5),
  validForSeconds: withDefault(integer('whole seconds', 1, MAX_VALID_FOR_SECONDS), 300),
  maxBodyBytes: withDefault(integer('bytes', 1_024), 65_536),
  maxTokenBytes: withDefault(integer('bytes', 1_024, MAX_TOKEN_BYTES), 16_384),
  feedCredential: bearerCredential,
  pushTimeoutMs: withDefault(timeout, 5_000),
  jwksMaxAgeSeconds: withDefault(seconds, 300),
  jwksMaxStaleSeconds: withDefault(seconds, 3_600),
  jwksTimeoutMs: withDefault(timeout, 2_000),
  plainHttp: withDefault(oneOf('loopback', 'anywhere'), 'loopback'),
  maxFailuresPerMinute: withDefault(integer('failures', 1), 100),
  maxWaitingPerAddress: withDefault(integer('requests', 1), 500),
  corsOrigins: withDefault(corsOrigins(0), []),
  clearSiteData: withDefault(list(oneOf('cookies', 'storage', 'cache')), ['storage']),
  expireCookies: withDefault(list(cookieName), []),
  metricsCredential: bearerCredential,
  silentAfterSeconds: withDefault(integer('whole seconds', 1), 60),
  pruneIntervalSeconds: withDefault(integer('whole seconds', 1, 86_400), 60),
  auditRetentionSeconds: withDefault(integer('whole seconds', 1), 31_536_000),
  fetch: callback,
  onReport: callback,
  onRequest: callback,
} satisfies Rules

/** The rules of `OriginOptions`. */
export const ORIGIN_RULES: Rules = ORIGIN

/**
 * Requires TLS for pushes, except as `plainHttp` allows: a feed is signed but not encrypted, and its hash keys let an
 * eavesdropper test who has logged out.
 */
function checkPushes({ edges = [], plainHttp = 'loopback' }: OriginOptions): void {
  edges.forEach(({ pushUrl }, index) => {
    if (pushUrl !== undefined) checkTransport(pushUrl, plainHttp, `options.edges[${index}].pushUrl`)
  })
}

/** A statement must stay valid until the next one is signed. */
function checkValidity({
  heartbeatSeconds = ORIGIN.heartbeatSeconds.fallback,
  validForSeconds = ORIGIN.validForSeconds.fallback,
}: OriginOptions): void {
  if (validForSeconds >= heartbeatSeconds) return
  throw invalid(
    `options.validForSeconds must be options.heartbeatSeconds or more: edges would have no valid statement until the next is signed`,
  )
}

/** Requires TLS for the URLs of keys, except as `plainHttp` allows: without it, keys could come from anyone. */
function checkKeyUrls({ realms, plainHttp = 'loopback' }: OriginOptions): void {
  realms.forEach(({ jwks, globalTokenRevocation: { callers = [] } = {} }, index) => {
    const name = `options.realms[${index}]`
    if (isUrl(jwks)) checkTransport(jwks, plainHttp, `${name}.jwks`)
    callers.forEach((caller, place) => {
      if (isUrl(caller.jwks))
        checkTransport(caller.jwks, plainHttp, `${name}.globalTokenRevocation.callers[${place}].jwks`)
    })
  })
}

function isUrl(value: unknown): value is URL | string {
  return typeof value === 'string' || value instanceof URL
}

/**
 * Checks that a realm with an issuer beside the origin does not separate subjects by issuer name: that issuer does not
 * know the users of other names.
 */
function checkAdministration(realm: OriginRealm, name: string): void {
  if (realm.administration === undefined || !separatesSubjects(realm)) return
  throw invalid(`${name}.administration is for one issuer: give the realm one name, or set sameSubjects`)
}

function checkConnectors({ connectors = [], realms }: OriginOptions): void {
  connectors.forEach(({ name: connector, realm }, index) => {
    if (!realms.some(({ name }) => name === realm))
      throw invalid(`options.connectors[${index}] is for a realm that is not in options.realms`)
    // They would share a queue and their state in the store.
    const first = connectors.findIndex((each) => each.name === connector && each.realm === realm)
    if (first !== index)
      throw invalid(`options.connectors[${index}] is for the same realm as options.connectors[${first}]`)
  })
}

/** Each must identify one thing. */
function checkUnique(values: readonly string[], member: string, list: string): void {
  values.forEach((value, index) => {
    if (values.indexOf(value) !== index)
      throw invalid(`${list}[${index}].${member} is the same as in ${list}[${values.indexOf(value)}]`)
  })
}

function checkClient(realms: readonly string[]): (client: ClientOptions, index: number) => void {
  return ({ secret, secretSha256, realms: its = [] }, index) => {
    const name = `options.clients[${index}]`
    if (secret !== undefined && secretSha256 !== undefined)
      throw invalid(`${name} must have secret or secretSha256, not both`)
    if (!its.every((realm) => realms.includes(realm)))
      throw invalid(`${name}.realms names a realm that is not in options.realms`)
  }
}

function isKeyPart(value: unknown): boolean {
  return typeof value === 'string' && /^[A-Za-z0-9_-]{43}$/.test(value)
}

function warn(report: OriginReport): void {
  if (report.error !== undefined && isAboutOtherUses(report.error)) return
  const where = [report.realm, report.edge].filter((part) => part !== undefined).join(' ')
  const what = report.error === undefined ? 'has recovered' : `${report.error.code}: ${report.error.message}`
  console.warn(`portcullis: ${report.kind}${where === '' ? '' : ` (${where})`} ${what}`)
}
