import { callback, checkOptions, isObject, string, url } from '../options.ts'
import { type App, appOf, isApp, isSameApp } from './app.ts'
import { isVersion, type Mark, newestOf, nextVersion, parseMark, readMarks, writeMark } from './mark.ts'
import { browser, listen } from './page.ts'
import type { StoredTokens } from './types.ts'

/** Messages between the tabs of one app. Tokens pass from memory to memory and are never put into storage. */
export type Message =
  | { kind: 'tokens'; tokens: StoredTokens }
  /** Requests tokens newer than a version. */
  | { kind: 'asks'; version: number }
  /** A reply: this tab has no newer tokens. */
  | { kind: 'here' }

/** A logout. It is sent to every tab of a channel, because a listener may not know its app. */
export interface SignedOut {
  app: App
  reason: SharedReason
  version: number
}

export type SharedReason = 'logout' | 'refused' | 'compromised'

/** The other tabs of this browser and origin that run the same app. */
export interface Tabs {
  tell(message: Message): void
  close(): void
}

/**
 * Connects the tabs of one app by BroadcastChannel. If it is missing or denied, no messages pass. Messages that do not
 * name the session are ignored: they come from another app or from an earlier version of this package.
 */
export function openTabs(channel: string, session: string, hear: (message: Message) => void): Tabs {
  const broadcast = openBroadcast(`${channel}:${session}`, (data) => {
    if (isObject(data) && data['session'] === session && isMessage(data)) hear(data)
  })
  return {
    tell: (message) => broadcast?.tell({ ...message, session }),
    close: () => broadcast?.close(),
  }
}

/**
 * Listens for logouts in other tabs, of any app, by BroadcastChannel or, if it is missing or denied, by the storage
 * event. Returns a function that stops listening.
 */
export function hearSignedOut(channel: string, hear: (message: SignedOut) => void): () => void {
  const broadcast = openBroadcast(channel, (data) => {
    if (isSignedOut(data)) hear(data)
  })
  if (broadcast !== undefined) return broadcast.close
  return listen('storage', ({ key, newValue }: StorageEvent) => {
    const mark = parseMark(channel, key, newValue)
    if (mark?.state === 'out') hear({ ...mark, reason: 'logout' })
  })
}

/**
 * Informs every other tab that an app is signed out, and leaves a mark for pages that get no messages. Returns the
 * mark.
 */
export function tellSignedOut(
  channel: string,
  app: App,
  reason: SharedReason,
  version: number = nextVersion(newestOf(readMarks(channel))),
): Mark {
  const mark: Mark = { state: 'out', app, version, login: 0 }
  writeMark(channel, mark)
  const broadcast = openBroadcast(channel, () => undefined)
  broadcast?.tell({ kind: 'signed-out', app, reason, version })
  broadcast?.close()
  return mark
}

/**
 * Calls `listener` on logouts in other tabs, including one while this page was in the back-forward cache. For pages
 * without a session of `createSession`. Logouts known to be of another `clientId` or `tokenUrl` are ignored. Returns a
 * function that stops listening. Throws `invalid_option`.
 */
export function onLogout(
  listener: (reason: SharedReason) => void,
  options: { channel?: string; clientId?: string; tokenUrl?: URL | string } = {},
): () => void {
  checkOptions({ ...options, listener }, { channel: string, clientId: string, tokenUrl: url, listener: callback })
  const { channel = 'portcullis' } = options
  const app = appOf(options)
  let seen = newestOf(readMarks(channel))
  const out = ({ app: of, reason, version }: SignedOut): void => {
    if (version <= seen || isSameApp(of, app) === false) return
    seen = version
    listener(reason)
  }
  const unhear = hearSignedOut(channel, out)
  const unwatch = listen('pageshow', ({ persisted }: PageTransitionEvent) => {
    const logouts = readMarks(channel).filter(({ state, app: of }) => state === 'out' && isSameApp(of, app) !== false)
    if (persisted) out({ app, reason: 'logout', version: newestOf(logouts) })
  })
  return () => {
    unwatch()
    unhear()
  }
}

/**
 * Opens a channel; returns `undefined` if that is impossible. With cookies blocked, the constructor may exist but
 * throw.
 */
function openBroadcast(
  name: string,
  hear: (data: unknown) => void,
): { tell(message: object): void; close(): void } | undefined {
  try {
    const { BroadcastChannel } = browser()
    if (BroadcastChannel === undefined) return undefined
    const broadcast = new BroadcastChannel(name)
    broadcast.onmessage = ({ data }: MessageEvent<unknown>) => hear(data)
    return {
      tell(message) {
        try {
          broadcast.postMessage(message)
        } catch {}
      },
      close: () => broadcast.close(),
    }
  } catch {
    return undefined
  }
}

/**
 * Validates a message. Any script of the origin can write to the channel, including an older version of this package.
 */
function isSignedOut(data: unknown): data is SignedOut {
  if (!isObject(data)) return false
  const { kind, app, version, reason } = data
  return (
    kind === 'signed-out' &&
    isApp(app) &&
    isVersion(version) &&
    ['logout', 'refused', 'compromised'].includes(String(reason))
  )
}

function isMessage(data: object): data is Message {
  const { kind, version, tokens } = data as Record<string, unknown>
  switch (kind) {
    case 'tokens':
      return isStoredTokens(tokens)
    case 'asks':
      return Number.isSafeInteger(version)
    default:
      return kind === 'here'
  }
}

/** Validates stored or received tokens. */
export function isStoredTokens(value: unknown): value is StoredTokens {
  if (!isObject(value)) return false
  const { accessToken, refreshToken = '', expiresAtMs = 0, version, login } = value
  return (
    typeof accessToken === 'string' &&
    typeof refreshToken === 'string' &&
    Number.isFinite(expiresAtMs) &&
    isVersion(version) &&
    isVersion(login)
  )
}
