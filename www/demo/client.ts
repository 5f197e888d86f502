// What a user, an administrator and an attacker do: plain HTTP against the running demo.

import { edgeUrl, originUrl, REALM, type Place } from './settings.ts'
import { pause } from './child.ts'

export interface Login {
  access_token: string
  refresh_token: string
  expires_in: number
}

export interface Answer {
  status: number
  body: Record<string, unknown>
  challenge: string | null
}

/** How a refusal came about: milliseconds from the revocation's answer to the edge's first refusal. */
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
    const response = await send(`${originUrl(this.#place)}/realms/${REALM}/protocol/openid-connect/token`, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'password',
        client_id: client,
        username,
        password: `${username}-password`,
      }),
    })
    if (!response.ok) throw new Error(`login answered ${response.status}: ${await response.text()}`)
    return (await response.json()) as Login
  }

  /** Calls the protected API at the edge. */
  async call(token: string): Promise<Answer> {
    return answerOf(
      await send(`${edgeUrl(this.#place)}/api/whoami`, { headers: { authorization: `Bearer ${token}` } }),
    )
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

  async logOutEverywhere(adminToken: string, subject: string): Promise<Answer> {
    return answerOf(
      await send(`${originUrl(this.#place)}/admin/realms/${REALM}/users/${encodeURIComponent(subject)}/logout`, {
        method: 'POST',
        headers: { authorization: `Bearer ${adminToken}` },
      }),
    )
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

  /** Calls until the edge refuses, and tells how long that took from now on. */
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

/** A request that gets no answer fails, rather than wait for ever. */
function send(url: string, init: RequestInit = {}): Promise<Response> {
  return fetch(url, { ...init, signal: AbortSignal.timeout(ANSWER_SECONDS * 1000) })
}

/** The claims of a token, unverified: what any holder can read. */
export function claimsOf(token: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as Record<string, unknown>
}

async function answerOf(response: Response): Promise<Answer> {
  const text = await response.text()
  let body: Record<string, unknown> = {}
  if (text !== '') body = JSON.parse(text) as Record<string, unknown>
  return { status: response.status, body, challenge: response.headers.get('www-authenticate') }
}
