// Requests to the demo's origin and edge. Every failure is an ApiError with a sentence for the user.

import type { JWK } from 'portcullis'

/** The demo that this page belongs to (`/demo.json`). */
export interface Demo {
  edge: string
  issuer: string
  realm: string
  feedKeys: JWK[]
}

/** The demo's public client. */
export const CLIENT = 'demo'

/** A response of the token endpoint (RFC 6749 §5.1). */
interface Tokens {
  access_token: string
  refresh_token: string
  expires_in: number
}

export interface Answer {
  status: number
  headers: Headers
  /** The parsed JSON; `undefined` for an empty body. */
  body: unknown
}

export interface ApiRequest {
  method?: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** Sent as `Authorization: Bearer`. */
  token?: string
  /** Sent as JSON. */
  json?: object
  /** Sent as a form. */
  form?: Record<string, string>
  signal?: AbortSignal
}

const TIMEOUT_MS = 10_000

export class ApiError extends Error {
  /** `offline`, `unreachable`, `timed_out`, `not_json`, or the `error` of the response. */
  readonly code: string
  /** `undefined` if there was no response. */
  readonly status: number | undefined

  constructor(code: string, message: string, status?: number) {
    super(message)
    this.name = 'ApiError'
    this.code = code
    this.status = status
  }
}

export async function loadDemo(): Promise<Demo> {
  return (await request('/demo.json')).body as Demo
}

/** Logs in by password (RFC 6749 §4.3), a grant that only the demo's issuer allows. */
export async function logIn(demo: Demo, username: string, password: string): Promise<Tokens> {
  const form = { grant_type: 'password', client_id: CLIENT, username, password }
  const { body } = await request(tokenPath(demo), { method: 'POST', form })
  return body as Tokens
}

export function tokenPath(demo: Demo): string {
  return `/realms/${demo.realm}/protocol/openid-connect/token`
}

/** Calls an administrator's route of the realm, such as `users/{id}/logout`. */
export function administer(demo: Demo, path: string, asked: ApiRequest): Promise<Answer> {
  return request(`/admin/realms/${demo.realm}/${path}`, asked)
}

/** Returns a 2xx response; throws `ApiError` for any other. */
export async function request(url: string, asked: ApiRequest = {}): Promise<Answer> {
  const answer = await ask(url, asked)
  if (answer.status >= 200 && answer.status < 300) return answer
  const { error, error_description: description } = (answer.body ?? {}) as Record<string, unknown>
  const code = typeof error === 'string' ? error : 'unexpected_answer'
  throw new ApiError(code, sentenceOf(answer.status, code, description), answer.status)
}

/** Returns every response, including refusals. */
export async function ask(url: string, asked: ApiRequest = {}): Promise<Answer> {
  const { method = 'GET', token, json, form, signal } = asked
  const headers = new Headers()
  if (token !== undefined) headers.set('authorization', `Bearer ${token}`)
  if (json !== undefined) headers.set('content-type', 'application/json')
  const body = json === undefined ? (form === undefined ? null : new URLSearchParams(form)) : JSON.stringify(json)
  const timeout = AbortSignal.timeout(TIMEOUT_MS)
  try {
    const response = await fetch(url, {
      method,
      headers,
      body,
      cache: 'no-store',
      signal: signal === undefined ? timeout : AbortSignal.any([timeout, signal]),
    })
    return { status: response.status, headers: response.headers, body: parsed(await response.text(), response.status) }
  } catch (error) {
    if (error instanceof ApiError || signal?.aborted) throw error
    if (timeout.aborted) throw new ApiError('timed_out', 'No response within ten seconds. Is the demo still running?')
    if (!navigator.onLine) throw new ApiError('offline', 'This browser is offline.')
    throw new ApiError('unreachable', 'The demo cannot be reached. Is it still running?')
  }
}

/** Describes any thrown value in a sentence. */
export function wordsFor(error: unknown): string {
  return error instanceof ApiError ? error.message : 'An unexpected error occurred; reload the page.'
}

function parsed(text: string, status: number): unknown {
  if (text === '') return undefined
  try {
    return JSON.parse(text)
  } catch {
    throw new ApiError(
      'not_json',
      'The response did not come from the demo. Does another program listen on this port?',
      status,
    )
  }
}

function sentenceOf(status: number, code: string, description: unknown): string {
  if (status === 429) return 'Too many failed attempts. Wait a minute, then try again.'
  if (code === 'invalid_grant') return 'The user name or the password is wrong.'
  if (typeof description === 'string') return `The response was ${status}: ${description}`
  return `The response was ${status} (${code}).`
}
