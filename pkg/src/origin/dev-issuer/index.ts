import { createHash } from 'node:crypto'
import { PortcullisError } from '../../errors.ts'
import { checkOptions, integer, invalid, list, opaque, oneOf, required, type Rules, shape, text, url } from '../../options.ts'
import { json } from '../answer.ts'
import { ClientBook } from '../clients.ts'
import { openDatabase } from '../database.ts'
import { Problem, problemOf, problemResponse } from '../problem.ts'
import { administrationOf } from './administration.ts'
import { token } from './grants.ts'
import { SigningKeys } from './keys.ts'
import { logout } from './logout.ts'
import { hashPassword } from './passwords.ts'
import { openTables, type Tables } from './tables.ts'
import { type Issuer, type LedgerView, notAttached, unixSeconds } from './tokens.ts'
import type { DevClient, DevIssuer, DevIssuerOptions, DevUser } from './types.ts'

export type { DevAlgorithm, DevClient, DevIssuer, DevIssuerOptions, DevUser } from './types.ts'

/** How long certs and discovery may be kept: a rotation is seen within this. */
const METADATA_CACHE = { 'cache-control': 'public, max-age=60' }

const USERS: readonly DevUser[] = [{ name: 'alice' }, { name: 'bob' }, { name: 'admin', roles: ['portcullis-admin'] }]
const CLIENTS: readonly DevClient[] = [{ id: 'demo' }, { id: 'backend', secret: 'backend-secret' }]

/**
 * Opens the file and makes the keys and users that are missing. Rejects with `invalid_option`, `store_unavailable`,
 * `store_corrupt` or `store_newer`.
 */
export async function createDevIssuer(options: DevIssuerOptions): Promise<DevIssuer> {
  const settings = settingsOf(options)
  const database = options.database ?? openDatabase(options.path ?? '')
  const close = (): void => (options.database === undefined ? database.close() : undefined)
  try {
    const tables = openTables(database, settings.realm)
    await seed(tables, settings.users)
    let attached: LedgerView | undefined
    const origin = (): LedgerView => {
      if (attached === undefined) throw notAttached()
      return attached
    }
    const keys = await SigningKeys.open({
      tables,
      algorithm: settings.algorithm,
      isBanned: (thumbprint) => origin().bans(settings.realm, thumbprint),
      clock: unixSeconds,
    })
    const issuer: Issuer = { settings, tables, keys, clients: new ClientBook(settings.clients), origin }
    return {
      realm: {
        name: settings.realm,
        issuer: settings.issuer,
        audience: settings.audience,
        profile: 'generic',
        jwks: () => keys.jwks(),
        // It shares the origin's clock.
        issuerSkewSeconds: 0,
        administration: administrationOf(issuer),
      },
      clients: settings.clients.map(({ id, secret }) => ({
        id,
        ...(secret === undefined ? {} : { secretSha256: createHash('sha256').update(secret).digest('hex') }),
        realms: [settings.realm],
      })),
      attach: (given) => void (attached = given),
      fetch: (request) => answer(issuer, request),
      close,
    }
  } catch (error) {
    close()
    throw error
  }
}

async function answer(issuer: Issuer, request: Request): Promise<Response | undefined> {
  const requested = new URL(request.url)
  const base = `/realms/${issuer.settings.realm}/`
  if (!requested.pathname.startsWith(base)) return undefined
  try {
    switch (requested.pathname.slice(base.length)) {
      case '.well-known/openid-configuration':
        allow(request, 'GET', 'HEAD')
        return json(200, discovery(issuer), METADATA_CACHE)
      case 'protocol/openid-connect/certs':
        allow(request, 'GET', 'HEAD')
        return json(200, issuer.keys.jwks(), METADATA_CACHE)
      case 'protocol/openid-connect/token':
        allow(request, 'POST')
        return await token(issuer, request)
      case 'protocol/openid-connect/logout':
        allow(request, 'GET', 'POST')
        return await logout(issuer, request, requested)
      default:
        return undefined
    }
  } catch (error) {
    const problem = problemOf(error)
    if (problem === undefined) console.error('portcullis: the development issuer failed', error)
    return problemResponse(problem ?? new Problem(500, 'server_error'))
  }
}

function allow(request: Request, ...methods: string[]): void {
  if (!methods.includes(request.method)) throw new Problem(405, 'method_not_allowed', undefined, { allow: methods.join(', ') })
}

/** OpenID Connect Discovery 1.0 §3, as far as there is something to say. */
function discovery({ settings }: Issuer): object {
  const endpoint = (name: string): string => `${settings.issuer}/protocol/openid-connect/${name}`
  return {
    issuer: settings.issuer,
    jwks_uri: endpoint('certs'),
    token_endpoint: endpoint('token'),
    revocation_endpoint: endpoint('revoke'),
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
  path: text,
  database: opaque,
  issuer: required(url),
  realm: text,
  audience: text,
  algorithm: oneOf('RS256', 'PS256', 'ES256', 'EdDSA'),
  accessTokenSeconds: integer('whole seconds', 1),
  refreshTokenSeconds: integer('whole seconds', 1),
  users: list(shape({ name: required(text), password: text, roles: list(text) })),
  clients: list(
    shape({ id: required(text), secret: text, accessTokenSeconds: integer('whole seconds', 1), postLogoutRedirectUris: list(url) }),
  ),
}

function settingsOf(options: DevIssuerOptions): Issuer['settings'] {
  checkOptions(options, RULES)
  if ((options.path === undefined) === (options.database === undefined)) throw invalid('options must have either path or database')
  const realm = options.realm ?? 'acme'
  const issuer = String(options.issuer)
  if (!issuer.endsWith(`/realms/${realm}`)) {
    throw new PortcullisError('invalid_option', `options.issuer must end with /realms/${realm}: that is where its routes are`)
  }
  return {
    realm,
    issuer,
    audience: options.audience ?? 'api',
    algorithm: options.algorithm ?? 'RS256',
    accessTokenSeconds: options.accessTokenSeconds ?? 300,
    refreshTokenSeconds: options.refreshTokenSeconds ?? 1_800,
    users: options.users ?? [...USERS],
    clients: options.clients ?? [...CLIENTS],
  }
}
