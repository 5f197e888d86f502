// The administrator's login. Its tokens are in this page's memory only: a reload forgets them.

import { type Answer, ApiError, type ApiRequest, CLIENT, type Demo, logIn, request, tokenPath, type Tokens } from '../parts/api.ts'
import { readToken } from '../parts/token.ts'

export class AdminSession {
  readonly #demo: Demo
  readonly #onEnded: () => void
  #tokens: Tokens | undefined
  #refreshing: Promise<Tokens> | undefined

  constructor(demo: Demo, onEnded: () => void) {
    this.#demo = demo
    this.#onEnded = onEnded
  }

  /** Throws an `ApiError`, also for a user who is no administrator. */
  async logIn(username: string, password: string): Promise<void> {
    this.#tokens = await logIn(this.#demo, username, password)
    try {
      await request(`/admin/realms/${encodeURIComponent(this.#demo.realm)}/edges`, { token: this.#tokens.access_token })
    } catch (error) {
      await this.logOut()
      throw error
    }
  }

  /** What the access token says of who is logged in and of the key that signed it. */
  get identity(): { subject: string; username: string; session: string; kid: string } {
    const { header, claims } = readToken(this.#tokens?.access_token ?? '')
    const text = (value: unknown): string => (typeof value === 'string' ? value : '')
    return {
      subject: text(claims?.['sub']),
      username: text(claims?.['preferred_username']),
      session: text(claims?.['sid']),
      kid: text(header?.['kid']),
    }
  }

  /** Asks with the access token; with a new one, once, if it is refused. */
  readonly ask = async (path: string, asked: ApiRequest = {}): Promise<Answer> => {
    const tokens = this.#tokens
    if (tokens === undefined) throw loggedOut()
    try {
      return await request(path, { ...asked, token: tokens.access_token })
    } catch (error) {
      if (!isRefusal(error)) throw error
    }
    const { access_token: token } = this.#tokens === tokens ? await this.#refresh(tokens) : (this.#tokens ?? tokens)
    try {
      return await request(path, { ...asked, token })
    } catch (error) {
      if (isRefusal(error)) this.end()
      throw error
    }
  }

  /** Ends the session at the origin and here; here also when the origin cannot be reached. */
  async logOut(): Promise<void> {
    const token = this.#tokens?.refresh_token
    this.#tokens = undefined
    if (token === undefined) return
    const path = tokenPath(this.#demo).replace(/token$/, 'revoke')
    await request(path, { method: 'POST', form: { client_id: CLIENT, token, token_type_hint: 'refresh_token' } }).catch(() => undefined)
  }

  /** A refresh token may be used once: whoever asks meanwhile waits for the same answer. */
  async #refresh({ refresh_token: token }: Tokens): Promise<Tokens> {
    const form = { grant_type: 'refresh_token', client_id: CLIENT, refresh_token: token }
    this.#refreshing ??= request(tokenPath(this.#demo), { method: 'POST', form })
      .then(({ body }) => (this.#tokens = body as Tokens))
      .finally(() => (this.#refreshing = undefined))
    try {
      return await this.#refreshing
    } catch (error) {
      if (!(error instanceof ApiError) || error.status === undefined || error.status >= 500) throw error
      this.end()
      throw loggedOut()
    }
  }

  /** The tokens are refused by now: they are forgotten. */
  end(): void {
    if (this.#tokens === undefined) return
    this.#tokens = undefined
    this.#onEnded()
  }
}

function isRefusal(error: unknown): boolean {
  return error instanceof ApiError && error.status === 401
}

function loggedOut(): ApiError {
  return new ApiError('logged_out', 'You are logged out.', 401)
}
