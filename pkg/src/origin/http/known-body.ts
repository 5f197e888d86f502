import { type BodyLimits, readBody } from '../../http/body.ts'

/**
 * Facts about bodies besides their streams. On Node a stream takes longer than all else about a short request, so
 * the maker of a request or response from something simpler notes that here, and other readers use the stream.
 */

/** Reads a body once, as `readBody` does. */
export type BodyReader = (limits: BodyLimits) => Promise<Uint8Array<ArrayBuffer>>

/** Valid while the body has this stream: a clone has another. */
interface Known<What> {
  what: What
  stream: ReadableStream | null
}

const readers = new WeakMap<Request, Known<BodyReader>>()
const texts = new WeakMap<Response, Known<string>>()

/** Sets how a request's body is read as long as its stream is untouched. */
export function readsBy(request: Request, reader: BodyReader): void {
  readers.set(request, { what: reader, stream: request.body })
}

/** Reads a request's body, as `readBody` does, the quickest way there is. */
export function readRequest(request: Request, limits: BodyLimits): Promise<Uint8Array<ArrayBuffer>> {
  const reader = ifUntouched(request, readers.get(request))
  return reader === undefined ? readBody(request, limits) : reader(limits)
}

/** A response with a text, which need not be read from its stream. */
export function textResponse(text: string, init: ResponseInit): Response {
  const response = new Response(text, init)
  texts.set(response, { what: text, stream: response.body })
  return response
}

/** The whole body, where that is known and its stream untouched. */
export function textOf(response: Response): string | undefined {
  return ifUntouched(response, texts.get(response))
}

function ifUntouched<What>({ bodyUsed, body }: Request | Response, known: Known<What> | undefined): What | undefined {
  const isUntouched = known !== undefined && body === known.stream && !bodyUsed && body?.locked !== true
  return isUntouched ? known.what : undefined
}
