import { within } from '../timing/deadline.ts'
import { isObject } from '../options.ts'
import { responseText } from './response-text.ts'
import type { SessionSettings } from './settings.ts'
import type { SessionTokens } from './types.ts'

/** The answer of the token endpoint. `unavailable`: it said nothing about the refresh token, which may be good. */
export type Refreshed = { kind: 'tokens'; tokens: SessionTokens } | { kind: 'refused' } | { kind: 'unavailable' }

/** Maximum wait for the token endpoint. Shorter than `LEASE_MS`, so that the lease outlasts the request. */
const REFRESH_TIMEOUT_MS = 10_000
const MAX_ANSWER_BYTES = 262_144

/** A header that forms of other sites cannot send: issuers require it with a cookie. */
export const CSRF_HEADER = 'portcullis-csrf'

/** Refreshes (RFC 6749 §6). Without `refreshToken` the cookie has it. Never rejects. */
export async function refresh(settings: SessionSettings, refreshToken: string | undefined): Promise<Refreshed> {
  let answer: Refreshed = { kind: 'unavailable' }
  // A custom `fetch` may ignore the signal.
  await within(ask(settings, refreshToken).then((given) => void (answer = given)), REFRESH_TIMEOUT_MS)
  return answer
}

async function ask({ tokenUrl, clientId, cookies, fetch }: SessionSettings, refreshToken: string | undefined): Promise<Refreshed> {
  const form = { grant_type: 'refresh_token', client_id: clientId, ...(refreshToken === undefined ? {} : { refresh_token: refreshToken }) }
  try {
    const response = await fetch(tokenUrl, {
      method: 'POST',
      body: new URLSearchParams(form),
      headers: cookies === 'include' ? { [CSRF_HEADER]: '1' } : {},
      credentials: cookies,
      redirect: 'error',
      cache: 'no-store',
      signal: AbortSignal.timeout(REFRESH_TIMEOUT_MS),
    })
    if (response.status === 401) return { kind: 'refused' }
    const answer: unknown = JSON.parse(await responseText(response, MAX_ANSWER_BYTES))
    if (!isObject(answer)) return { kind: 'unavailable' }
    if (response.status === 400 && answer['error'] === 'invalid_grant') return { kind: 'refused' }
    return response.status === 200 ? granted(answer) : { kind: 'unavailable' }
  } catch {
    return { kind: 'unavailable' }
  }
}

function granted({ access_token, refresh_token, expires_in }: Record<string, unknown>): Refreshed {
  if (typeof access_token !== 'string' || access_token === '') return { kind: 'unavailable' }
  const seconds = Number(expires_in)
  const tokens: SessionTokens = {
    accessToken: access_token,
    ...(typeof refresh_token === 'string' ? { refreshToken: refresh_token } : {}),
    ...(Number.isFinite(seconds) && seconds >= 0 ? { expiresInSeconds: seconds } : {}),
  }
  return { kind: 'tokens', tokens }
}
