import { type BodyLimits, readBody } from '../../http/body.ts'

/**
 * Knows bodies other than by their streams. On Node a stream takes longer than the rest of a short request. The code
 * that builds a request or response from a simpler source therefore notes that source here; other readers use the
 * stream.
 */

/** Reads a body once, as `readBody` does. */
type BodyReader = (limits: BodyLimits) => Promise<Uint8Array<ArrayBuffer>>

/** Valid while the body has this stream; a clone has another. */
interface Known<What> {
  what: What
  stream: ReadableStream | null
}

const readers = new WeakMap<Request, Known<BodyReader>>()
const texts = new WeakMap<Response, Known<string>>()

/** Sets how a request's body is read while its stream is untouched. */
export function readsBy(request: Request, reader: BodyReader): void {
  readers.set(request, { what: reader, stream: request.body })
}

/** Reads a request's body as `readBody` does, in the fastest available way. */
export function readRequest(request: Request, limits: BodyLimits): Promise<Uint8Array<ArrayBuffer>> {
  const reader = ifUntouched(request, readers.get(request))
  return reader === undefined ? readBody(request, limits) : reader(limits)
}

/** Returns a response with a string body that can be read without its stream. */
export function textResponse(text: string, init: ResponseInit): Response {
  const response = new Response(text, init)
  texts.set(response, { what: text, stream: response.body })
  return response
}

/** Returns the whole body, if it is known and its stream is untouched. */
export function textOf(response: Response): string | undefined {
  return ifUntouched(response, texts.get(response))
}

function ifUntouched<What>({ bodyUsed, body }: Request | Response, known: Known<What> | undefined): What | undefined {
  const isUntouched = known !== undefined && body === known.stream && !bodyUsed && body?.locked !== true
  return isUntouched ? known.what : undefined
}
