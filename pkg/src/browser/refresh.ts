import { within } from '../timing/deadline.ts'
import { isObject } from '../options.ts'
import { responseText } from './response-text.ts'
import type { SessionSettings } from './settings.ts'
import type { GivenTokens } from './shared-login.ts'
import type { TokenResponse } from './types.ts'

/** The outcome of a refresh. `unavailable`: the response does not concern the login, which may still be valid. */
type Refreshed =
  | { kind: 'tokens'; tokens: GivenTokens; response: TokenResponse }
  | { kind: 'refused'; response: TokenResponse }
  | { kind: 'unavailable'; retryAfterMs?: number }

/** Maximum wait for the token endpoint. Shorter than `LEASE_MS`, so that the lease outlasts the request. */
const REFRESH_TIMEOUT_MS = 10_000
const MAX_ANSWER_BYTES = 262_144
/** Maximum `Retry-After` that the token endpoint can request: a mistaken header must not stop a session for a day. */
const MAX_RETRY_AFTER_MS = 300_000

/**
 * Errors that a retry by this session cannot cure: the grant or client is rejected (RFC 6749 §5.2), or a person is
 * needed (OpenID Connect Core 1.0 §3.1.2.6, which Entra ID sends from its token endpoint too; Auth0's `mfa_required`).
 */
const REFUSALS =
  /^(?:invalid_grant|invalid_client|unauthorized_client|(?:interaction|login|consent|account_selection|mfa)_required)$/

/** A header that forms on other sites cannot send. Issuers require it along with a cookie. */
const CSRF_HEADER = 'portcullis-csrf'

/** Sends a refresh request (RFC 6749 §6). Without `refreshToken` the cookie provides the token. Never rejects. */
export async function refresh(settings: SessionSettings, refreshToken: string | undefined): Promise<Refreshed> {
  let outcome: Refreshed = { kind: 'unavailable' }
  const request = new AbortController()
  // A custom `fetch` may ignore the signal.
  await within(
    ask(settings, refreshToken, request.signal).then((given) => void (outcome = given)),
    REFRESH_TIMEOUT_MS,
  )
  request.abort()
  return outcome
}

async function ask(
  { tokenUrl, clientId, cookies, fetch, parameters }: SessionSettings,
  refreshToken: string | undefined,
  signal: AbortSignal,
): Promise<Refreshed> {
  const form = {
    ...parameters,
    grant_type: 'refresh_token',
    client_id: clientId,
    ...(refreshToken === undefined ? {} : { refresh_token: refreshToken }),
  }
  const answer = await fetch(tokenUrl, {
    method: 'POST',
    body: new URLSearchParams(form),
    headers: cookies === 'include' ? { [CSRF_HEADER]: '1' } : {},
    credentials: cookies,
    redirect: 'error',
    cache: 'no-store',
    signal,
  })
  const { status, headers, ok } = answer
  // These statuses concern the server or its rate limit, so the body is ignored.
  if (status === 429 || status >= 500)
    return { kind: 'unavailable', retryAfterMs: retryAfterMs(headers.get('retry-after')) }
  const response = await objectOf(answer)
  const tokens = ok ? tokensOf(response) : undefined
  if (tokens !== undefined) return { kind: 'tokens', tokens, response }
  return status === 401 || REFUSALS.test(stringOf(response['error']) ?? '')
    ? { kind: 'refused', response }
    : { kind: 'unavailable' }
}

/** Parses `Retry-After` (RFC 9110 §10.2.3): seconds or a date. CORS hides the header unless the server exposes it. */
function retryAfterMs(value: string | null): number {
  const waitMs = /^\d+$/.test(value ?? '') ? Number(value) * 1_000 : Date.parse(value ?? '') - Date.now()
  return Math.min(Math.max(waitMs || 0, 0), MAX_RETRY_AFTER_MS)
}

/** Returns the JSON object in a body, or an empty object if the body is something else, such as an HTML page. */
async function objectOf(answer: Response): Promise<TokenResponse> {
  try {
    const value: unknown = JSON.parse(await responseText(answer, MAX_ANSWER_BYTES))
    return isObject(value) ? value : {}
  } catch {
    return {}
  }
}

/** Returns the tokens of a successful response. A member that is null, empty or of the wrong type counts as absent. */
function tokensOf({ access_token, refresh_token, expires_in }: TokenResponse): GivenTokens | undefined {
  const accessToken = stringOf(access_token)
  // Some issuers send the number as a string.
  const seconds = typeof expires_in === 'number' ? expires_in : Number(stringOf(expires_in))
  return accessToken === undefined
    ? undefined
    : { accessToken, refreshToken: stringOf(refresh_token), expiresInSeconds: seconds > 0 ? seconds : undefined }
}

function stringOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}
