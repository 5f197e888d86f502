import { type ErrorCode, PortcullisError } from '../errors.ts'
import { isLoopback } from '../http/loopback.ts'
import { isPublicHost } from '../http/public-host.ts'
import {
  callback,
  checkOptions,
  defaultsOf,
  either,
  given,
  invalid,
  list,
  oneOf,
  required,
  type Rules,
  string,
  timeout,
  withDefault,
} from '../options.ts'
import { readIssuerMetadata } from './metadata.ts'
import type { ProviderRealm } from './provider.ts'

/** Options of `discover`. Unknown options throw `invalid_option`. */
export interface DiscoverOptions {
  /** The accepted audiences, as in `TokenOptions`; discovery does not provide them. */
  audience: string | string[]
  /** The realm's name at gate and origin. Default: the issuer's host. */
  name?: string
  /**
   * The addresses allowed for issuer and keys. `public`: https: at a public name or address, which matters if others
   * choose the issuer. Names are not resolved. `any`: also private networks, and http: on this machine. Default
   * `public`.
   */
  addresses?: 'public' | 'any'
  /** Maximum time for one request. Allowed: 1 to 2147483647. Default 5000. */
  timeoutMs?: number
  /** The `fetch` to use. Default: the host's. */
  fetch?: typeof fetch
}

const FAILED: ErrorCode = 'discovery_failed'

const OPTIONS = {
  audience: required(either(string, list(string, 1))),
  name: string,
  addresses: withDefault(oneOf('public', 'any'), 'public'),
  timeoutMs: withDefault(timeout, 5_000),
  fetch: callback,
} satisfies Rules

/** The rules of `DiscoverOptions`. */
export const DISCOVER_RULES: Rules = OPTIONS

/**
 * Reads an issuer's metadata (OpenID Connect Discovery 1.0 §4, or else RFC 8414 §3) and returns the options of a realm:
 * issuer, audience, and the URL of the keys; the others have their defaults (`TokenOptions`). The issuer must be
 * exactly the `iss` of its tokens, and the metadata must name the same. Redirects are not followed.
 *
 * Rejects with `invalid_option`, or `discovery_failed`: `detail` is `network`, `timeout`, `redirect`, `too_large`,
 * `truncated`, `not_found`, `malformed`, `other_issuer` or `forbidden_keys`.
 */
export async function discover(issuer: string, options: DiscoverOptions): Promise<ProviderRealm> {
  checkOptions(options, OPTIONS)
  const {
    audience,
    addresses,
    timeoutMs,
    fetch: fetchFrom,
    name,
  } = { ...defaultsOf(OPTIONS), fetch: globalFetch, ...given(options) }
  const base = typeof issuer === 'string' && URL.canParse(issuer) ? new URL(issuer) : undefined
  if (base === undefined || !isAllowed(base, addresses) || base.search + base.hash !== '') {
    throw invalid(`issuer must be ${allowed(addresses)}, without query and fragment`)
  }
  const metadata = await readIssuerMetadata(base, { fetch: fetchFrom, timeoutMs })
  if (metadata === undefined)
    throw failed('not_found', `${base.host} has no metadata for this issuer: check that it is the iss of the tokens`)
  if (metadata['issuer'] !== issuer) {
    throw failed(
      'other_issuer',
      `${base.host} names another issuer in its metadata: use the exact iss of the tokens, including a trailing slash`,
    )
  }
  const { jwks_uri: keys } = metadata
  if (typeof keys !== 'string' || !URL.canParse(keys) || !isAllowed(new URL(keys), addresses)) {
    throw failed('forbidden_keys', `${base.host} must have its keys (jwks_uri) at ${allowed(addresses)}`)
  }
  return { name: name ?? base.hostname, issuer, audience, jwks: keys }
}

/** Called without a receiver, as workerd requires. */
const globalFetch: typeof fetch = (input, init) => fetch(input, init)

function isAllowed(url: URL, addresses: 'public' | 'any'): boolean {
  if (url.username + url.password !== '') return false
  switch (addresses) {
    case 'public':
      return url.protocol === 'https:' && isPublicHost(url)
    case 'any':
      return url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url))
  }
}

function allowed(addresses: 'public' | 'any'): string {
  switch (addresses) {
    case 'public':
      return "an https: URL of a public host (for private ones: addresses: 'any')"
    case 'any':
      return 'an https: URL, or an http: URL of this machine'
  }
}

function failed(detail: string, message: string): PortcullisError {
  return new PortcullisError(FAILED, message, { detail })
}
