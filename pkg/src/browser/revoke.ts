import { isObject } from '../options.ts'
import { responseText } from './response-text.ts'
import { isSecure, type LogoutSettings } from './settings.ts'
import type { RevocationFailure, Revoked } from './types.ts'

/** Bound on the response. It should be a few bytes; a longer one does not come from the endpoint. */
const MAX_ANSWER_BYTES = 65_536

/**
 * Sends a revocation request for each token in parallel, the refresh token first; the requests outlive the page. Never
 * rejects, and may never settle: the caller bounds its wait.
 */
export async function revoke(settings: LogoutSettings): Promise<Revoked> {
  const requests = requestsOf(settings)
  if (requests.length === 0) return failed('nothing_to_revoke')
  if (!isSecure(settings.revokeUrl)) return failed('insecure_url')
  const outcomes = await Promise.all(requests.map((init) => ask(settings, init)))
  return outcomes.find(({ revoked }) => !revoked) ?? { revoked: true }
}

function requestsOf({ accessToken, refreshToken, clientId, cookies: credentials }: LogoutSettings): RequestInit[] {
  if (clientId === undefined) {
    if (accessToken === undefined) return []
    return [
      {
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ token: accessToken }),
        credentials: 'same-origin',
      },
    ]
  }
  // The cookie identifies the session.
  const byCookie =
    credentials === 'include' ? [{ body: new URLSearchParams({ client_id: clientId }), credentials }] : []
  const tokens = [
    { token: refreshToken, token_type_hint: 'refresh_token' },
    { token: accessToken, token_type_hint: 'access_token' },
  ]
  const byToken = tokens.flatMap(({ token, ...hint }) =>
    token === undefined ? [] : [{ body: new URLSearchParams({ token, ...hint, client_id: clientId }), credentials }],
  )
  return [...byCookie, ...byToken]
}

async function ask({ revokeUrl, clientId, fetch }: LogoutSettings, init: RequestInit): Promise<Revoked> {
  try {
    const response = await fetch(revokeUrl, {
      method: 'POST',
      keepalive: true,
      redirect: 'error',
      cache: 'no-store',
      ...init,
    })
    if (response.status === 401) return failed('refused')
    if (response.status >= 500) return failed('server_error')
    return response.status === 200 && (await isDone(response, clientId))
      ? { revoked: true }
      : failed('unexpected_answer')
  } catch {
    // `onLine` may be wrong, so it is only used to explain a failure.
    return failed(globalThis.navigator?.onLine === false ? 'offline' : 'unreachable')
  }
}

/**
 * Returns whether a response confirms the revocation. RFC 7009 §2.2: the body does not matter, but HTML comes from
 * another server, such as a captive portal.
 */
async function isDone(response: Response, clientId: string | undefined): Promise<boolean> {
  try {
    const text = await responseText(response, MAX_ANSWER_BYTES)
    if (clientId !== undefined) return !/html/i.test(response.headers.get('content-type') ?? '')
    const answer: unknown = JSON.parse(text)
    return isObject(answer) && answer['revoked'] === true
  } catch {
    return false
  }
}

export function failed(code: RevocationFailure): { revoked: false; code: RevocationFailure } {
  return { revoked: false, code }
}
