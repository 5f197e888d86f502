import { PortcullisError } from '../errors.ts'
import { callback, either, invalid, list, oneOf, rule, type Rule } from '../options.ts'
import { within } from '../timing/deadline.ts'
import type { CorsOrigins } from '../types.ts'
import { isSharedSuffix } from './hosting-suffixes.ts'

/** Longer than any origin with a DNS name, which has at most 253 characters besides scheme and port. */
export const MAX_ORIGIN_CHARACTERS = 300
/** Maximum wait for a function, because the browser waits too. */
const FUNCTION_TIMEOUT_MS = 2_000
/** Minimum interval between reports of a function's failures: any request can cause one. */
const REPORT_EVERY_MS = 60_000

/** Receives the errors that an operator should see. */
export type OriginReporter = (error: PortcullisError) => void

/** The allowed origins of a CORS option, prepared for comparison with those of requests. */
export class AllowedOrigins {
  /** Whether every origin is allowed, so that responses do not depend on it. */
  readonly isAny: boolean
  readonly #name: string
  readonly #exact: ReadonlySet<string>
  readonly #patterns: readonly OriginPattern[]
  readonly #decide: ((origin: string) => unknown) | undefined
  #reportedAtMs = -Infinity
  #hasWarned = false

  /** `name`: the name of the option, whose value must have been validated. */
  constructor(origins: CorsOrigins, name: string) {
    const listed = Array.isArray(origins) ? origins : []
    this.#name = name
    this.isAny = origins === '*'
    this.#decide = typeof origins === 'function' ? origins : undefined
    this.#exact = new Set(listed.filter((each) => !each.includes('*')))
    this.#patterns = listed.filter((each) => each.includes('*')).map(parsePattern)
  }

  /**
   * Returns whether pages of the given origin, as named by a request, may read the response. Never rejects: a function
   * that fails allows nothing.
   */
  allows(origin: string | null, report: OriginReporter): boolean | Promise<boolean> {
    if (this.isAny) return true
    if (origin === null || origin.length > MAX_ORIGIN_CHARACTERS) return false
    if (this.#decide !== undefined) return isSerialized(origin) && this.#ask(this.#decide, origin, report)
    return this.#exact.has(origin) || this.#patterns.some((pattern) => matches(pattern, origin))
  }

  /** Reports patterns that include pages of strangers; only the first call does. */
  warnOnce(report: OriginReporter): void {
    if (this.#hasWarned) return
    this.#hasWarned = true
    if (!this.#patterns.some(({ domain }) => isSharedSuffix(domain))) return
    const message = `${this.#name} has a pattern below a registry or hosting service, which allows anyone's pages there: list your own origins`
    deliver(report, new PortcullisError('invalid_option', message, { detail: 'public_suffix' }))
  }

  #ask(decide: (origin: string) => unknown, origin: string, report: OriginReporter): boolean | Promise<boolean> {
    try {
      const answer = decide(origin)
      return typeof answer === 'boolean' ? answer : this.#settle(answer, report)
    } catch (cause) {
      return this.#fail('threw', report, cause)
    }
  }

  async #settle(answer: unknown, report: OriginReporter): Promise<boolean> {
    const answered = Promise.resolve(answer)
    const outcome = await within(answered, FUNCTION_TIMEOUT_MS)
    if (outcome === 'late') return this.#fail(`did not settle within ${FUNCTION_TIMEOUT_MS} ms`, report)
    try {
      const settled: unknown = await answered
      return typeof settled === 'boolean' ? settled : this.#fail('returned neither true nor false', report)
    } catch (cause) {
      return this.#fail('rejected', report, cause)
    }
  }

  #fail(event: string, report: OriginReporter, cause?: unknown): false {
    const nowMs = Date.now()
    if (Math.abs(nowMs - this.#reportedAtMs) >= REPORT_EVERY_MS) {
      this.#reportedAtMs = nowMs
      const message = `the function ${this.#name} ${event}: no other origin can read the response`
      deliver(report, new PortcullisError('fault', message, { detail: 'origin_function', cause }))
    }
    return false
  }
}

function deliver(report: OriginReporter, error: PortcullisError): void {
  try {
    report(error)
  } catch {
    // A failing listener must not fail the request.
  }
}

/** Returns the rule for the origins of a CORS option; `least`: the minimum length of a list. */
export function corsOrigins(least: number): Rule<CorsOrigins> {
  const origins = list(originOrPattern, least)
  const rules: Rule<CorsOrigins> = either(oneOf('*'), origins, callback)
  return {
    ...rules,
    check(value, name) {
      if (Array.isArray(value)) origins.check(value, name)
      else if (value !== '*' && typeof value !== 'function') throw invalid(`${name} must be ${rules.expected}`)
    },
  }
}

/** Matches any single label before a domain. */
interface OriginPattern {
  /** `https://` */
  readonly prefix: string
  /** `.app.example:8443` */
  readonly suffix: string
  /** `app.example` */
  readonly domain: string
}

/** A DNS label as normalized by the URL parser: in lower case, international names in Punycode. */
const LABEL = /^[a-z\d_](?:[a-z\d_-]{0,61}[a-z\d_])?$/

const originOrPattern: Rule<string> = /* @__PURE__ */ rule(
  "an origin such as 'https://app.example', or one with a wildcard as its first label, such as 'https://*.app.example'",
  isOriginOrPattern,
  'webOrigin',
)

function isOriginOrPattern(value: unknown): boolean {
  if (
    typeof value !== 'string' ||
    value.length > MAX_ORIGIN_CHARACTERS ||
    !/^https?:\/\/(?:\*\.)?[^*.:][^*]*$/.test(value)
  )
    return false
  // A label in place of the asterisk shows whether the rest is in the URL parser's normal form.
  const origin = value.replace('*', 'label')
  try {
    return new URL(origin).origin === origin
  } catch {
    return false
  }
}

function parsePattern(pattern: string): OriginPattern {
  const [scheme = '', host = ''] = pattern.split('*.')
  return { prefix: scheme, suffix: `.${host}`, domain: host.replace(/:\d+$/, '') }
}

function matches({ prefix, suffix }: OriginPattern, origin: string): boolean {
  if (!origin.startsWith(prefix) || !origin.endsWith(suffix)) return false
  return LABEL.test(origin.slice(prefix.length, -suffix.length))
}

/**
 * Returns whether the string is an origin in the form that browsers send (RFC 6454 §6.2); a function is called with no
 * other form.
 */
function isSerialized(origin: string): boolean {
  return origin === 'null' || /^[a-z][a-z\d+.-]*:\/\/[a-z\d._:[\]-]+$/.test(origin)
}
