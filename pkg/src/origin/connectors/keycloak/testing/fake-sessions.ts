// Users, sessions, consents and not-befores of a fake Keycloak, with the routes of the admin API that act on them.

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { FakeKeycloak } from './fake-keycloak.ts'

export interface FakeSession {
  user: string
  kind: 'online' | 'offline'
  /** Unix seconds. */
  start: number
  lastAccess: number
  /** The client's name; its internal id is `uuid-<name>`. */
  client: string
}

interface FakeUser {
  enabled: boolean
  notBefore: number
  attributes: Record<string, string[]>
  [member: string]: unknown
}

export interface FakeSessions {
  /** Keyed by `sid`. */
  sessions: Map<string, FakeSession>
  /** Keyed by `sub`. */
  users: Map<string, FakeUser>
  /** Unix milliseconds of their creation, keyed by `<sub> <client>`. */
  consents: Map<string, number>
  /** Unix seconds, keyed by name. */
  clients: Map<string, number>
  /** How to respond to a request for a path instead of performing it, or after performing it if `after`. */
  misbehave: { path: RegExp; status: number | 'reset' | 'hang'; after?: true } | undefined
  /** Requests that act, in order, such as `DELETE sessions/s1`. */
  acts: string[]
  /** Called before a request gets its response. */
  onRequest: ((method: string, path: string) => void) | undefined
}

/** Adds these to a fake Keycloak, with the users `alice` and `bob` and the clients `web` and `spa`. */
export function addSessions(fake: FakeKeycloak): FakeSessions {
  const user = (id: string): FakeUser => ({
    id,
    username: id,
    email: `${id}@example.test`,
    enabled: true,
    requiredActions: [],
    notBefore: 0,
    attributes: {},
  })
  const state: FakeSessions = {
    sessions: new Map(),
    users: new Map(['alice', 'bob'].map((id) => [id, user(id)])),
    consents: new Map(),
    clients: new Map([
      ['web', 0],
      ['spa', 0],
    ]),
    misbehave: undefined,
    acts: [],
    onRequest: undefined,
  }
  fake.rights = new Set([...fake.rights, 'manage-users', 'manage-realm', 'manage-clients'])
  fake.intercept = (request, response) => intercept(fake, state, request, response)
  return state
}

type Reply = [status: number, body?: unknown]

const NOT_FOUND: Reply = [404, { error: 'Sesssion not found' }]
const FORBIDDEN: Reply = [403, { error: 'HTTP 403 Forbidden' }]
const DONE: Reply = [204]

function intercept(
  fake: FakeKeycloak,
  state: FakeSessions,
  request: IncomingMessage,
  response: ServerResponse,
): boolean {
  const url = new URL(request.url ?? '/', fake.baseUrl)
  const { misbehave } = state
  const isHit = misbehave?.path.test(url.pathname) === true
  if (isHit && misbehave.after === undefined && misbehave.status !== 'hang')
    return misanswer(misbehave.status, response)
  const [, , realm, ...path] = url.pathname.split('/').slice(1).map(decodeURIComponent)
  if (!url.pathname.startsWith('/admin/realms/') || realm !== fake.realm || !fake.admits(request)) return false
  const method = request.method ?? ''
  state.onRequest?.(method, path.join('/'))
  if (isHit && misbehave.after === undefined) return true
  const reply = respond(fake, state, method, path, url.searchParams, fake.requests.at(-1)?.body ?? '')
  if (reply === undefined) return false
  if (method !== 'GET') state.acts.push(`${method} ${path.join('/')}${url.search}`)
  if (isHit) return misbehave.status === 'hang' || misanswer(misbehave.status, response)
  const [status, body] = reply
  response.writeHead(status, { 'content-type': 'application/json' }).end(body === undefined ? '' : JSON.stringify(body))
  return true
}

function misanswer(status: number | 'reset' | 'hang', response: ServerResponse): boolean {
  if (typeof status === 'number')
    response.writeHead(status, { 'content-type': 'application/json' }).end('{"error":"made-up"}')
  else response.socket?.destroy()
  return true
}

function respond(
  fake: FakeKeycloak,
  state: FakeSessions,
  method: string,
  path: string[],
  query: URLSearchParams,
  body: string,
): Reply | undefined {
  const [first = '', ...rest] = path.filter((segment) => segment !== '')
  const has = (right: string): boolean => fake.rights.has(right)
  switch (first) {
    case 'sessions':
      return has('manage-users')
        ? endSession(state, rest[0] ?? '', query.get('isOffline') === 'true' ? 'offline' : 'online')
        : FORBIDDEN
    case 'users':
      return has('manage-users') ? respondOnUser(fake, state, method, rest, body) : FORBIDDEN
    case 'clients':
      return has('manage-clients') ? respondOnClient(state, method, rest, query, body) : FORBIDDEN
    case 'logout-all':
      return has('manage-users') ? logoutAll(fake, state) : FORBIDDEN
    case 'push-revocation':
      return has('manage-realm') ? [200, {}] : FORBIDDEN
    case '':
      if (!has('manage-realm')) return FORBIDDEN
      if (method === 'PUT') fake.notBefore = (JSON.parse(body) as { notBefore: number }).notBefore
      return method === 'PUT' ? DONE : [200, { realm: fake.realm, notBefore: fake.notBefore }]
    default:
      return undefined
  }
}

function endSession({ sessions }: FakeSessions, sid: string, kind: FakeSession['kind']): Reply {
  if (sessions.get(sid)?.kind !== kind) return NOT_FOUND
  sessions.delete(sid)
  return DONE
}

function respondOnUser(
  fake: FakeKeycloak,
  state: FakeSessions,
  method: string,
  [sub = '', what, name = '']: string[],
  body: string,
): Reply {
  const user = state.users.get(sub)
  if (user === undefined) return [404, { error: 'User not found' }]
  const own = [...state.sessions].filter(([, session]) => session.user === sub)
  switch (what) {
    case 'logout':
      for (const [sid, { kind }] of own) if (kind === 'online') state.sessions.delete(sid)
      user.notBefore = Math.floor(Date.now() / 1000) + fake.aheadSeconds
      return DONE
    case 'sessions':
      return [200, own.filter(([, { kind }]) => kind === 'online').map(listed)]
    case 'offline-sessions':
      return [200, own.filter(([, { kind, client }]) => kind === 'offline' && `uuid-${client}` === name).map(listed)]
    case 'consents':
      return method === 'DELETE' ? endConsent(state, sub, name, own) : [200, consentsOf(state, sub, own)]
    default:
      if (method === 'PUT') state.users.set(sub, { ...user, ...(JSON.parse(body) as object) })
      return method === 'PUT' ? DONE : [200, user]
  }
}

function consentsOf({ consents }: FakeSessions, sub: string, own: [string, FakeSession][]): object[] {
  const given = [...consents]
    .filter(([key]) => key.startsWith(`${sub} `))
    .map(([key, createdDate]) => ({ clientId: key.slice(sub.length + 1), createdDate }))
  const offline = own.filter(([, { kind }]) => kind === 'offline')
  return [
    ...given,
    ...offline.map(([, { client }]) => ({
      clientId: client,
      additionalGrants: [{ client: `uuid-${client}`, key: 'Offline Token' }],
    })),
  ]
}

function endConsent(state: FakeSessions, sub: string, client: string, own: [string, FakeSession][]): Reply {
  if (!state.clients.has(client)) return [404, { error: 'Client not found' }]
  if (!state.consents.delete(`${sub} ${client}`)) return [404, { error: 'Consent nor offline token not found' }]
  for (const [sid, session] of own) if (session.client === client) state.sessions.delete(sid)
  return DONE
}

function respondOnClient(
  state: FakeSessions,
  method: string,
  [uuid, what]: string[],
  query: URLSearchParams,
  body: string,
): Reply {
  const all = [...state.clients].map(([clientId, notBefore]) => ({ id: `uuid-${clientId}`, clientId, notBefore }))
  if (uuid === undefined)
    return [
      200,
      page(
        all.filter(({ clientId }) => [null, clientId].includes(query.get('clientId'))),
        query,
      ),
    ]
  const client = uuid.replace('uuid-', '')
  const of = (kind: FakeSession['kind']) =>
    [...state.sessions].filter(([, session]) => session.client === client && session.kind === kind).map(listed)
  if (what === 'user-sessions') return [200, page(of('online'), query)]
  if (what === 'offline-sessions') return [200, page(of('offline'), query)]
  if (method === 'PUT') state.clients.set(client, (JSON.parse(body) as { notBefore: number }).notBefore)
  return what === 'push-revocation' ? [200, {}] : DONE
}

function page<T>(all: T[], query: URLSearchParams): T[] {
  const first = Number(query.get('first') ?? 0)
  return all.slice(first, first + Number(query.get('max') ?? 100))
}

/** Also ends the caller's token. */
function logoutAll(fake: FakeKeycloak, { sessions }: FakeSessions): Reply {
  for (const [sid, { kind }] of sessions) if (kind === 'online') sessions.delete(sid)
  fake.notBefore = Math.floor(Date.now() / 1000) + fake.aheadSeconds
  fake.revokeTokens()
  return [200, {}]
}

function listed([id, { user, start, lastAccess, client }]: [string, FakeSession]): object {
  return {
    id,
    userId: user,
    start: start * 1000,
    lastAccess: lastAccess * 1000,
    clients: { [`uuid-${client}`]: client },
  }
}
