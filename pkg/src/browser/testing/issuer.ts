import type { TestContext } from 'node:test'
import { json, TestServer } from '../../test-fixtures/server.ts'
import { createSession, type Session, type SessionOptions } from '../index.ts'

/** An issuer with one-time refresh tokens, and an API that knows which access tokens are valid. */
export class Issuer {
  readonly server: TestServer
  refreshes = 0
  expiresIn = 300
  /** Number of the currently valid tokens. */
  current = 0
  reused = false
  revoked: string[] = []
  /** The form sent by the last refresh. */
  form: URLSearchParams = new URLSearchParams()
  /** A listener that replaces the token endpoint. */
  instead: TestServer['listener'] | undefined

  private constructor(server: TestServer) {
    this.server = server
    server.listener = (request, response) => {
      let body = ''
      request.on('data', (chunk: Buffer) => (body += chunk.toString()))
      request.on('end', () => {
        const form = new URLSearchParams(body)
        switch (new URL(request.url ?? '/', 'http://x').pathname) {
          case '/token':
            this.refreshes += 1
            this.form = form
            if (this.instead !== undefined) return this.instead(request, response)
            if (form.get('refresh_token') !== `r${this.current}`) {
              this.reused = true
              return json({ error: 'invalid_grant' }, 400)(request, response)
            }
            this.current += 1
            return json(this.answer())(request, response)
          case '/revoke':
            this.revoked.push(form.get('token') ?? '')
            return response.writeHead(200).end()
          default:
            if (request.headers.authorization === `Bearer a${this.current}`) return json({ body })(request, response)
            return response.writeHead(401, { 'www-authenticate': 'Bearer error="invalid_token"' }).end()
        }
      })
    }
  }

  static async start(t: TestContext): Promise<Issuer> {
    const server = await TestServer.start(() => undefined)
    t.after(() => server.close())
    return new Issuer(server)
  }

  /** Makes the next refresh wait until the test passes its response. */
  hold(): [asked: Promise<void>, answer: (body: object) => void] {
    let answer: (body: object) => void = () => undefined
    const asked = new Promise<void>((resolve) => {
      this.instead = (request, response) => {
        answer = (body) => json(body)(request, response)
        resolve()
      }
    })
    return [asked, (body) => answer(body)]
  }

  /** The app as named by the sessions of `open`. */
  app(client = 'demo'): { app: object; name: string } {
    const endpoint = `${this.server.url}/token`
    return { app: { client, endpoint }, name: JSON.stringify([client, endpoint]) }
  }

  answer(): object {
    return {
      access_token: `a${this.current}`,
      refresh_token: `r${this.current}`,
      token_type: 'Bearer',
      expires_in: this.expiresIn,
    }
  }

  open(t: TestContext, more: Partial<SessionOptions> = {}): Session & { events: string[] } {
    const { url } = this.server
    const session = createSession({
      tokenUrl: `${url}/token`,
      revokeUrl: `${url}/revoke`,
      clientId: 'demo',
      allowedOrigins: [url],
      ...more,
    })
    t.after(() => session.close())
    const events: string[] = []
    session.on('signed-in', () => events.push('signed-in'))
    session.on('refreshed', () => events.push('refreshed'))
    session.on('signed-out', (reason) => events.push(`signed-out: ${reason}`))
    return Object.assign(session, { events })
  }
}

export const GOOD = { accessToken: 'a0', refreshToken: 'r0', expiresInSeconds: 300 }
export const EXPIRED: typeof GOOD = { ...GOOD, expiresInSeconds: 0 }

/** Resolves at the session's next event of that name. */
export function event(session: Session, name: 'signed-in' | 'refreshed' | 'signed-out'): Promise<void> {
  return new Promise((resolve) => {
    const off = session.on(name, () => (off(), resolve()))
  })
}
