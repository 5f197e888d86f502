import { type ErrorCode, PortcullisError } from '../errors.ts'
import { download } from '../http/download.ts'
import { isObject } from '../options.ts'

interface MetadataOptions {
  fetch: typeof fetch
  /** Maximum time for one request. */
  timeoutMs: number
}

/** Maximum size of a document; known ones have less than 10 KiB. */
const MAX_DOCUMENT_BYTES = 65_536
const FAILED: ErrorCode = 'discovery_failed'

/**
 * Reads an issuer's metadata: OpenID Connect Discovery 1.0 §4, or else RFC 8414 §3. Resolves to `undefined` if the
 * server has neither document. Rejects with `discovery_failed`: `detail` is `network`, `timeout`, `redirect`,
 * `too_large`, `truncated` or `malformed`.
 */
export async function readIssuerMetadata(
  issuer: URL,
  options: MetadataOptions,
): Promise<Record<string, unknown> | undefined> {
  return (await readMetadata(openIdUrl(issuer), options)) ?? (await readMetadata(oauthUrl(issuer), options))
}

/** Appends the path to the issuer. */
function openIdUrl(issuer: URL): URL {
  return new URL(`${issuer.origin}${issuer.pathname.replace(/\/$/, '')}/.well-known/openid-configuration`)
}

/** Puts the path before the issuer's path. */
function oauthUrl(issuer: URL): URL {
  return new URL(`${issuer.origin}/.well-known/oauth-authorization-server${issuer.pathname.replace(/\/$/, '')}`)
}

/** Returns the document; `undefined` if the server has none at this URL. */
async function readMetadata(
  url: URL,
  { fetch, timeoutMs }: MetadataOptions,
): Promise<Record<string, unknown> | undefined> {
  const { status, bytes } = await download(url, {
    fetch,
    errorCode: FAILED,
    maxBytes: MAX_DOCUMENT_BYTES,
    signal: AbortSignal.timeout(timeoutMs),
    headers: { accept: 'application/json' },
  })
  if (status !== 200) return undefined
  try {
    const metadata: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
    if (isObject(metadata)) return metadata
  } catch {
    // Reported below, without the parser's message, which would repeat the document.
  }
  throw new PortcullisError(FAILED, `${url.host} responded with something other than a JSON object: check the issuer`, {
    detail: 'malformed',
  })
}
