import {
  type CompactVerifyGetKey,
  createLocalJWKSet,
  createRemoteJWKSet,
  customFetch,
  errors,
  type JSONWebKeySet,
} from 'jose'
import { download } from '../../../http/download.ts'
import { isObject } from '../../../options.ts'
import type { JWK } from '../../../types.ts'
import { canonicalKey } from '../../core/issuer-key.ts'
import { GlobalRevocationRefused, type RevocationCaller } from '../global-revocation.ts'

/** The largest JWK set read. */
const MAX_JWKS_BYTES = 1024 * 1024
/** The shortest interval between fetches that forged key ids can cause. */
const COOLDOWN_MS = 5_000

/** Errors about the JWT, which occur after a successful fetch. */
const ABOUT_THE_JWT = [errors.JWKSNoMatchingKey, errors.JWKSMultipleMatchingKeys, errors.JOSENotSupported]

export interface CallerKeysOptions {
  fetch: typeof fetch
  jwksMaxAgeSeconds: number
  jwksTimeoutMs: number
  /** Called after each fetch: with its error, or without one after a success. */
  onFetched: (error: unknown) => void
}

/**
 * Returns the keys of a caller. They are fetched when a JWT needs them and they are older than `jwksMaxAgeSeconds`, or
 * when its key is not among them. The function rejects with `GlobalRevocationRefused` (`keys_unavailable`).
 */
export function callerKeys({ jwks }: RevocationCaller, options: CallerKeysOptions): CompactVerifyGetKey {
  if (typeof jwks !== 'string' && !(jwks instanceof URL)) return createLocalJWKSet(canonicalSet(jwks) as JSONWebKeySet)
  const url = new URL(jwks)
  const remote = createRemoteJWKSet(url, {
    cacheMaxAge: options.jwksMaxAgeSeconds * 1000,
    cooldownDuration: COOLDOWN_MS,
    timeoutDuration: options.jwksTimeoutMs,
    [customFetch]: (_url, { headers, signal }) => bounded(url, options, headers, signal),
  })
  return async (header, token) => {
    try {
      return await remote(header, token)
    } catch (error) {
      if (ABOUT_THE_JWT.some((kind) => error instanceof kind)) throw error
      throw new GlobalRevocationRefused('keys_unavailable', "the caller's keys are not available at the moment")
    }
  }
}

/**
 * Returns the readable keys of the set in canonical form, as for a realm's issuer. A value that is not a set is
 * returned unchanged, and is rejected later.
 */
function canonicalSet(set: unknown): unknown {
  if (!isObject(set) || !Array.isArray(set['keys'])) return set
  return {
    keys: set['keys']
      .filter(isObject)
      .map((key) => canonicalKey(key as JWK))
      .filter((key) => key !== undefined),
  }
}

/** Fetches within all limits of `download`, and without redirects. */
async function bounded(
  url: URL,
  { fetch, onFetched }: CallerKeysOptions,
  headers: Headers,
  signal: AbortSignal,
): Promise<Response> {
  try {
    const bounds = { errorCode: 'jwks_unreachable', maxBytes: MAX_JWKS_BYTES } as const
    const { status, bytes } = await download(url, { ...bounds, fetch, signal, headers: Object.fromEntries(headers) })
    const answer =
      status === 200
        ? Response.json(canonicalSet(JSON.parse(new TextDecoder().decode(bytes))))
        : new Response(null, { status })
    onFetched(status === 200 ? undefined : new Error(`it responded with status ${status}`))
    return answer
  } catch (error) {
    onFetched(error)
    throw error
  }
}
