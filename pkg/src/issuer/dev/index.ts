import { createHash } from 'node:crypto'
import { PortcullisError } from '../../errors.ts'
import {
  checkOptions,
  integer,
  invalid,
  list,
  opaque,
  oneOf,
  required,
  type Rules,
  shape,
  string,
  url,
  webOrigin,
} from '../../options.ts'
import { json } from '../../origin/http/response.ts'
import { ClientRegistry } from '../../origin/http/clients.ts'
import { OriginCors } from '../../origin/http/cors.ts'
import { openDatabase } from '../../origin/store/sqlite/database.ts'
import { FailureLimiter } from '../../origin/http/failure-limiter.ts'
import { Problem, problemFor, problemResponse } from '../../origin/http/problem.ts'
import { createRefreshTokens, type RefreshTokens } from '../refresh-tokens/index.ts'
import { formBody, parametersOf } from '../../origin/http/input.ts'
import { requireHttps } from '../../origin/http/require-https.ts'
import type { RequestSource } from '../../origin/api.ts'
import { administrationOf } from './administration.ts'
import { inCookie, revokeByCookie } from './cookie.ts'
import { token } from './grants.ts'
import { type IssuerRequest, type Issuer, MAX_FORM_BYTES, note, notAttached, unixSeconds } from './issuer.ts'
import { SigningKeys } from './keys.ts'
import { logout } from './logout.ts'
import { hashPassword } from './passwords.ts'
import { openTables, type Tables } from './tables.ts'
import type { DevClient, DevIssuer, DevIssuerOptions, DevUser, LedgerView } from './types.ts'

export type { DevAlgorithm, DevClient, DevIssuer, DevIssuerOptions, DevUser } from './types.ts'

/** Cache lifetime of certs and discovery: a rotation is visible within this time. */
const METADATA_CACHE = { 'cache-control': 'public, max-age=60' }

const USERS: readonly DevUser[] = [{ name: 'alice' }, { name: 'bob' }, { name: 'admin', roles: ['portcullis-admin'] }]
const CLIENTS: readonly DevClient[] = [{ id: 'demo' }, { id: 'backend', secret: 'backend-secret' }]

/**
 * Opens the file and creates missing keys and users. Rejects with `invalid_option`, `store_unavailable`,
 * `store_corrupt` or `store_newer`.
 */
export async function createDevIssuer(options: DevIssuerOptions): Promise<DevIssuer> {
  const settings = resolveDevIssuerSettings(options)
  const database = options.database ?? openDatabase(options.path ?? '')
  let attached: { origin: LedgerView; tokens: RefreshTokens } | undefined
  const connected = (): { origin: LedgerView; tokens: RefreshTokens } => {
    if (attached === undefined) throw notAttached()
    return attached
  }
  const origin = (): LedgerView => connected().origin
  async function close(): Promise<void> {
    await attached?.tokens.close()
    if (options.database === undefined) database.close()
  }
  try {
    const tables = openTables(database, settings.realm)
    const keys = await SigningKeys.open({
      tables,
      algorithm: settings.algorithm,
      isBanned: (thumbprint) => origin().bans(settings.realm, thumbprint),
      async onReplaced(kid) {
        await origin().publishKeys(settings.realm)
        await note(issuer, { action: 'key_added', subject: kid, detail: 'others_banned' })
      },
      clock: unixSeconds,
    })
    await seed(tables, settings.users)
    const issuer: Issuer = {
      settings,
      tables,
      keys,
      clients: new ClientRegistry(settings.clients),
      cors: new OriginCors({
        corsOrigins: settings.corsOrigins,
        credentials: settings.clients.some(inCookie) ? 'include' : 'omit',
        report: (error) => console.warn(`portcullis: ${error.message}`),
      }),
      failures: new FailureLimiter(settings.maxFailuresPerMinute),
      origin,
      tokens: () => connected().tokens,
    }
    return {
      realm: {
        name: settings.realm,
        issuer: settings.issuer,
        audience: settings.audience,
        profile: 'generic',
        jwks: () => keys.jwks(),
        // It uses the origin's clock.
        issuerSkewSeconds: 0,
        administration: administrationOf(issuer),
      },
      clients: settings.clients.map(({ id, secret }) => ({
        id,
        ...(secret === undefined ? {} : { secretSha256: createHash('sha256').update(secret).digest('hex') }),
        realms: [settings.realm],
      })),
      attach(given) {
        const { realm, refreshTokenSeconds: idleSeconds, sessionSeconds: maxSeconds, reuseGraceSeconds } = settings
        const options = { database, realm, origin: given, idleSeconds, maxSeconds, reuseGraceSeconds }
        attached = { origin: given, tokens: createRefreshTokens(options) }
      },
      fetch: (request, source = {}) => answer(issuer, request, source),
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

interface Endpoint {
  methods: readonly string[]
  answer(issuer: Issuer, call: IssuerRequest): Response | Promise<Response>
}

/** The origin's own route, for requests with a cookie. */
const REVOCATION = 'protocol/openid-connect/revoke'

/** Endpoints by their path under the realm. */
const ENDPOINTS: ReadonlyMap<string, Endpoint> = new Map([
  [
    '.well-known/openid-configuration',
    { methods: ['GET', 'HEAD'], answer: (issuer) => json(200, discovery(issuer), METADATA_CACHE) },
  ],
  [
    'protocol/openid-connect/certs',
    { methods: ['GET', 'HEAD'], answer: ({ keys }) => json(200, keys.jwks(), METADATA_CACHE) },
  ],
  ['protocol/openid-connect/token', { methods: ['POST'], answer: token }],
  ['protocol/openid-connect/logout', { methods: ['GET', 'POST'], answer: logout }],
] satisfies [string, Endpoint][])

async function answer(issuer: Issuer, request: Request, source: RequestSource): Promise<Response | undefined> {
  const url = new URL(request.url)
  const base = `/realms/${issuer.settings.realm}/`
  const path = url.pathname.startsWith(base) ? url.pathname.slice(base.length) : ''
  const { cors, settings } = issuer
  const endpoint = ENDPOINTS.get(path)
  if (endpoint !== undefined)
    return cors.share(await answered(issuer, endpoint, request, source), await cors.readableBy(request))
  if (!settings.clients.some(inCookie) || path !== REVOCATION || request.method !== 'POST') return undefined
  const revoked = await problemsAnswered(async () => {
    requireHttps(request, source, settings.plainHttp)
    return revokeByCookie(issuer, request, source.address)
  })
  return revoked === undefined ? undefined : cors.share(revoked, await cors.readableBy(request))
}

async function answered(
  issuer: Issuer,
  { methods, answer }: Endpoint,
  request: Request,
  source: RequestSource,
): Promise<Response> {
  return problemsAnswered(async () => {
    requireHttps(request, source, issuer.settings.plainHttp)
    const allowed = await issuer.cors.preflight(request, issuer.cors.readableBy(request), methods)
    if (allowed !== undefined) return allowed
    if (!methods.includes(request.method))
      throw new Problem(405, 'method_not_allowed', undefined, { allow: methods.join(', ') })
    return answer(issuer, { request, form: await formOf(request), address: source.address })
  })
}

async function problemsAnswered<T>(answer: () => Promise<T>): Promise<T | Response> {
  try {
    return await answer()
  } catch (error) {
    const problem = problemFor(error)
    if (problem === undefined) console.error('portcullis: the development issuer failed', error)
    return problemResponse(problem ?? new Problem(500, 'server_error'))
  }
}

/** Returns the parameters of a form or, with `GET`, of the query. */
async function formOf(request: Request): Promise<ReadonlyMap<string, string>> {
  return request.method === 'POST' ? formBody(request, MAX_FORM_BYTES) : parametersOf(new URL(request.url).searchParams)
}

/** Returns the members of OpenID Connect Discovery 1.0 §3 that apply here. */
function discovery({ settings }: Issuer): object {
  const endpoint = (name: string): string => `${settings.issuer}/protocol/openid-connect/${name}`
  return {
    issuer: settings.issuer,
    jwks_uri: endpoint('certs'),
    token_endpoint: endpoint('token'),
    revocation_endpoint: `${settings.issuer}/${REVOCATION}`,
    end_session_endpoint: endpoint('logout'),
    grant_types_supported: ['password', 'refresh_token'],
    response_types_supported: [],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: [settings.algorithm],
    token_endpoint_auth_methods_supported: ['none', 'client_secret_post', 'client_secret_basic'],
    revocation_endpoint_auth_methods_supported: ['none', 'client_secret_post', 'client_secret_basic'],
    scopes_supported: ['openid'],
  }
}

async function seed(tables: Tables, users: readonly DevUser[]): Promise<void> {
  for (const { name, password = `${name}-password`, roles = [] } of users) {
    if (tables.user(name) !== undefined) continue
    tables.addUser({ name, sub: crypto.randomUUID(), password: await hashPassword(password), roles, version: 0 })
  }
}

const RULES: Rules = {
  path: string,
  database: opaque,
  issuer: required(url),
  realm: string,
  audience: string,
  algorithm: oneOf('RS256', 'PS256', 'ES256', 'EdDSA'),
  accessTokenSeconds: integer('whole seconds', 1),
  refreshTokenSeconds: integer('whole seconds', 1),
  sessionSeconds: integer('whole seconds', 1),
  reuseGraceSeconds: integer('whole seconds', 0, 300),
  maxFailuresPerMinute: integer('failures', 1),
  corsOrigins: list(webOrigin),
  clearSiteData: list(oneOf('cookies', 'storage', 'cache')),
  plainHttp: oneOf('loopback', 'anywhere'),
  users: list(shape({ name: required(string), password: string, roles: list(string) })),
  clients: list(
    shape({
      id: required(string),
      secret: string,
      accessTokenSeconds: integer('whole seconds', 1),
      refreshTokenIn: oneOf('body', 'cookie'),
      postLogoutRedirectUris: list(url),
    }),
  ),
}

function resolveDevIssuerSettings(options: DevIssuerOptions): Issuer['settings'] {
  checkOptions(options, RULES)
  if ((options.path === undefined) === (options.database === undefined))
    throw invalid('options must have either path or database')
  const realm = options.realm ?? 'acme'
  const issuer = String(options.issuer)
  if (!issuer.endsWith(`/realms/${realm}`)) {
    throw new PortcullisError(
      'invalid_option',
      `options.issuer must end with /realms/${realm}: that is where its routes are`,
    )
  }
  return {
    realm,
    issuer,
    audience: options.audience ?? 'api',
    algorithm: options.algorithm ?? 'RS256',
    accessTokenSeconds: options.accessTokenSeconds ?? 300,
    refreshTokenSeconds: options.refreshTokenSeconds ?? 1_800,
    sessionSeconds: options.sessionSeconds ?? 36_000,
    reuseGraceSeconds: options.reuseGraceSeconds ?? 0,
    maxFailuresPerMinute: options.maxFailuresPerMinute ?? 100,
    corsOrigins: options.corsOrigins ?? [],
    clearSiteData: options.clearSiteData ?? ['storage'],
    plainHttp: options.plainHttp ?? 'loopback',
    users: options.users ?? [...USERS],
    clients: options.clients ?? [...CLIENTS],
  }
}
