import { checkOptions, invalid, isObject, rule } from '../options.ts'
import type { AccessOptions, Claims, ScopeOption } from '../types.ts'
import { type Access, ACCESS_RULES, accessOf, isScopeList } from './access/settings.ts'
import { fromBearer } from './access/token-source.ts'

/**
 * The set of options that a call takes: that of `EnvOption`, `HostOptions`, `CheckSyncOptions`, `CheckOptions` or
 * `AuthenticateOptions`.
 */
export type CallKind = 'env' | 'waitUntil' | 'checkSync' | 'check' | 'authenticate'

/** The options of a call without any. */
export const NO_OPTIONS: Readonly<Record<string, never>> = Object.freeze({})

/**
 * Validates the options of one call. Throws `invalid_option` for an unknown one, because a misspelled `scope` must not
 * grant access. A runtime's execution context may be passed as options; its own members are ignored.
 */
export function checkCall(options: object, kind: CallKind): void {
  if (!isObject(options)) throw invalid('options must be an object')
  const known = NAMES[kind]
  for (const name in options) if (!known.has(name)) return checkUnusual(options, known)
}

/** Returns a copy of the scopes that a call needs. Throws `invalid_option`. */
export function scopeOf({ scope }: ScopeOption): readonly string[] {
  if (scope === undefined) return NO_SCOPE
  // A copy stays the same while a request waits.
  if (isScopeList(scope)) return [...scope]
  throw invalid("options.scope must be an array of scope tokens (RFC 6749 §3.3), such as ['read']")
}

/** The scopes that a call without `scope` needs. */
export const NO_SCOPE: readonly string[] = Object.freeze([])

/**
 * Returns the access options of a call, which may also include `env`, `waitUntil` or the members of a context. Throws
 * `invalid_option`.
 */
export function accessOfCall<C extends Claims>(options: AccessOptions<C>): Access<C> {
  const { token, scope, roles, authorize, authorizeTimeoutMs } = options
  const isUsual =
    token === undefined && roles === undefined && authorize === undefined && authorizeTimeoutMs === undefined
  if (isUsual)
    return scope === undefined
      ? BEARER
      : { token: fromBearer, subprotocol: undefined, scope: scopeOf(options), permission: undefined }
  const access = { token, scope, roles, authorize, authorizeTimeoutMs } as AccessOptions<C>
  checkOptions(access, ACCESS_RULES)
  return accessOf(access)
}

/** The access of a call without access options: a bearer token with any scopes. */
export const BEARER: Access<never> & { readonly permission: undefined } = {
  token: fromBearer,
  subprotocol: undefined,
  scope: NO_SCOPE,
  permission: undefined,
}

const NAMES: Readonly<Record<CallKind, ReadonlySet<string>>> = {
  env: new Set(['env']),
  waitUntil: new Set(['env', 'waitUntil']),
  checkSync: new Set(['env', 'scope']),
  check: new Set(['env', 'waitUntil', 'scope']),
  authenticate: new Set(['env', 'waitUntil', ...Object.keys(ACCESS_RULES)]),
}

/** Members of a plain object that mocks an execution context, as in tests of workers. */
const CONTEXT_MEMBERS: ReadonlySet<string> = new Set(['passThroughOnException', 'props'])

/** Validates every name. Throws `invalid_option`. */
function checkUnusual(options: Record<string, unknown>, known: ReadonlySet<string>): void {
  const unknown: Record<string, unknown> = {}
  for (const name in options) if (!known.has(name) && !isContextMember(name, options, known)) unknown[name] = true
  checkOptions(unknown, Object.fromEntries([...known].map((name) => [name, rule('given', () => true)])))
}

/** Returns whether this is a member of the runtime's own execution context. */
function isContextMember(name: string, options: Record<string, unknown>, known: ReadonlySet<string>): boolean {
  if (!known.has('waitUntil') || typeof options['waitUntil'] !== 'function') return false
  // A real context inherits its methods; its other members differ by version of the runtime, but none concerns access.
  const isOfClass = !Object.hasOwn(options, 'waitUntil')
  return CONTEXT_MEMBERS.has(name) || (isOfClass && !/scope|role|auth|token/i.test(name))
}
