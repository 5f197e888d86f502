import { within } from '../timing/deadline.ts'
import { appOf } from './app.ts'
import { clear } from './clear.ts'
import { writeMark } from './mark.ts'
import { listen } from './page.ts'
import { redirect } from './redirect.ts'
import { failed, revoke } from './revoke.ts'
import { logoutSettings, type LogoutSettings } from './settings.ts'
import { type SharedReason, tellSignedOut } from './tabs.ts'
import type { LoggedOut, LogoutOptions, Revoked } from './types.ts'

/**
 * Revokes the tokens, tells the other tabs, clears private data on this device (even when the revocation failed), and
 * redirects as the options say. Two calls at once are one logout. Rejects with `invalid_option` before anything, and
 * with nothing else.
 */
export async function logout(options: LogoutOptions): Promise<LoggedOut> {
  return logOutOnce(logoutSettings(options), 'logout', revoke)
}

/** Logouts under way, by the endpoint and tokens that they revoke. */
const underWay = new Map<string, Promise<LoggedOut>>()

/** The same with another way to revoke. */
export async function logOutOnce(
  settings: LogoutSettings,
  reason: SharedReason,
  revokes: (settings: LogoutSettings) => Promise<Revoked>,
): Promise<LoggedOut> {
  const { channel, clientId, tokenUrl, revokeUrl, accessToken, refreshToken } = settings
  const key = JSON.stringify([channel, clientId, tokenUrl, revokeUrl, accessToken, refreshToken])
  const first = underWay.get(key)
  if (first !== undefined) return clearToo(settings, first)
  const logout = logOut(settings, reason, revokes).finally(() => underWay.delete(key))
  underWay.set(key, logout)
  return logout
}

/** After another logout: clears the parts named here too, which may differ from that one's. */
export async function clearToo(settings: LogoutSettings, first: Promise<LoggedOut>): Promise<LoggedOut> {
  const done = await first
  return { ...done, uncleared: [...new Set([...done.uncleared, ...(await clear(settings.clear, settings.storage))])] }
}

/** Logs out on every call. */
export async function logOut(
  settings: LogoutSettings,
  reason: SharedReason,
  revokes: (settings: LogoutSettings) => Promise<Revoked>,
): Promise<LoggedOut> {
  const { channel, timeoutMs } = settings
  const clearing = (): Promise<string[]> => clear(settings.clear, settings.storage)
  // First, so that it is sent even if the page goes away.
  const revoking = revokes(settings)
  const mark = tellSignedOut(channel, appOf(settings), reason)
  const { revoked, left } = await untilAnswered(revoking, timeoutMs, clearing)
  const uncleared = await (left ?? clearing())
  // The answer may have cleared it (Clear-Site-Data), or the page with the rest of its storage.
  writeMark(channel, mark)
  return { ...revoked, uncleared, redirect: left === undefined ? redirect(settings) : 'none' }
}

/** Waits for the response; `left` is the result of `leaving`, called when the page goes away meanwhile. */
async function untilAnswered<T>(
  revoking: Promise<Revoked>,
  timeoutMs: number,
  leaving: () => T,
): Promise<{ revoked: Revoked; left: T | undefined }> {
  let revoked: Revoked = failed('timed_out')
  let left: T | undefined
  let unlisten = (): void => undefined
  const hidden = new Promise<void>((resolve) => {
    unlisten = listen('pagehide', () => {
      left ??= leaving()
      resolve()
    })
  })
  try {
    await within(Promise.race([revoking.then((outcome) => void (revoked = outcome)), hidden]), timeoutMs)
  } finally {
    unlisten()
  }
  return { revoked, left }
}
