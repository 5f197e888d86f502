import { AllowedOrigins, corsOrigins } from '../http/allowed-origins.ts'
import type { CorsPolicy } from '../http/cors.ts'
import { HTTP_TOKEN } from '../http/http-token.ts'
import {
  defaultsOf,
  given,
  invalid,
  list,
  oneOf,
  pattern,
  required,
  type Rules,
  seconds,
  withDefault,
} from '../options.ts'
import type { CorsOptions } from '../types.ts'

const token = pattern('a method or header name', HTTP_TOKEN)

const CORS = {
  origins: required(corsOrigins(1)),
  credentials: withDefault(oneOf('omit', 'include'), 'omit'),
  exposed: list(token),
  methods: withDefault(list(token, 1), ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE']),
  headers: withDefault(list(token), ['Authorization', 'Content-Type']),
  maxAgeSeconds: withDefault(seconds, 600),
} satisfies Rules

/** The rules of `CorsOptions`. */
export const CORS_RULES: Rules = CORS

/** Scripts need it to see why they were refused. */
const EXPOSED_HEADERS = ['WWW-Authenticate']

/** Returns the policy of validated options. Throws `invalid_option` for an asterisk if credentials are included. */
export function corsPolicy(options: CorsOptions, name: string): CorsPolicy {
  const { origins, exposed = [], ...settings } = { ...defaultsOf(CORS), ...given(options) }
  if (settings.credentials === 'include') checkNamed(options, name)
  return {
    ...settings,
    exposed: [...EXPOSED_HEADERS, ...exposed],
    origins: new AllowedOrigins(origins, `${name}.origins`),
  }
}

/** Throws `invalid_option` for an asterisk: with credentials, browsers treat it as a name (Fetch §3.3.5). */
function checkNamed({ origins, exposed = [], methods = [], headers = [] }: CorsOptions, name: string): void {
  const isStarred = {
    origins: origins === '*',
    exposed: exposed.includes('*'),
    methods: methods.includes('*'),
    headers: headers.includes('*'),
  }
  const starred = Object.entries(isStarred).find(([, is]) => is)
  if (starred !== undefined)
    throw invalid(`${name}.${starred[0]} must name each without '*', because ${name}.credentials is 'include'`)
}
