// The administrator's login, shared by all tabs of the console. Its tokens are in memory only and are lost when the
// last tab closes.

import { createSession, type Session, type SignOutReason } from 'portcullis/browser'
import { type Answer, ApiError, type ApiRequest, CLIENT, type Demo, logIn, request, tokenPath } from '../parts/api.ts'
import { readToken } from '../parts/token.ts'

/** Broadcast channel of the console; other pages have separate logins. */
const CHANNEL = 'portcullis-console'

/** The logged-in administrator. */
interface Identity {
  subject: string
  username: string
  session: string
  /** The key that signed the access token. */
  kid: string
  /** Its issue time, in Unix seconds. */
  issuedAt: number
}

interface AdminSessionEvents {
  /** Called after a login in this or another tab. */
  onLoggedIn: () => void
  onLoggedOut: (reason: SignOutReason) => void
}

export class AdminSession {
  readonly #demo: Demo
  readonly #session: Session
  readonly #revokePath: string
  #token = ''

  private constructor(demo: Demo) {
    this.#demo = demo
    this.#revokePath = tokenPath(demo).replace(/token$/, 'revoke')
    this.#session = createSession({
      tokenUrl: new URL(tokenPath(demo), location.origin),
      clientId: CLIENT,
      revokeUrl: new URL(this.#revokePath, location.origin),
      allowedOrigins: [location.origin],
      channel: CHANNEL,
    })
  }

  /** Joins the login of another tab, if one exists, and then calls `onLoggedIn`. */
  static async open(demo: Demo, { onLoggedIn, onLoggedOut }: AdminSessionEvents): Promise<AdminSession> {
    const opened = new AdminSession(demo)
    await opened.#current()
    opened.#session.on('signed-in', () => void opened.#current().then(onLoggedIn))
    opened.#session.on('signed-out', onLoggedOut)
    return opened
  }

  get isLoggedIn(): boolean {
    return this.#session.signedIn
  }

  get identity(): Identity {
    const { header, claims } = readToken(this.#token)
    const text = (value: unknown): string => (typeof value === 'string' ? value : '')
    return {
      subject: text(claims?.['sub']),
      username: text(claims?.['preferred_username']),
      session: text(claims?.['sid']),
      kid: text(header?.['kid']),
      issuedAt: typeof claims?.['iat'] === 'number' ? claims['iat'] : 0,
    }
  }

  /** Throws an `ApiError`, also for a user who is not an administrator. */
  async logIn(username: string, password: string): Promise<void> {
    const {
      access_token: accessToken,
      refresh_token: refreshToken,
      expires_in: expiresInSeconds,
    } = await logIn(this.#demo, username, password)
    try {
      await request(`/admin/realms/${encodeURIComponent(this.#demo.realm)}/edges`, { token: accessToken })
    } catch (error) {
      const form = { client_id: CLIENT, token: refreshToken }
      await request(this.#revokePath, { method: 'POST', form }).catch(() => undefined)
      throw error
    }
    await this.#session.signIn({ accessToken, refreshToken, expiresInSeconds })
  }

  /** Sends a request with the access token; if it is refused, retries once with a new one. */
  readonly ask = async (path: string, asked: ApiRequest = {}): Promise<Answer> => {
    const token = await this.#current()
    try {
      return await request(path, { ...asked, token })
    } catch (error) {
      if (!isRefusal(error)) throw error
      // Another request may have refreshed the token in the meantime.
      if ((await this.#current()) === token && (await this.#session.refresh()) === 'unavailable') throw error
    }
    return request(path, { ...asked, token: await this.#current() })
  }

  /** Ends the login at the origin and in all tabs. If the origin cannot be reached, it still ends in the browser. */
  async logOut(): Promise<void> {
    await this.#session.logout()
  }

  async #current(): Promise<string> {
    this.#token = (await this.#session.accessToken()) ?? ''
    if (this.#token === '' && this.#session.signedIn)
      throw new ApiError('unreachable', 'The demo cannot be reached. Is it still running?')
    return this.#token
  }
}

function isRefusal(error: unknown): boolean {
  return error instanceof ApiError && error.status === 401
}
