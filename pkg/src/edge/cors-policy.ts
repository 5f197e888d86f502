import type { CorsPolicy } from '../http/cors.ts'
import { either, list, oneOf, required, rule, type Rules, seconds, webOrigin } from '../options.ts'
import type { CorsOptions } from '../types.ts'

/** RFC 9110 §5.6.2: methods and field names are tokens. */
const token = rule('a method or header name', (value) => typeof value === 'string' && /^[\w!#$%&'*+.^`|~-]+$/.test(value))

/** The rules of `CorsOptions`. */
export const CORS_RULES: Rules = {
  origins: required(either(oneOf('*'), list(webOrigin, 1))),
  methods: list(token, 1),
  headers: list(token),
  maxAgeSeconds: seconds,
}

const DEFAULT_METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE']
const DEFAULT_HEADERS = ['Authorization', 'Content-Type']
const DEFAULT_MAX_AGE_SECONDS = 600
const EXPOSED_HEADERS = ['WWW-Authenticate']

/** The policy of options that have been checked. */
export function corsPolicy({ origins, methods = DEFAULT_METHODS, headers = DEFAULT_HEADERS, maxAgeSeconds = DEFAULT_MAX_AGE_SECONDS }: CorsOptions): CorsPolicy {
  return { origins, methods, headers, maxAgeSeconds, exposed: EXPOSED_HEADERS, credentials: 'omit' }
}
