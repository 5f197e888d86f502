// The tab's session: logs in and out, calls the API, and measures how soon the edge refuses its last token.

import { createSession, type LoggedOut, type Session, type SignOutReason } from 'portcullis/browser'
import { Administrator } from '../parts/administrator.ts'
import { CLIENT, type Demo, logIn, tokenPath } from '../parts/api.ts'
import { readToken } from '../parts/token.ts'

/** The outcome of a call to the API. */
export type ApiAnswer =
  | { kind: 'accepted'; status: number; milliseconds: number; claims: Record<string, unknown>; sequence: number }
  | { kind: 'refused'; status: number; milliseconds: number; error: string; description: string }
  | { kind: 'silent' }

export type TabEvent =
  | { kind: 'signed-in'; user: string }
  | { kind: 'refreshed'; user: string }
  | { kind: 'signed-out'; user: string; reason: SignOutReason }
  | { kind: 'logged-out'; user: string; outcome: LoggedOut }
  | { kind: 'logged-out-everywhere'; user: string }
  | { kind: 'answer'; answer: ApiAnswer }
  /** The edge refused the token that the tab had before it was signed out. */
  | { kind: 'enforced'; user: string; milliseconds: number; since: 'asked' | 'heard' }
  | { kind: 'not-enforced'; user: string }
  /** Another tab logged in or out. */
  | { kind: 'others' }

const CALL_EVERY_MS = 1000
const API_TIMEOUT_MS = 5000
/** Duration and interval of the attempts with the old token. */
const PROBE_MS = 5000
const PROBE_EVERY_MS = 25

export class Tab {
  readonly #demo: Demo
  readonly #administrator: Administrator
  readonly #sessions: ReadonlyMap<string, Session>
  readonly #listeners: ((event: TabEvent) => void)[] = []
  #user: string | undefined
  #lastToken: string | undefined
  /** When this tab requested the logout; `undefined` if it did not. */
  #askedAtMs: number | undefined
  #probed: string | undefined
  #timer: ReturnType<typeof setInterval> | undefined
  #answer: ApiAnswer | undefined
  #ending: SignOutReason | undefined

  private constructor(demo: Demo, users: readonly string[]) {
    this.#demo = demo
    this.#administrator = new Administrator(demo)
    this.#sessions = new Map(users.map((user) => [user, this.#openSession(user)]))
  }

  /** Opens the tab's session and joins the logins of other tabs. */
  static async open(demo: Demo, users: readonly string[]): Promise<Tab> {
    const tab = new Tab(demo, users)
    await Promise.all([...tab.#sessions.values()].map((session) => session.accessToken()))
    return tab
  }

  get users(): string[] {
    return [...this.#sessions.keys()]
  }

  /** The user who is logged in here, if any. */
  get user(): string | undefined {
    return this.#user
  }

  /** Users who are logged in in another tab and so need no password. */
  get others(): string[] {
    return this.users.filter((user) => user !== this.#user && this.#sessions.get(user)?.signedIn)
  }

  /** The API's last response to this login. */
  get answer(): ApiAnswer | undefined {
    return this.#answer
  }

  /** Why the last login ended; `undefined` before. */
  get ending(): SignOutReason | undefined {
    return this.#ending
  }

  onEvent(listener: (event: TabEvent) => void): void {
    this.#listeners.push(listener)
  }

  /** Rejects with `ApiError`. */
  async logIn(user: string, password: string): Promise<void> {
    const session = this.#sessionOf(user)
    const tokens = await logIn(this.#demo, user, password)
    this.#enter(user)
    await session.signIn({
      accessToken: tokens.access_token,
      refreshToken: tokens.refresh_token,
      expiresInSeconds: tokens.expires_in,
    })
    await this.call()
  }

  /** Joins a login of another tab. */
  async join(user: string): Promise<void> {
    this.#enter(user)
    this.#emit({ kind: 'signed-in', user })
    await this.call()
  }

  /** Ends the login in all of the user's tabs of this browser. */
  async logOut(): Promise<void> {
    const user = this.#user
    if (user === undefined) return
    this.#askedAtMs = performance.now()
    const outcome = await this.#sessionOf(user).logout()
    this.#emit({ kind: 'logged-out', user, outcome })
  }

  /** Ends every login of the user, on every device. This tab learns of it like any other. Rejects with `ApiError`. */
  async logOutEverywhere(): Promise<void> {
    const user = this.#user
    const token = this.#lastToken ?? ''
    const { sub } = readToken(token).claims ?? {}
    if (user === undefined || typeof sub !== 'string') return
    await this.#administrator.ready()
    this.#askedAtMs = performance.now()
    await this.#administrator.call(`users/${encodeURIComponent(sub)}/logout`, { method: 'POST' })
    this.#emit({ kind: 'logged-out-everywhere', user })
    await this.#probe(user, token)
    // Called before the edge has the revocation, the API would accept the token.
    await this.call()
  }

  /** Calls the protected API with the login's token. */
  async call(): Promise<void> {
    const user = this.#user
    if (user === undefined) return
    const session = this.#sessionOf(user)
    const token = await session.accessToken()
    if (this.#user !== user) return
    this.#lastToken = token ?? this.#lastToken
    const answer = await timed((init) => session.fetch(this.#apiUrl, init))
    // If the user has logged out in the meantime, the response is not needed.
    if (this.#user !== user && answer.kind !== 'refused') return
    this.#answer = answer
    this.#emit({ kind: 'answer', answer })
  }

  /** Calls once a second while a user is logged in. */
  keepCalling(wanted: boolean): void {
    clearInterval(this.#timer)
    this.#timer = wanted ? setInterval(() => void this.call(), CALL_EVERY_MS) : undefined
  }

  #openSession(user: string): Session {
    const session = createSession({
      tokenUrl: new URL(tokenPath(this.#demo), location.origin),
      revokeUrl: new URL(`/realms/${this.#demo.realm}/protocol/openid-connect/revoke`, location.origin),
      clientId: CLIENT,
      allowedOrigins: [this.#demo.edge],
      // One login per user: tabs of different users do not affect each other.
      channel: `portcullis-try-${user}`,
    })
    session.on('signed-in', () => this.#emit(user === this.#user ? { kind: 'signed-in', user } : { kind: 'others' }))
    session.on('refreshed', () => this.#emit(user === this.#user ? { kind: 'refreshed', user } : { kind: 'others' }))
    session.on('signed-out', (reason) => this.#leave(user, reason))
    return session
  }

  #enter(user: string): void {
    this.#user = user
    this.#lastToken = undefined
    this.#answer = undefined
    this.#ending = undefined
    this.#askedAtMs = undefined
  }

  #leave(user: string, reason: SignOutReason): void {
    if (user !== this.#user) return this.#emit({ kind: 'others' })
    const token = this.#lastToken
    this.#user = undefined
    this.#lastToken = undefined
    this.#ending = reason
    if (this.#answer?.kind === 'accepted') this.#answer = undefined
    this.#emit({ kind: 'signed-out', user, reason })
    if (token !== undefined) void this.#probe(user, token)
  }

  /** Sends the old token, as an attacker would, until the edge refuses it. */
  async #probe(user: string, token: string): Promise<void> {
    if (token === this.#probed) return
    this.#probed = token
    const since = this.#askedAtMs === undefined ? 'heard' : 'asked'
    const startedAtMs = this.#askedAtMs ?? performance.now()
    while (performance.now() - startedAtMs < PROBE_MS) {
      const headers = { authorization: `Bearer ${token}` }
      const answer = await timed((init) => fetch(this.#apiUrl, { ...init, headers }))
      if (answer.kind === 'refused' && answer.status === 401) {
        // If there is a new login in the meantime, it shows its own responses.
        if (this.#lastToken === undefined || this.#lastToken === token) this.#answer = answer
        return this.#emit({ kind: 'enforced', user, milliseconds: Math.round(performance.now() - startedAtMs), since })
      }
      await new Promise((resolve) => setTimeout(resolve, PROBE_EVERY_MS))
    }
    this.#emit({ kind: 'not-enforced', user })
  }

  get #apiUrl(): string {
    return `${this.#demo.edge}/api/whoami`
  }

  #sessionOf(user: string): Session {
    const session = this.#sessions.get(user)
    if (session === undefined) throw new Error('unknown user')
    return session
  }

  #emit(event: TabEvent): void {
    for (const listener of this.#listeners) listener(event)
  }
}

/** Calls the API and measures how long it takes. */
async function timed(asking: (init: RequestInit) => Promise<Response>): Promise<ApiAnswer> {
  const startedAtMs = performance.now()
  try {
    const response = await asking({ cache: 'no-store', signal: AbortSignal.timeout(API_TIMEOUT_MS) })
    return await answerOf(response, Math.round(performance.now() - startedAtMs))
  } catch {
    return { kind: 'silent' }
  }
}

async function answerOf(response: Response, milliseconds: number): Promise<ApiAnswer> {
  const { status } = response
  const body = (await response.json().catch(() => ({}))) as Record<string, unknown>
  if (status === 200) {
    const { claims, sequence } = body as { claims?: Record<string, unknown>; sequence?: number }
    return { kind: 'accepted', status, milliseconds, claims: claims ?? {}, sequence: Number(sequence) }
  }
  const { error = 'unknown', error_description: description = '' } = body
  return { kind: 'refused', status, milliseconds, error: String(error), description: String(description) }
}
