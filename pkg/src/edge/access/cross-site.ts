import type { FetchSite, RequestLike } from '../../types.ts'

/** Which pages may cause requests that carry the cookie. */
export interface CrossSitePolicy {
  readonly origins: readonly string[]
  readonly fetchSites: readonly FetchSite[]
}

/**
 * Whether a request with a cookie may be answered: it changes nothing, or a header that no page can set (Fetch §2.2.2)
 * shows that it comes from a page of one's own. Two headers of a name arrive joined, and equal nothing; nor does the
 * origin `null`.
 */
export function isFromOwnPage(request: RequestLike, { origins, fetchSites }: CrossSitePolicy): boolean {
  if (isSafe(request)) return true
  const { headers } = request
  const [site, origin] = [headers.get('sec-fetch-site'), headers.get('origin')]
  return fetchSites.some((each) => each === site) || origins.some((each) => each === origin)
}

/**
 * RFC 9110 §9.2.1. Methods are case-sensitive. TRACE, which repeats the cookie, is not among them, and a WebSocket
 * begins as GET.
 */
const SAFE_METHODS: readonly string[] = ['GET', 'HEAD', 'OPTIONS']

function isSafe({ method, headers }: RequestLike): boolean {
  // Over HTTP/2 there is no Upgrade (RFC 8441 §4), and a server may present the CONNECT as GET.
  return (
    SAFE_METHODS.includes(method) && headers.get('upgrade') === null && headers.get('sec-websocket-version') === null
  )
}
