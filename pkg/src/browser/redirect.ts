import { isSecure, type LogoutSettings } from './settings.ts'
import type { LoggedOut, LogoutOptions } from './types.ts'

/** Redirects as the options specify, if that is allowed. A URL that only resembles this page's origin is refused. */
export function redirect({
  endSession,
  redirectTo,
  allowedRedirects = [],
}: Pick<LogoutSettings, 'endSession' | 'redirectTo' | 'allowedRedirects'>): LoggedOut['redirect'] {
  const { location } = globalThis
  if (location === undefined || (endSession === undefined && redirectTo === undefined)) return 'none'
  const wanted = endSession === undefined ? redirectTo : endSession.postLogoutRedirectUri
  const target = wanted === undefined ? undefined : allowed(wanted, location, allowedRedirects)
  if (wanted !== undefined && target === undefined) return 'refused'
  const destination = endSession === undefined ? target : logoutPage(endSession, target)
  if (destination === undefined) return 'refused'
  try {
    location.assign(destination)
    return 'done'
  } catch {
    // A sandboxed frame is not allowed to navigate.
    return 'refused'
  }
}

function allowed(wanted: string, location: Location, allowedRedirects: readonly (URL | string)[]): string | undefined {
  if (allowedRedirects.some((each) => String(each) === wanted)) return wanted
  try {
    const { protocol, origin, href } = new URL(wanted, location.href)
    return /^https?:$/.test(protocol) && origin === location.origin ? href : undefined
  } catch {
    return undefined
  }
}

/**
 * Returns the URL of OpenID Connect RP-Initiated Logout 1.0 §2. It contains the ID token, so plain HTTP is not allowed.
 */
function logoutPage(
  { url, idToken, clientId, state }: NonNullable<LogoutOptions['endSession']>,
  target: string | undefined,
): string | undefined {
  if (!isSecure(url)) return undefined
  const page = new URL(url)
  const parameters = { id_token_hint: idToken, client_id: clientId, post_logout_redirect_uri: target, state }
  for (const [name, value] of Object.entries(parameters)) if (value !== undefined) page.searchParams.set(name, value)
  return page.href
}
