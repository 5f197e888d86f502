import { isObject } from '../options.ts'
import { type App, endsSession, isApp, isSameApp, type SessionApp } from './app.ts'

/** A line in `localStorage`: an app's newest login or refresh (`in`), or its newest logout (`out`). No secret. */
export interface Mark {
  state: 'in' | 'out'
  app: App
  /** Grows with every login, refresh and logout. */
  version: number
  /** Which login; 0 when signed out. */
  login: number
}

/** What a browser remembers of a session when no tab is open. */
export interface Standing {
  /** `unknown`: nothing was written, it was cleared, or storage is denied. */
  state: 'in' | 'out' | 'unknown'
  /** Of the newest login, refresh or logout. */
  version: number
  login: number
  /** Version of the newest logout. */
  ended: number
}

/** `app` has the token that is held, if there is one; else the one that was held last counts. */
export function readStanding(channel: string, app: SessionApp): Standing {
  const marks = readMarks(channel)
  const own = marks.find(({ state, app: of }) => state === 'in' && isSameApp(of, app))
  const { version = 0, login = 0 } = own ?? {}
  const known = { ...app, token: app.token ?? own?.app.token }
  const ended = newestOf(marks.filter(({ state, app: of }) => state === 'out' && endsSession(of, known)))
  return { state: login > ended ? 'in' : ended > 0 ? 'out' : 'unknown', version: Math.max(version, ended), login, ended }
}

/** Where storage is denied there is nothing. */
export function readMarks(channel: string): Mark[] {
  try {
    return Object.entries(globalThis.localStorage).flatMap(([key, text]) => parseMark(channel, key, text) ?? [])
  } catch {
    return []
  }
}

/** An older mark never takes the place of a newer one. Where storage is full or denied, nothing is written. */
export function writeMark(channel: string, mark: Mark): void {
  const { state, app } = mark
  const { client, endpoint } = app
  // A logout may know no more than the token; that of a login may change.
  const key = `${channel}:${state}:${JSON.stringify(state === 'in' ? { client, endpoint } : app)}`
  try {
    const { localStorage } = globalThis
    const before = parseMark(channel, key, localStorage.getItem(key))
    if (before === undefined || before.version < mark.version) localStorage.setItem(key, JSON.stringify(mark))
  } catch {}
}

export function parseMark(channel: string, key: string | null, text: string | null): Mark | undefined {
  if (!key?.startsWith(`${channel}:`)) return undefined
  try {
    const mark: unknown = JSON.parse(text ?? '')
    return isObject(mark) && isApp(mark['app']) && isVersion(mark['version']) && isVersion(mark['login']) ? (mark as unknown as Mark) : undefined
  } catch {
    return undefined
  }
}

export function newestOf(marks: readonly { version: number }[]): number {
  return Math.max(0, ...marks.map(({ version }) => version))
}

/** A version after `seen`, and after whatever tabs that were never heard from may have reached. */
export function nextVersion(seen = 0): number {
  return Math.max(seen + 1, Date.now())
}

/** Bounded, so that there is room for its successors. */
export function isVersion(value: unknown): boolean {
  return Number.isSafeInteger(value) && Number(value) >= 0 && Number(value) < 1e14
}
