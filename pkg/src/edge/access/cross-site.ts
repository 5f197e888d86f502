import type { FetchSite, RequestLike } from '../../types.ts'

/** The pages that may cause requests with the cookie. */
export interface CrossSitePolicy {
  readonly origins: readonly string[]
  readonly fetchSites: readonly FetchSite[]
}

/**
 * Returns whether a request with a cookie is safe to process: it changes nothing, or a header that no page can set
 * (Fetch §2.2.2) shows that one of the site's own pages sent it. Repeated headers arrive joined and match nothing; nor
 * does the origin `null`.
 */
export function isFromOwnPage(request: RequestLike, { origins, fetchSites }: CrossSitePolicy): boolean {
  if (isSafe(request)) return true
  const { headers } = request
  const [site, origin] = [headers.get('sec-fetch-site'), headers.get('origin')]
  return fetchSites.some((each) => each === site) || origins.some((each) => each === origin)
}

/**
 * The safe methods of RFC 9110 §9.2.1; methods are case-sensitive. TRACE is not included because it echoes the cookie.
 * A WebSocket also starts as GET.
 */
const SAFE_METHODS: readonly string[] = ['GET', 'HEAD', 'OPTIONS']

function isSafe({ method, headers }: RequestLike): boolean {
  // HTTP/2 has no Upgrade (RFC 8441 §4), and a server may present the CONNECT as a GET.
  return (
    SAFE_METHODS.includes(method) && headers.get('upgrade') === null && headers.get('sec-websocket-version') === null
  )
}
