import { textResponse } from './known-body.ts'

/** Builds every response of the origin, except for those in `problem.ts`. */

/** Returns a JSON response that must not be cached. */
export function json(status: number, body: object, headers: Record<string, string> = {}): Response {
  return textResponse(JSON.stringify(body), {
    status,
    headers: { 'content-type': 'application/json', 'cache-control': 'no-store', ...headers },
  })
}

/** Returns a plain-text response that must not be cached. */
export function text(body: string, type: string): Response {
  return textResponse(body, { headers: { 'content-type': type, 'cache-control': 'no-store' } })
}

/** Returns a 204 response. */
export function noContent(): Response {
  return new Response(null, { status: 204, headers: { 'cache-control': 'no-store' } })
}

/** Returns a 200 response with an empty body (RFC 7009 §2.2). */
export function ok(): Response {
  return new Response(null, { status: 200, headers: { 'cache-control': 'no-store' } })
}

/** Returns a 202 response with an empty body (RFC 8935 §2.2). */
export function accepted(): Response {
  return new Response(null, { status: 202, headers: { 'cache-control': 'no-store' } })
}

/**
 * Returns a response of JSON values, one per line. Pages have at least one value, and are read as the client consumes
 * them. A failure aborts the response.
 */
export function jsonLines(pages: AsyncGenerator<readonly object[]>): Response {
  const encoder = new TextEncoder()
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { done, value } = await pages.next()
      if (done === true) controller.close()
      else controller.enqueue(encoder.encode(value.map((each) => `${JSON.stringify(each)}\n`).join('')))
    },
    cancel: async () => void (await pages.return(undefined)),
  })
  return new Response(body, { headers: { 'content-type': 'application/x-ndjson', 'cache-control': 'no-store' } })
}

/** Returns a response of feed bytes. */
export function octets(bytes: Uint8Array, headers: Record<string, string>): Response {
  return new Response(bytes as Uint8Array<ArrayBuffer>, {
    headers: { 'content-type': 'application/octet-stream', ...headers },
  })
}

/** Returns a 304 response: the reader already has it (RFC 9110 §15.4.5). */
export function notModified(headers: Record<string, string>): Response {
  return new Response(null, { status: 304, headers })
}

/** Returns a response of server-sent events (WHATWG HTML §9.2). */
export function eventStream(body: ReadableStream<Uint8Array>): Response {
  return new Response(body, {
    headers: { 'content-type': 'text/event-stream', 'cache-control': 'no-store', 'x-accel-buffering': 'no' },
  })
}
