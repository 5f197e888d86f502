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
 * Revokes the tokens, informs the other tabs, clears private data on this device (even when the revocation failed), and
 * redirects as the options specify. Concurrent calls share one logout. Rejects only with `invalid_option`, before it
 * has done anything.
 */
export async function logout(options: LogoutOptions): Promise<LoggedOut> {
  return logOutOnce(logoutSettings(options), 'logout', revoke)
}

/** Logouts in progress, by the endpoint and tokens that they revoke. */
const underWay = new Map<string, Promise<LoggedOut>>()

/** Logs out once for concurrent calls, with the given way to revoke. */
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

/** Waits for another call's logout, then clears the parts named here, which may differ from those of that call. */
export async function clearToo(settings: LogoutSettings, first: Promise<LoggedOut>): Promise<LoggedOut> {
  const done = await first
  return { ...done, uncleared: [...new Set([...done.uncleared, ...(await clear(settings.clear, settings.storage))])] }
}

/** Logs out on every call, even while another logout is in progress. */
export async function logOut(
  settings: LogoutSettings,
  reason: SharedReason,
  revokes: (settings: LogoutSettings) => Promise<Revoked>,
): Promise<LoggedOut> {
  const { channel, timeoutMs } = settings
  const clearing = (): Promise<string[]> => clear(settings.clear, settings.storage)
  // Started first, so that the request is sent even if the page is unloaded.
  const revoking = revokes(settings)
  const mark = tellSignedOut(channel, appOf(settings), reason)
  const { revoked, left } = await untilAnswered(revoking, timeoutMs, clearing)
  const uncleared = await (left ?? clearing())
  // The response (`Clear-Site-Data`) or the page may have cleared the mark with the rest of the storage.
  writeMark(channel, mark)
  return { ...revoked, uncleared, redirect: left === undefined ? redirect(settings) : 'none' }
}

/** Waits for the response. If the page is unloaded meanwhile, calls `leaving` and returns its result as `left`. */
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
