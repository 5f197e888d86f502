/** The pages of other origins that may send requests and read the responses (Fetch §3.3), and how. */
export interface CorsOptions {
  /**
   * Origins that may read responses: a list of origins (`https://app.example`) and patterns with a wildcard label
   * (`https://*.app.example`), `'*'` for any, or a function `(origin) => boolean`. Only this decides: the handler's own
   * `Access-Control-Allow-Origin` is replaced or removed.
   */
  origins: string[] | '*' | ((origin: string) => boolean | Promise<boolean>)
  /**
   * Whether browsers may also send cookies and let scripts read the response: `include`, not with `'*'`. Default
   * `omit`.
   */
  credentials?: 'omit' | 'include'
  /** Response headers that scripts may read besides `WWW-Authenticate` and the safelisted ones. Default: none. */
  exposed?: string[]
  /** Methods that a preflight allows. Default: `GET, HEAD, POST, PUT, PATCH, DELETE`. */
  methods?: string[]
  /**
   * Request headers that a preflight allows; `*` does not include `Authorization`. Default: `Authorization,
   * Content-Type`.
   */
  headers?: string[]
  /** How long browsers cache a preflight's response. Allowed: 0 or more. Default 600. */
  maxAgeSeconds?: number
}

/**
 * Origins whose pages may read responses: exactly as browsers send them (`https://app.example`), patterns with one
 * whole label as wildcard (`https://*.app.example`: any one DNS label, scheme and port exact), or `'*'` for any. The
 * origin `null` (sandboxed frames, files) never matches a list. A function is called for each request with an origin of
 * at most 300 characters; it must return `true` or `false`, or a promise of one within 2 s. Anything else is reported
 * and counts as `false`.
 */
export type CorsOrigins = CorsOptions['origins']
