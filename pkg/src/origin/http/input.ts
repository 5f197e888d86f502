import { scanJson } from '../../json-scanner.ts'
import { isObject } from '../../options.ts'
import { withTextualIntegers } from '../connectors/json-members.ts'
import { readRequest } from './known-body.ts'
import { MAX_NAME_BYTES } from '../core/name.ts'
import { Problem } from './problem.ts'

/** How long a client may take to send its body. */
const BODY_TIMEOUT_MS = 10_000
/** The longest string in a path or query, in characters: a name has at most as many bytes, so it never has more. */
export const MAX_PARAMETER_CHARACTERS: number = MAX_NAME_BYTES

/**
 * Reads a JSON object that has only the members in `members`. Throws a `Problem` (400) for an empty body, another
 * content type, a body that is not a JSON object, or an undeclared or duplicate member. Also throws the errors of
 * `readBody`, such as `too_large`. `ids` names members at any depth whose integers are read as strings of their digits.
 */
export async function jsonBody(
  request: Request,
  maxBytes: number,
  members: readonly string[],
  ids: readonly string[] = [],
): Promise<Record<string, unknown>> {
  checkJson(request)
  const bytes = await readRequest(request, { maxBytes, timeoutMs: BODY_TIMEOUT_MS, signal: request.signal })
  if (bytes.byteLength === 0) throw invalidRequest('the body is empty')
  return jsonObject(request, bytes, members, ids)
}

/** Like `jsonBody`, for an optional body: an empty one, of any type, is an object without members. */
export async function optionalJsonBody(
  request: Request,
  maxBytes: number,
  members: readonly string[],
): Promise<Record<string, unknown>> {
  const bytes = await readRequest(request, { maxBytes, timeoutMs: BODY_TIMEOUT_MS, signal: request.signal })
  return bytes.byteLength === 0 ? {} : jsonObject(request, bytes, members)
}

/**
 * Reads a form (RFC 6749 §3.2). Throws a `Problem` (400 `invalid_request`) for another content type or a duplicate
 * parameter, and `too_large` etc. as `readBody` does. Parameters without a value count as absent.
 */
export async function formBody(request: Request, maxBytes: number): Promise<Map<string, string>> {
  if (contentType(request) !== 'application/x-www-form-urlencoded') {
    throw invalidRequest('the content type must be application/x-www-form-urlencoded')
  }
  const bytes = await readRequest(request, { maxBytes, timeoutMs: BODY_TIMEOUT_MS, signal: request.signal })
  return parametersOf(new URLSearchParams(new TextDecoder().decode(bytes)))
}

/**
 * Reads a token that is the whole body. Throws a `Problem` (400) for another content type or an empty body, and
 * `too_large` etc. as `readBody` does.
 */
export async function tokenBody(request: Request, maxBytes: number, type: string): Promise<string> {
  if (contentType(request) !== type) throw invalidRequest(`the content type must be ${type}`)
  const bytes = await readRequest(request, { maxBytes, timeoutMs: BODY_TIMEOUT_MS, signal: request.signal })
  if (bytes.byteLength === 0) throw invalidRequest('the body is empty')
  return new TextDecoder().decode(bytes).trim()
}

/** Returns the parameters of a form or query, each at most once. Throws a `Problem` (400). */
export function parametersOf(search: URLSearchParams): Map<string, string> {
  const parameters = new Map<string, string>()
  for (const [name, value] of search) {
    if (parameters.has(name)) throw invalidRequest('a parameter is given twice')
    parameters.set(name, value)
  }
  for (const [name, value] of parameters) if (value === '') parameters.delete(name)
  return parameters
}

/**
 * Reads a query parameter that is a whole number. Throws a `Problem` (400) if it has another form or is given twice.
 */
export function wholeNumber(url: URL, name: string): number | undefined {
  const values = url.searchParams.getAll(name)
  if (values.length === 0) return undefined
  const number = Number(values[0])
  if (values.length > 1 || !/^\d{1,16}$/.test(values[0] ?? '') || !Number.isSafeInteger(number)) {
    throw invalidRequest(`${name} must be a whole number, given once`)
  }
  return number
}

/**
 * Reads a query parameter that is a string. Throws a `Problem` (400) if it is too long, has control characters or is
 * given twice.
 */
export function textParameter(url: URL, name: string): string | undefined {
  const [value, ...more] = url.searchParams.getAll(name)
  if (value === undefined || (value === '' && more.length === 0)) return undefined
  if (more.length > 0 || value.length > MAX_PARAMETER_CHARACTERS || /\p{Cc}/u.test(value)) {
    throw invalidRequest(`${name} must be a string of at most ${MAX_PARAMETER_CHARACTERS} characters, given once`)
  }
  return value
}

export function invalidRequest(description: string): Problem {
  return new Problem(400, 'invalid_request', description)
}

/** Returns the media type without its parameters. */
function contentType(request: Request): string | undefined {
  return request.headers.get('content-type')?.split(';', 1)[0]?.trim().toLowerCase()
}

function checkJson(request: Request): void {
  if (contentType(request) !== 'application/json') throw invalidRequest('the content type must be application/json')
}

function jsonObject(
  request: Request,
  bytes: Uint8Array,
  members: readonly string[],
  ids: readonly string[] = [],
): Record<string, unknown> {
  checkJson(request)
  const body = parse(bytes, ids)
  if (!isObject(body)) throw invalidRequest('the body must be a JSON object')
  if (Object.keys(body).some((member) => !members.includes(member))) {
    throw invalidRequest(`the body may have only the members ${members.join(', ')}`)
  }
  return body
}

function parse(bytes: Uint8Array, ids: readonly string[]): unknown {
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw invalidRequest('the body is not valid JSON')
  }
  const fault = scanJson(text)
  if (fault?.kind === 'syntax') throw invalidRequest('the body is not valid JSON')
  if (fault?.kind === 'duplicate') throw invalidRequest('the body has a duplicate member')
  return JSON.parse(ids.length === 0 ? text : withTextualIntegers(text, ids))
}
