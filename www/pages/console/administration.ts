// Functions for the administrators' routes of the realm, which have the names of Keycloak's Admin API.

import { ApiError, type Answer, type ApiRequest, type Demo } from '../parts/api.ts'

export interface User {
  /** The `sub`. */
  id: string
  username: string
  roles?: string[]
  /** Tokens issued up to this time are refused; Unix seconds, 0 if unset. */
  notBefore: number
  /** Tokens with a lower version are refused. */
  tokenVersion: number
}

export interface UserSession {
  /** The `sid`. */
  id: string
  userId: string
  username: string
  /** Unix seconds. */
  start: number
  /** Unix seconds. */
  lastAccess: number
  clients: string[]
  ipAddress?: string
}

/** An app of a user. */
export interface Grant {
  clientId: string
  /** How many of the user's sessions use it. */
  sessions: number
  /** Unix seconds. */
  lastAccess?: number
  /** The user's tokens issued to it up to this time are refused; Unix seconds, 0 if unset. */
  notBefore: number
}

export interface Key {
  kid?: string
  thumbprint?: string
  algorithm?: string
  use: string
  status: 'ACTIVE' | 'PASSIVE' | 'DISABLED'
  banned: boolean
  /** Unix seconds. */
  createdAt?: number
  /** Tokens that it signed up to this time are refused; Unix seconds, 0 if unset. */
  notBefore: number
}

export interface Edge {
  name: string
  sequence?: number
  /** Unix seconds. */
  acknowledgedAt?: number
  state: 'current' | 'behind' | 'silent' | 'unheard'
  behindBy?: number
  /** The minor version of the wire format that it announces. */
  minor?: number
}

/** An entry of the audit log. */
export interface AuditLine {
  id: number
  /** Unix seconds. */
  at: number
  action: string
  actor?: string
  subject?: string
  sequence?: number
  reason?: string
  address?: string
  detail?: string
}

export interface EventFilter {
  action?: string
  actor?: string
  subject?: string
  /** Only entries older than the one with this id. */
  before?: number
  /** The maximum number of entries. */
  max: number
}

/** The origin's response to a change that waited for the edges. */
export interface Enforcement {
  sequence: number
  enforced: number
  total: number
  elapsedMs: number
  /** The names of the edges that did not acknowledge the change in time. */
  missing: string[]
}

export type Correction =
  | { kind: 'session'; session: string; notBefore?: number }
  | { kind: 'user'; subject: string; notBefore?: number }
  | { kind: 'grant'; subject: string; client: string; notBefore?: number }
  | { kind: 'client'; client: string; notBefore?: number }
  | { kind: 'realm'; notBefore?: number }
  | { kind: 'keyBanned'; thumbprint: string }
  | { kind: 'keyNotBefore'; thumbprint: string; notBefore?: number }
  | { kind: 'tokenVersion'; subject: string; minimum: number }

/** Sends a request with the administrator's token; throws `ApiError` unless it succeeds. */
type Ask = (path: string, asked?: ApiRequest) => Promise<Answer>

/** Timeout of a change that waits for the edges. */
const ENFORCEMENT_TIMEOUT_MS = 5_000

export class Administration {
  readonly #ask: Ask
  readonly #base: string

  constructor(demo: Demo, ask: Ask) {
    this.#ask = ask
    this.#base = `/admin/realms/${encodeURIComponent(demo.realm)}`
  }

  /** Returns `undefined` if the issuer runs elsewhere and keeps its users itself. */
  users(query: { search?: string; first: number; max: number }): Promise<User[] | undefined> {
    return orUndefined(this.#list(`users?${queryOf(query)}`))
  }

  /** Returns `undefined` in the same case, and for an unknown user. */
  sessions(userId: string): Promise<UserSession[] | undefined> {
    return orUndefined(this.#list(`users/${encodeURIComponent(userId)}/sessions`))
  }

  /** Returns the known apps of a user; `undefined` if the issuer does not know the user. */
  grants(userId: string): Promise<Grant[] | undefined> {
    return orUndefined(this.#list(`users/${encodeURIComponent(userId)}/grants`))
  }

  async keys(): Promise<Key[]> {
    return ((await this.#get('keys')) as { keys: Key[] }).keys
  }

  edges(): Promise<Edge[]> {
    return this.#list('edges')
  }

  /** Returns entries, newest first, and whether there are older ones. */
  async events(filter: EventFilter): Promise<{ lines: AuditLine[]; more: boolean }> {
    const { body, headers } = await this.#ask(`${this.#base}/events?${queryOf(filter)}`)
    return { lines: body as AuditLine[], more: headers.get('link') !== null }
  }

  /** Returns every action that the audit log may contain, according to the origin's OpenAPI document. */
  async auditActions(): Promise<string[]> {
    const document = (await this.#ask('/openapi.json')).body as OpenApiDocument
    const parameters = document.paths['/admin/realms/{realm}/events']?.get?.parameters ?? []
    return parameters.find(({ name }) => name === 'action')?.schema?.enum ?? []
  }

  logOutSession(sid: string, reason: string): Promise<Enforcement> {
    return this.#change('DELETE', `sessions/${encodeURIComponent(sid)}`, reason)
  }

  logOutUser(id: string, reason: string): Promise<Enforcement> {
    return this.#change('POST', `users/${encodeURIComponent(id)}/logout`, reason)
  }

  /** Sends the client's id in the body, where it may contain any character. */
  disconnect(user: string, client: string, reason: string): Promise<Enforcement> {
    return this.#change('POST', 'grants/end', reason, { json: { user, client } })
  }

  logOutAllUsers(reason: string): Promise<Enforcement> {
    return this.#change('POST', 'logout-all', reason)
  }

  raiseTokenVersion(id: string, minimum: number, reason: string): Promise<Enforcement> {
    return this.#change('PUT', `users/${encodeURIComponent(id)}/token-version`, reason, { json: { minimum } })
  }

  rotateKeys(reason: string): Promise<Enforcement> {
    return this.#change('POST', 'keys', reason)
  }

  retireKey(kid: string, reason: string): Promise<Enforcement> {
    return this.#change('POST', `keys/${encodeURIComponent(kid)}/retire`, reason)
  }

  banKey(kid: string, force: boolean, reason: string): Promise<Enforcement> {
    return this.#change('DELETE', `keys/${encodeURIComponent(kid)}`, reason, { query: { force: String(force) } })
  }

  /** `notBefore` is in Unix seconds; default now. */
  raiseKeyNotBefore(kid: string, notBefore: number | undefined, reason: string): Promise<Enforcement> {
    const json = notBefore === undefined ? {} : { notBefore }
    return this.#change('PUT', `keys/${encodeURIComponent(kid)}/not-before`, reason, { json })
  }

  correct(correction: Correction, reason: string): Promise<Enforcement> {
    return this.#change('POST', 'corrections', reason, { json: correction })
  }

  async #get(path: string): Promise<unknown> {
    return (await this.#ask(`${this.#base}/${path}`)).body
  }

  async #list<T>(path: string): Promise<T[]> {
    const body = await this.#get(path)
    if (!Array.isArray(body)) throw new ApiError('unexpected_answer', 'The origin’s response was not a list.')
    return body as T[]
  }

  async #change(
    method: 'POST' | 'PUT' | 'DELETE',
    path: string,
    reason: string,
    { query = {}, json }: { query?: Record<string, string>; json?: object } = {},
  ): Promise<Enforcement> {
    const waiting = queryOf({ wait: 'enforced', timeoutMs: ENFORCEMENT_TIMEOUT_MS, reason, ...query })
    const asked = { method, ...(json === undefined ? {} : { json }) }
    return (await this.#ask(`${this.#base}/${path}?${waiting}`, asked)).body as Enforcement
  }
}

interface OpenApiDocument {
  paths: Record<string, { get?: { parameters?: { name: string; schema?: { enum?: string[] } }[] } }>
}

/** Maps a 404 to `undefined`. */
async function orUndefined<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return undefined
    throw error
  }
}

/** Builds a query string without the parameters that have no value. */
function queryOf(parameters: object): URLSearchParams {
  const given = Object.entries(parameters as Record<string, string | number | undefined>)
  return new URLSearchParams(
    given.flatMap(([name, value]) => (value === undefined || value === '' ? [] : [[name, String(value)]])),
  )
}
