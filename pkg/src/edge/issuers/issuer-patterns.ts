import { isLoopback } from '../../http/loopback.ts'
import { invalid } from '../../options.ts'

/** Maximum length of an issuer. */
export const MAX_ISSUER_BYTES = 1024
/** Maximum number of names and patterns. */
export const MAX_PATTERNS = 1_000

/**
 * The issuers for which a gate may call its function: exact names, and patterns with one variable path segment or host
 * label.
 */
export class IssuerPatterns {
  readonly #names = new Set<string>()
  readonly #patterns: Pattern[] = []

  /**
   * Throws `invalid_option` for a member that is not an issuer's URL, or has more than one variable segment or label.
   */
  constructor(issuers: readonly string[], plainHttp: 'loopback' | 'anywhere', option = 'options.issuers') {
    issuers.forEach((issuer, index) => {
      const name = `${option}[${index}]`
      const pattern = patternOf(issuer, name)
      mustBeIssuer(pattern === undefined ? issuer : `${pattern.before}x${pattern.after}`, plainHttp, name)
      if (pattern === undefined) this.#names.add(issuer)
      else this.#patterns.push(pattern)
    })
  }

  /** Returns whether an unverified issuer matches a name or a pattern, in time linear in its length. */
  matches(issuer: string): boolean {
    return this.#names.has(issuer) || this.#patterns.some((pattern) => fits(issuer, pattern))
  }
}

/** A string with one variable part between two fixed ones. */
interface Pattern {
  readonly before: string
  readonly after: string
  readonly free: 'segment' | 'label'
}

/** One path segment of unreserved characters (RFC 3986 §2.3), so without percent-encoding. */
const SEGMENT = /^[A-Za-z0-9._~-]+$/
/** One host label (RFC 1123 §2.1) in lower case, the only form that is compared. */
const LABEL = /^[a-z0-9-]{1,63}$/

function fits(issuer: string, { before, after, free }: Pattern): boolean {
  if (issuer.length <= before.length + after.length || !issuer.startsWith(before) || !issuer.endsWith(after))
    return false
  const part = issuer.slice(before.length, issuer.length - after.length)
  return free === 'label'
    ? LABEL.test(part) && !part.startsWith('-') && !part.endsWith('-')
    : SEGMENT.test(part) && part !== '.' && part !== '..'
}

/** Returns the pattern, or `undefined` for an exact name. */
function patternOf(issuer: string, name: string): Pattern | undefined {
  const [before = '', inner, ...others] = issuer.split(/[{}]/)
  if (inner === undefined) return undefined
  const [after, ...more] = others
  const isOnePair =
    after !== undefined && more.length === 0 && issuer.indexOf('{') < issuer.indexOf('}') && inner !== ''
  if (!isOnePair) throw invalid(`${name} must have one name in braces, such as {tenant}`)
  const host = /^[a-z]+:\/\/[^/]*$/.test(before)
  if (host && /(?:\/\/|\.)$/.test(before) && after.startsWith('.')) return labelPattern(before, after, name)
  if (!host && before.endsWith('/') && (after === '' || after.startsWith('/')))
    return { before, after, free: 'segment' }
  throw invalid(`${name} may only have one whole path segment or host label in braces`)
}

/**
 * Throws `invalid_option` for a variable label directly below a top-level domain, because it would match any domain
 * that can be registered there.
 */
function labelPattern(before: string, after: string, name: string): Pattern {
  const domain = (after.split(/[/:]/, 1)[0] ?? '').slice(1)
  if (!domain.includes('.') && domain !== 'localhost')
    throw invalid(`${name} must name a domain after the braces, such as {tenant}.example.com`)
  return { before, after, free: 'label' }
}

/**
 * Throws `invalid_option` unless the string has the form of an issuer (OpenID Connect Discovery §3): an https: URL
 * without query or fragment.
 */
function mustBeIssuer(issuer: string, plainHttp: 'loopback' | 'anywhere', name: string): void {
  const url = URL.canParse(issuer) ? new URL(issuer) : undefined
  if (
    url === undefined ||
    !/^https?:$/.test(url.protocol) ||
    url.username + url.password !== '' ||
    /[?#*]/.test(issuer)
  ) {
    throw invalid(
      `${name} must be an issuer's https: URL without query, fragment or *, or such a URL with one part in braces`,
    )
  }
  if (new TextEncoder().encode(issuer).byteLength > MAX_ISSUER_BYTES)
    throw invalid(`${name} must have at most ${MAX_ISSUER_BYTES} bytes`)
  if (url.protocol !== 'https:' && plainHttp === 'loopback' && !isLoopback(url))
    throw invalid(`${name} must be an https: URL; see plainHttp`)
}
