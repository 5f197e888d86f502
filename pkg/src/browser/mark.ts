/** What a browser remembers of a channel when no tab is open: whether it is signed in, and since when. No secret. */
export interface Mark {
  state: 'in' | 'out'
  /** Grows with every login, refresh and logout. */
  version: number
  /** Which login; 0 when signed out. */
  login: number
}

/** `unknown`: nothing was written, it was cleared, or storage is denied. */
export function readMark(channel: string): Mark | 'unknown' {
  try {
    return parseMark(globalThis.localStorage.getItem(markKey(channel)))
  } catch {
    return 'unknown'
  }
}

/** Where storage is full or denied, nothing is written. */
export function writeMark(channel: string, { state, version, login }: Mark): void {
  try {
    globalThis.localStorage.setItem(markKey(channel), `${state} ${version} ${login}`)
  } catch {}
}

export function parseMark(text: string | null): Mark | 'unknown' {
  const [, state, version, login] = /^(in|out) (\d{1,15}) (\d{1,15})$/.exec(text ?? '') ?? []
  return login === undefined ? 'unknown' : { state: state as Mark['state'], version: Number(version), login: Number(login) }
}

export function markKey(channel: string): string {
  return `${channel}:session`
}

/** A version after `seen`, and after whatever tabs that were never heard from may have reached. */
export function nextVersion(seen = 0): number {
  return Math.max(seen + 1, Date.now())
}
