export interface CorsOptions {
  /**
   * Origins that may call, exactly as browsers send them; `'*'` for any. Only this decides: the handler's own
   * `Access-Control-Allow-Origin` is replaced or removed.
   */
  origins: string[] | '*'
  /** Default `GET, HEAD, POST, PUT, PATCH, DELETE`. */
  methods?: string[]
  /** Default `Authorization, Content-Type`. */
  headers?: string[]
  /** How long browsers cache a preflight's response. Default 600. */
  maxAgeSeconds?: number
}
