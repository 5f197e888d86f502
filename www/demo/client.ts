// HTTP requests of a user, an administrator and an attacker to the running demo.

import { edgeUrl, originUrl, REALM, type Place } from './settings.ts'
import { pause } from './child.ts'

export interface Login {
  access_token: string
  refresh_token: string
  expires_in: number
}

export interface Answer {
  status: number
  /** Typed as an object; cast lists: `body as unknown as …[]`. */
  body: Record<string, unknown>
  challenge: string | null
}

/** The edge's first refusal, and the milliseconds from the response to the revocation until then. */
export interface Refusal {
  answer: Answer
  milliseconds: number
}

const REFUSAL_SECONDS = 5
const ANSWER_SECONDS = 20

export class Client {
  readonly #place: Place

  constructor(place: Place) {
    this.#place = place
  }

  async logIn(username: string, client = 'demo'): Promise<Login> {
    const form = {
      grant_type: 'password',
      client_id: client,
      username,
      password: `${username}-password`,
      ...secretOf(client),
    }
    const answer = await this.#form('token', form)
    if (answer.status !== 200) throw new Error(`login failed with ${answer.status}: ${JSON.stringify(answer.body)}`)
    return answer.body as unknown as Login
  }

  /** Uses a refresh token (RFC 6749 §6). */
  refresh(refreshToken: string, client = 'demo'): Promise<Answer> {
    return this.#form('token', {
      grant_type: 'refresh_token',
      client_id: client,
      refresh_token: refreshToken,
      ...secretOf(client),
    })
  }

  /** Revokes an access or refresh token as its client (RFC 7009 §2.1). */
  revokeAsClient(token: string, client: string): Promise<Answer> {
    return this.#form('revoke', { token, client_id: client, ...secretOf(client) })
  }

  /** Calls the protected API at the edge. */
  async call(token: string): Promise<Answer> {
    return answerOf(await send(`${edgeUrl(this.#place)}/api/whoami`, { headers: { authorization: `Bearer ${token}` } }))
  }

  async revoke(token: string): Promise<Answer> {
    return answerOf(
      await send(`${originUrl(this.#place)}/v1/auth/token/revoke`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ token }),
      }),
    )
  }

  /** Calls an administrator's route of the realm, such as `POST users/{id}/logout`. */
  async administer(token: string, method: string, path: string, body?: object): Promise<Answer> {
    const headers: Record<string, string> = { authorization: `Bearer ${token}` }
    if (body !== undefined) headers['content-type'] = 'application/json'
    return answerOf(
      await send(`${originUrl(this.#place)}/admin/realms/${REALM}/${path}`, {
        method,
        headers,
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      }),
    )
  }

  logOutEverywhere(adminToken: string, subject: string): Promise<Answer> {
    return this.administer(adminToken, 'POST', `users/${encodeURIComponent(subject)}/logout`)
  }

  async edgeSequence(): Promise<number | undefined> {
    const response = await send(`${edgeUrl(this.#place)}/portcullis/status`)
    const body = (await response.json()) as { sequence?: number }
    return response.ok ? body.sequence : undefined
  }

  async originSequence(): Promise<number> {
    const response = await send(`${originUrl(this.#place)}/healthz`)
    const body = (await response.json()) as { realms: Record<string, { sequence: number }> }
    return body.realms[REALM]?.sequence ?? 0
  }

  async #form(endpoint: 'token' | 'revoke', form: Record<string, string>): Promise<Answer> {
    const url = `${originUrl(this.#place)}/realms/${REALM}/protocol/openid-connect/${endpoint}`
    return answerOf(await send(url, { method: 'POST', body: new URLSearchParams(form) }))
  }

  /** Calls until the edge refuses, and measures how long that takes. */
  async refused(token: string): Promise<Refusal> {
    const start = performance.now()
    for (;;) {
      const answer = await this.call(token)
      const milliseconds = performance.now() - start
      if (answer.status === 401) return { answer, milliseconds }
      if (milliseconds > REFUSAL_SECONDS * 1000) throw new Error(`still accepted after ${REFUSAL_SECONDS} s`)
      await pause(1)
    }
  }
}

/** The demo's confidential client has a secret. */
function secretOf(client: string): { client_secret?: string } {
  return client === 'backend' ? { client_secret: 'backend-secret' } : {}
}

/** Sends a request with a timeout. */
function send(url: string, init: RequestInit = {}): Promise<Response> {
  return fetch(url, { ...init, signal: AbortSignal.timeout(ANSWER_SECONDS * 1000) })
}

/** Reads a token's claims without verifying it, as any holder can. */
export function claimsOf(token: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as Record<string, unknown>
}

async function answerOf(response: Response): Promise<Answer> {
  const text = await response.text()
  let body: Record<string, unknown> = {}
  if (text !== '') body = JSON.parse(text) as Record<string, unknown>
  return { status: response.status, body, challenge: response.headers.get('www-authenticate') }
}
