// Keycloak's Admin REST API, called as an administrator of the realm `master`.

import { answerOf, send, type Answer } from './http.ts'

/** Tokens have a lifetime of 60 s. */
const RENEW_SECONDS = 30

interface Credentials {
  username: string
  password: string
}

export class Admin {
  readonly #url: string
  readonly #credentials: Credentials
  #token: { value: string; since: number } | undefined

  constructor(url: string, credentials: Credentials) {
    this.#url = url
    this.#credentials = credentials
  }

  /** Sends a request, such as `DELETE /admin/realms/acme/sessions/…`. The response may be a refusal. */
  async request(method: string, path: string, body?: unknown): Promise<Answer> {
    const headers: Record<string, string> = { authorization: `Bearer ${await this.#renewed()}` }
    if (body !== undefined) headers['content-type'] = 'application/json'
    return answerOf(
      await send(this.#url + path, { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) }),
    )
  }

  /** Sends a request and throws if it is refused. */
  async change(method: string, path: string, body?: unknown): Promise<Answer> {
    const answer = await this.request(method, path, body)
    if (answer.status >= 300)
      throw new Error(`Keycloak returned ${answer.status} for ${method} ${path}: ${answer.text.slice(0, 300)}`)
    return answer
  }

  async read<T>(path: string): Promise<T> {
    return JSON.parse((await this.change('GET', path)).text) as T
  }

  async #renewed(): Promise<string> {
    const now = performance.now()
    if (this.#token !== undefined && now - this.#token.since < RENEW_SECONDS * 1000) return this.#token.value
    const { username, password } = this.#credentials
    const form = new URLSearchParams({ client_id: 'admin-cli', grant_type: 'password', username, password })
    const answer = await answerOf(
      await send(`${this.#url}/realms/master/protocol/openid-connect/token`, { method: 'POST', body: form }),
    )
    if (answer.status !== 200) throw new Error(`Keycloak refused its administrator: ${answer.status}`)
    const { access_token: value } = JSON.parse(answer.text) as { access_token: string }
    this.#token = { value, since: now }
    return value
  }
}
