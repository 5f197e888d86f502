import { isScopeToken } from '../../http/bearer.ts'
import { HTTP_TOKEN } from '../../http/http-token.ts'
import {
  callback,
  checkOptions,
  integer,
  invalid,
  isObject,
  list,
  MAX_TIMER_MS,
  oneOf,
  pattern,
  required,
  rule,
  type Rule,
  type Rules,
  webOrigin,
  withDefault,
} from '../../options.ts'
import type { AccessOptions, Claims } from '../../types.ts'
import type { Authorization } from './authorize.ts'
import { type RoleTest, roleTest } from './roles.ts'
import { type TokenReader, tokenReader } from './token-source.ts'

/**
 * Where the token is read from and who gets access, validated and copied: the caller may change its options afterwards.
 */
export interface Access<C extends Claims = Claims> {
  readonly token: TokenReader
  /** The subprotocol that precedes the token, which no response may echo. */
  readonly subprotocol: string | undefined
  readonly scope: readonly string[]
  /** `undefined`: the scopes alone decide. */
  readonly permission: Permission<C> | undefined
}

/** The conditions on an accepted token besides its scopes. */
export interface Permission<C extends Claims = Claims> {
  readonly roles: RoleTest | undefined
  readonly authorization: Authorization<C> | undefined
}

/** Returns the access of validated options. */
export function accessOf<C extends Claims>(options: AccessOptions<C>): Access<C> {
  const {
    token = ACCESS.token.fallback,
    scope = [],
    roles,
    authorize,
    authorizeTimeoutMs = ACCESS.authorizeTimeoutMs.fallback,
  } = options
  return {
    token: tokenReader(token),
    subprotocol: typeof token === 'object' && 'subprotocol' in token ? token.subprotocol : undefined,
    scope: [...scope],
    permission:
      roles === undefined && authorize === undefined
        ? undefined
        : {
            roles: roles && roleTest(roles),
            authorization: authorize && { authorize, timeoutMs: authorizeTimeoutMs },
          },
  }
}

/** Returns whether a value is a list of scope tokens. The copy has no holes, which `every` would skip. */
export function isScopeList(value: unknown): value is string[] {
  return Array.isArray(value) && [...value].every(isScopeToken)
}

const name: Rule<string> = pattern('a name such as token', HTTP_TOKEN)

/**
 * Rejects headers that browsers attach or that have their own syntax: as plain headers they would bypass the checks for
 * these.
 */
const header: Rule<string> = rule(
  'the name of a header (for cookies { cookie }, for WebSockets { subprotocol })',
  (value) => typeof value === 'string' && HTTP_TOKEN.test(value) && !/^(cookie|sec-websocket-protocol)$/i.test(value),
)

/** One origin and no pattern: otherwise a page of any subdomain could use the cookie. */
const origin: Rule<string> = {
  ...webOrigin,
  check(value, name) {
    webOrigin.check(value, name)
    if (String(value).includes('*')) throw invalid(`${name} must be one origin, not a pattern: list each`)
  },
}

const SOURCES: Readonly<Record<string, Rules>> = {
  cookie: {
    cookie: required(name),
    origins: list(origin),
    fetchSites: list(oneOf('same-origin', 'same-site', 'none')),
  },
  header: { header: required(header) },
  subprotocol: { subprotocol: required(name) },
}

const source: Rule<NonNullable<AccessOptions['token']>> = byMember(
  "'bearer', { cookie }, { header }, { subprotocol } or a function",
  (value) => value === 'bearer' || typeof value === 'function',
  SOURCES,
)

const roleNames: Rule<string[]> = rule('a non-empty array of names', isNames)
const path: Rule<string> = rule(
  "names separated by dots, such as 'a.b', or an array of names, for example if one is a URL",
  (value) => isNames(typeof value === 'string' && !value.includes('://') ? value.split('.') : value),
)

const ROLES: Readonly<Record<string, Rules>> = {
  client: { client: required(rule('a client id', isName)), all: required(roleNames) },
  path: { path: required(path), all: required(roleNames) },
}

const ACCESS = {
  token: withDefault(source, 'bearer' as const),
  scope: rule("an array of scope tokens (RFC 6749 §3.3), such as ['read']", isScopeList),
  roles: byMember('a non-empty array of names, { client, all } or { path, all }', isNames, ROLES),
  authorize: callback,
  // Long enough for a lookup nearby, and shorter than the usual timeouts of clients.
  authorizeTimeoutMs: withDefault(integer('whole milliseconds', 1, MAX_TIMER_MS), 5_000),
} satisfies Rules

/** The rules of `AccessOptions`. */
export const ACCESS_RULES: Rules = ACCESS

/** Returns the rule for a value of several forms: plain values, and objects identified by a member. */
function byMember<T>(
  expected: string,
  isPlain: (value: unknown) => boolean,
  forms: Readonly<Record<string, Rules>>,
): Rule<T> {
  return {
    expected,
    check(value, name) {
      if (isPlain(value)) return
      const form = isObject(value) ? Object.keys(forms).find((member) => Object.hasOwn(value, member)) : undefined
      if (form === undefined) throw invalid(`${name} must be ${expected}`)
      checkOptions(value, forms[form] ?? {}, name)
    },
  }
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}

/** Returns whether a value is a list of names. The copy has no holes, which `every` would skip. */
function isNames(value: unknown): value is string[] {
  return Array.isArray(value) && value.length > 0 && [...value].every(isName)
}
