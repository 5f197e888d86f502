import { isObject } from '../options.ts'
import { type App, endsSession, isApp, isSameApp, type SessionApp } from './app.ts'
import { browser } from './page.ts'

/** An entry in `localStorage`: an app's newest login or refresh (`in`), or its newest logout (`out`). Not a secret. */
export interface Mark {
  state: 'in' | 'out'
  app: App
  /** Grows with every login, refresh and logout. */
  version: number
  /** Identifies the login; 0 when signed out. */
  login: number
}

/** The state of a session as stored in the browser, which outlives all tabs. */
export interface Standing {
  /** `unknown`: nothing was written, it was cleared, or storage is denied. */
  state: 'in' | 'out' | 'unknown'
  /** Of the newest login, refresh or logout. */
  version: number
  login: number
  /** Version of the newest logout. */
  ended: number
}

/** Reads the marks that concern a session. If `app` has no token, the last token held is compared instead. */
export function readStanding(channel: string, app: SessionApp): Standing {
  const marks = readMarks(channel)
  const own = marks.find(({ state, app: of }) => state === 'in' && isSameApp(of, app))
  const { version = 0, login = 0 } = own ?? {}
  const known = { ...app, token: app.token ?? own?.app.token }
  const ended = newestOf(marks.filter(({ state, app: of }) => state === 'out' && endsSession(of, known)))
  return {
    state: login > ended ? 'in' : ended > 0 ? 'out' : 'unknown',
    version: Math.max(version, ended),
    login,
    ended,
  }
}

/** Returns all marks of a channel, or none if storage is denied or missing. */
export function readMarks(channel: string): Mark[] {
  try {
    return Object.entries(browser().localStorage as Storage).flatMap(
      ([key, text]) => parseMark(channel, key, text) ?? [],
    )
  } catch {
    return []
  }
}

/** Writes a mark unless a newer one exists. Does nothing if storage is full, denied or missing. */
export function writeMark(channel: string, mark: Mark): void {
  const { state, app } = mark
  const { client, endpoint } = app
  // A logout may know only the token, so the token is part of its key. A login's token changes, so it is not.
  const key = `${channel}:${state}:${JSON.stringify(state === 'in' ? { client, endpoint } : app)}`
  try {
    const localStorage = browser().localStorage as Storage
    const before = parseMark(channel, key, localStorage.getItem(key))
    if (before === undefined || before.version < mark.version) localStorage.setItem(key, JSON.stringify(mark))
  } catch {}
}

export function parseMark(channel: string, key: string | null, text: string | null): Mark | undefined {
  if (!key?.startsWith(`${channel}:`)) return undefined
  try {
    const mark: unknown = JSON.parse(text ?? '')
    return isObject(mark) && isApp(mark['app']) && isVersion(mark['version']) && isVersion(mark['login'])
      ? (mark as unknown as Mark)
      : undefined
  } catch {
    return undefined
  }
}

export function newestOf(marks: readonly { version: number }[]): number {
  return Math.max(0, ...marks.map(({ version }) => version))
}

/** Returns a version above `seen` and above any that a tab unknown to this one may have reached. */
export function nextVersion(seen = 0): number {
  return Math.max(seen + 1, Date.now())
}

/** Validates a version. The bound keeps its successors safe integers. */
export function isVersion(value: unknown): boolean {
  return Number.isSafeInteger(value) && Number(value) >= 0 && Number(value) < 1e14
}
