import { textResponse } from './known-body.ts'

/** Every response of the origin is made here or in `problem.ts`. */

/** A JSON response that no cache keeps. */
export function json(status: number, body: object, headers: Record<string, string> = {}): Response {
  return textResponse(JSON.stringify(body), {
    status,
    headers: { 'content-type': 'application/json', 'cache-control': 'no-store', ...headers },
  })
}

/** A response of plain characters that no cache keeps. */
export function text(body: string, type: string): Response {
  return textResponse(body, { headers: { 'content-type': type, 'cache-control': 'no-store' } })
}

/** A 204 response. */
export function noContent(): Response {
  return new Response(null, { status: 204, headers: { 'cache-control': 'no-store' } })
}

/** A 200 response with an empty body (RFC 7009 §2.2). */
export function ok(): Response {
  return new Response(null, { status: 200, headers: { 'cache-control': 'no-store' } })
}

/** A 202 response with an empty body (RFC 8935 §2.2). */
export function accepted(): Response {
  return new Response(null, { status: 202, headers: { 'cache-control': 'no-store' } })
}

/** JSON values, one a line; pages of at least one, read as the client takes them. A failure breaks the response off. */
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

/** Feed bytes. */
export function octets(bytes: Uint8Array, headers: Record<string, string>): Response {
  return new Response(bytes as Uint8Array<ArrayBuffer>, {
    headers: { 'content-type': 'application/octet-stream', ...headers },
  })
}

/** The reader has it already (RFC 9110 §15.4.5). */
export function notModified(headers: Record<string, string>): Response {
  return new Response(null, { status: 304, headers })
}

/** Server-sent events (WHATWG HTML §9.2). */
export function eventStream(body: ReadableStream<Uint8Array>): Response {
  return new Response(body, {
    headers: { 'content-type': 'text/event-stream', 'cache-control': 'no-store', 'x-accel-buffering': 'no' },
  })
}
