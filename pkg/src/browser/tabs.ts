import { callback, checkOptions, isObject, text } from '../options.ts'
import { type Mark, markKey, nextVersion, parseMark, readMark, writeMark } from './mark.ts'
import type { StoredTokens } from './types.ts'

/** What tabs tell each other. Tokens go from memory to memory; they are never put into storage. */
export type Message =
  | { kind: 'signed-out'; reason: SharedReason; version: number }
  | { kind: 'tokens'; tokens: StoredTokens }
  /** Asks for tokens newer than a version. */
  | { kind: 'asks'; version: number }
  /** Somebody is here, who has nothing newer. */
  | { kind: 'here' }

export type SharedReason = 'logout' | 'refused' | 'compromised'

/** The other tabs of this browser and origin. */
export interface Tabs {
  tell(message: Message): void
  close(): void
}

/**
 * Listens to the other tabs: by BroadcastChannel or, where that is missing or denied, by the storage event, which knows of
 * logouts only.
 */
export function openTabs(channel: string, hear: (message: Message) => void): Tabs {
  const broadcast = broadcastOf(channel)
  if (broadcast === undefined) return openMarks(channel, hear)
  broadcast.onmessage = ({ data }: MessageEvent<unknown>) => {
    if (isMessage(data)) hear(data)
  }
  // Node: it must not keep the process alive.
  const { unref } = broadcast as { unref?: () => void }
  unref?.call(broadcast)
  return {
    tell(message) {
      try {
        broadcast.postMessage(message)
      } catch {}
    },
    close: () => broadcast.close(),
  }
}

/** Tells every other tab that it is signed out, and leaves a mark for pages that cannot hear. Answers the mark. */
export function tellSignedOut(channel: string, reason: SharedReason, version: number = nextVersion(seenOf(readMark(channel)))): Mark {
  const mark: Mark = { state: 'out', version, login: 0 }
  writeMark(channel, mark)
  const tabs = openTabs(channel, () => undefined)
  tabs.tell({ kind: 'signed-out', reason, version })
  tabs.close()
  return mark
}

/**
 * Hears of logouts in other tabs, and of one that happened while this page lay in the back-forward cache. For pages without a
 * session of `createSession`. The function that is returned ends it. Throws `invalid_option`.
 */
export function onLogout(listener: (reason: SharedReason) => void, options: { channel?: string } = {}): () => void {
  checkOptions({ ...options, listener }, { channel: text, listener: callback })
  const { channel = 'portcullis' } = options
  let seen = seenOf(readMark(channel))
  const out = (reason: SharedReason, version: number): void => {
    if (version <= seen) return
    seen = version
    listener(reason)
  }
  const tabs = openTabs(channel, (message) => {
    if (message.kind === 'signed-out') out(message.reason, message.version)
  })
  const shown = ({ persisted }: PageTransitionEvent): void => {
    const mark = persisted ? readMark(channel) : 'unknown'
    if (mark !== 'unknown' && mark.state === 'out') out('logout', mark.version)
  }
  globalThis.addEventListener?.('pageshow', shown)
  return () => {
    globalThis.removeEventListener?.('pageshow', shown)
    tabs.close()
  }
}

/** Where cookies are blocked it may be there, and throw. */
function broadcastOf(channel: string): BroadcastChannel | undefined {
  try {
    return new BroadcastChannel(channel)
  } catch {
    return undefined
  }
}

function openMarks(channel: string, hear: (message: Message) => void): Tabs {
  const changed = ({ key, newValue }: StorageEvent): void => {
    if (key !== markKey(channel)) return
    const mark = parseMark(newValue)
    if (mark !== 'unknown' && mark.state === 'out') hear({ kind: 'signed-out', reason: 'logout', version: mark.version })
  }
  globalThis.addEventListener?.('storage', changed)
  return { tell: () => undefined, close: () => globalThis.removeEventListener?.('storage', changed) }
}

function seenOf(mark: Mark | 'unknown'): number {
  return mark === 'unknown' ? 0 : mark.version
}

/** Any script of the origin may speak on the channel, an older version of this one too. */
function isMessage(data: unknown): data is Message {
  if (!isObject(data)) return false
  const { kind, version, tokens, reason } = data
  switch (kind) {
    case 'signed-out':
      return isVersion(version) && ['logout', 'refused', 'compromised'].includes(String(reason))
    case 'tokens':
      return isStoredTokens(tokens)
    case 'asks':
      return Number.isSafeInteger(version)
    case 'here':
      return true
    default:
      return false
  }
}

/** Whether something that was stored or told is tokens. */
export function isStoredTokens(value: unknown): value is StoredTokens {
  if (!isObject(value)) return false
  const { accessToken, refreshToken, expiresAtMs, version, login } = value
  return (
    typeof accessToken === 'string' &&
    ['string', 'undefined'].includes(typeof refreshToken) &&
    (expiresAtMs === undefined || Number.isFinite(expiresAtMs)) &&
    isVersion(version) &&
    isVersion(login)
  )
}

/** A mark has room for it, and so has its successor. */
function isVersion(value: unknown): boolean {
  return Number.isSafeInteger(value) && Number(value) >= 0 && Number(value) < 1e14
}
