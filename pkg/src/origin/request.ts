import { readBody } from '../body.ts'
import { isObject } from '../options.ts'
import { Problem } from './problem.ts'

/** How long a client may take to send its body. */
const BODY_TIMEOUT_MS = 10_000

/**
 * Reads a JSON object with no members but `members`. Throws a `Problem` (400) for an empty body, another content type,
 * what is no JSON object, or a member that is not declared; `too_large` and the like as `readBody` does.
 */
export async function jsonBody(request: Request, maxBytes: number, members: readonly string[]): Promise<Record<string, unknown>> {
  const type = request.headers.get('content-type')?.split(';', 1)[0]?.trim().toLowerCase()
  if (type !== 'application/json') throw invalidRequest('the content type must be application/json')
  const bytes = await readBody(request, { maxBytes, timeoutMs: BODY_TIMEOUT_MS, signal: request.signal })
  if (bytes.byteLength === 0) throw invalidRequest('the body is empty')
  const body = parse(bytes)
  if (!isObject(body)) throw invalidRequest('the body must be a JSON object')
  if (Object.keys(body).some((member) => !members.includes(member))) {
    throw invalidRequest(`the body may have no members but ${members.join(', ')}`)
  }
  return body
}

/** A query parameter that is a whole number. Throws a `Problem` (400) when it is something else or given twice. */
export function wholeNumber(url: URL, name: string): number | undefined {
  const values = url.searchParams.getAll(name)
  if (values.length === 0) return undefined
  const number = Number(values[0])
  if (values.length > 1 || !/^\d{1,16}$/.test(values[0] ?? '') || !Number.isSafeInteger(number)) {
    throw invalidRequest(`${name} must be a whole number, given once`)
  }
  return number
}

export function invalidRequest(description: string): Problem {
  return new Problem(400, 'invalid_request', description)
}

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    throw invalidRequest('the body is no JSON')
  }
}
