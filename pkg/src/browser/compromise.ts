import { within } from '../timing/deadline.ts'
import { MAX_TIMER_MS } from '../options.ts'
import { logOut } from './logout.ts'
import { failed, revoke } from './revoke.ts'
import { compromiseSettings, isSecure, type LogoutSettings } from './settings.ts'
import type { CompromiseMessage, ReportCompromiseOptions, ReportedCompromise, Revoked } from './types.ts'

/**
 * Handles a possibly stolen token: logs the user out everywhere if requested, revokes the tokens, calls `notify`, and
 * clears as `logout` does. Rejects only with `invalid_option`, before it has done anything.
 */
export async function reportCompromise(options: ReportCompromiseOptions): Promise<ReportedCompromise> {
  const { logoutEverywhereUrl, notify, ...settings } = compromiseSettings(options)
  const { timeoutMs } = settings
  let loggedOutEverywhere: CompromiseMessage['loggedOutEverywhere'] = 'not_asked'
  let notified: ReportedCompromise['notified'] = 'not_asked'
  async function revokes(): Promise<Revoked> {
    // Sent before the token is revoked, because it needs the token.
    if (logoutEverywhereUrl !== undefined) loggedOutEverywhere = await logOutEverywhere(settings, logoutEverywhereUrl)
    let revoked: Revoked = failed('timed_out')
    await within(
      revoke(settings).then((outcome) => void (revoked = outcome)),
      timeoutMs,
    )
    if (notify !== undefined) {
      const message: CompromiseMessage = {
        time: new Date().toISOString(),
        revoked: revoked.revoked,
        loggedOutEverywhere,
      }
      const telling = (async () => notify(message))()
      notified = (await within(telling, timeoutMs)) === 'done' ? 'done' : 'failed'
    }
    return revoked
  }
  // Allows for three steps, each of which ends within `timeoutMs`.
  const longestMs = Math.min(3 * timeoutMs + 100, MAX_TIMER_MS)
  const loggedOut = await logOut({ ...settings, timeoutMs: longestMs }, 'compromised', revokes)
  return { ...loggedOut, loggedOutEverywhere, notified }
}

async function logOutEverywhere(
  { accessToken, timeoutMs, fetch }: LogoutSettings,
  url: URL | string,
): Promise<'done' | 'failed'> {
  if (accessToken === undefined || !isSecure(url)) return 'failed'
  const headers = { authorization: `Bearer ${accessToken}` }
  let ok = false
  const asking = async (): Promise<void> => {
    ok = (await fetch(url, { method: 'POST', headers, keepalive: true, redirect: 'error', cache: 'no-store' })).ok
  }
  // A page that is being unloaded does not wait: the next request must be sent before it is gone.
  await within(Promise.race([asking(), pageHidden()]), timeoutMs)
  return ok ? 'done' : 'failed'
}

function pageHidden(): Promise<void> {
  return new Promise((resolve) => globalThis.addEventListener?.('pagehide', () => resolve(), { once: true }))
}
