// A server that responds as Keycloak 26.7.3 was observed to, over real HTTP on a free port, and can be made to
// misbehave.

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface FakeEvent {
  id: string
  /** Unix milliseconds. */
  time: number
  [member: string]: unknown
}

export interface FakeKeycloak {
  baseUrl: string
  /** The realm's name; setting it renames the realm. */
  realm: string
  /** Secrets by client id, of clients with a service account. */
  accounts: Map<string, string>
  /** The roles of `realm-management` that every account has. */
  rights: Set<string>
  notBefore: unknown
  issuer: string
  userEvents: FakeEvent[]
  adminEvents: FakeEvent[]
  eventsConfig: Record<string, unknown>
  realmDocument: Record<string, unknown>
  /** The event types that it knows; others get 500. */
  knownTypes: (type: string) => boolean
  /** Seconds that its clock is ahead of ours. */
  aheadSeconds: number
  tokenLifetimeSeconds: number
  /** Requested paths with their query, and the `authorization` of each request. */
  requests: { method: string; url: string; authorization: string | undefined; body: string }[]
  /** Takes over a request by writing a response. */
  intercept: ((request: IncomingMessage, response: ServerResponse) => boolean) | undefined
  /** Revokes all its access tokens. */
  revokeTokens(): void
  /** Whether a request has a valid token. */
  admits(request: IncomingMessage): boolean
  close(): Promise<void>
}

const ACCOUNT = { clientId: 'bridge', clientSecret: 'bridge-secret' }

export async function openFakeKeycloak(): Promise<FakeKeycloak> {
  const tokens = new Set<string>()
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString()
      const { method = '', url = '' } = request
      fake.requests.push({ method, url, authorization: request.headers.authorization, body })
      if (fake.intercept?.(request, response) === true) return
      const [status, answer] = respond(fake, tokens, request, body)
      response
        .writeHead(status, { 'content-type': 'application/json' })
        .end(answer === undefined ? '' : JSON.stringify(answer))
    })
  })
  // Keycloak sends no Date.
  server.on('request', (_, response: ServerResponse) => (response.sendDate = false))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const fake: FakeKeycloak = {
    baseUrl,
    realm: 'acme',
    accounts: new Map([[ACCOUNT.clientId, ACCOUNT.clientSecret]]),
    rights: new Set(['view-events', 'view-users', 'view-clients', 'view-realm']),
    notBefore: 0,
    issuer: `${baseUrl}/realms/acme`,
    userEvents: [],
    adminEvents: [],
    eventsConfig: {
      eventsEnabled: true,
      eventsExpiration: 86_400,
      enabledEventTypes: [],
      adminEventsEnabled: true,
      adminEventsDetailsEnabled: true,
    },
    realmDocument: { realm: 'acme', attributes: { adminEventsExpiration: '86400' } },
    knownTypes: () => true,
    aheadSeconds: 0,
    tokenLifetimeSeconds: 300,
    requests: [],
    intercept: undefined,
    revokeTokens: () => tokens.clear(),
    admits: ({ headers }) => tokens.has((headers.authorization ?? '').replace('Bearer ', '')),
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  return fake
}

type Reply = [status: number, body?: unknown]

function respond(fake: FakeKeycloak, tokens: Set<string>, request: IncomingMessage, body: string): Reply {
  const url = new URL(request.url ?? '/', fake.baseUrl)
  const [first, second, ...rest] = url.pathname.split('/').slice(1).map(decodeURIComponent)
  if (first === 'realms')
    return second === fake.realm
      ? respondPublicly(fake, tokens, rest.join('/'), body)
      : [404, { error: 'Realm does not exist' }]
  if (first !== 'admin' || second !== 'realms') return [404, { error: 'HTTP 404 Not Found' }]
  if (!fake.admits(request)) return [401, { error: 'HTTP 401 Unauthorized' }]
  const [realm, ...path] = rest
  return realm === fake.realm
    ? respondToAdmin(fake, path.join('/'), url.searchParams)
    : [404, { error: 'Realm not found.' }]
}

function respondPublicly(fake: FakeKeycloak, tokens: Set<string>, path: string, body: string): Reply {
  const { realm, issuer, notBefore } = fake
  if (path === '') return [200, { realm, 'tokens-not-before': notBefore }]
  if (path === '.well-known/openid-configuration')
    return [200, { issuer, jwks_uri: `${issuer}/protocol/openid-connect/certs` }]
  if (path !== 'protocol/openid-connect/token') return [404, { error: 'HTTP 404 Not Found' }]
  const form = new URLSearchParams(body)
  const secret = fake.accounts.get(form.get('client_id') ?? '')
  if (secret === undefined || secret !== form.get('client_secret')) return [401, { error: 'unauthorized_client' }]
  const iat = Math.floor(Date.now() / 1000) + fake.aheadSeconds
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  const token = `${part({ alg: 'RS256' })}.${part({ iat, jti: crypto.randomUUID() })}.c2lnbmF0dXJl`
  tokens.add(token)
  return [200, { access_token: token, expires_in: fake.tokenLifetimeSeconds, token_type: 'Bearer' }]
}

function respondToAdmin(fake: FakeKeycloak, path: string, query: URLSearchParams): Reply {
  const forbidden: Reply = [403, { error: 'HTTP 403 Forbidden' }]
  switch (path) {
    case 'events':
      return fake.rights.has('view-events') ? page(fake, fake.userEvents, 'type', ['type'], query) : forbidden
    case 'admin-events':
      return fake.rights.has('view-events')
        ? page(fake, fake.adminEvents, 'operationType', ['operationTypes', 'resourceTypes'], query)
        : forbidden
    case 'events/config':
      return fake.rights.has('view-events') ? [200, fake.eventsConfig] : forbidden
    case 'users':
      return fake.rights.has('view-users') ? [200, []] : forbidden
    case 'clients':
      return fake.rights.has('view-clients') ? [200, []] : forbidden
    case '':
      return [200, fake.rights.has('view-realm') ? fake.realmDocument : { realm: fake.realm }]
    default:
      return [404, { error: 'User not found' }]
  }
}

/** Filters events by time (inclusive) and type, sorts them by time, and returns a page. */
function page(
  fake: FakeKeycloak,
  events: readonly FakeEvent[],
  member: string,
  filters: readonly string[],
  query: URLSearchParams,
): Reply {
  const asked = filters.flatMap((name) => query.getAll(name))
  if (!asked.every(fake.knownTypes)) return [500, { error: 'unknown_error' }]
  const names = query.getAll(filters[0] ?? '')
  const from = Number(query.get('dateFrom') ?? 0)
  const first = Number(query.get('first') ?? 0)
  const max = Number(query.get('max') ?? 100)
  const ordered = query.get('direction') === 'asc' ? sorted(events) : [...sorted(events)].reverse()
  const found: FakeEvent[] = []
  for (const event of ordered) {
    if (found.length === first + max) break
    if (event.time >= from && (names.length === 0 || names.includes(String(event[member])))) found.push(event)
  }
  return [200, found.slice(first)]
}

const SORTED = new WeakMap<readonly FakeEvent[], readonly FakeEvent[]>()

/** Returns the events in order of time. Sorts them again only if their number has changed. */
function sorted(events: readonly FakeEvent[]): readonly FakeEvent[] {
  const known = SORTED.get(events)
  if (known?.length === events.length) return known
  const found = [...events].sort((a, b) => a.time - b.time)
  SORTED.set(events, found)
  return found
}
