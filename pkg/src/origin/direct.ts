import { type BodyLimits, readBody } from '../body.ts'

/**
 * What is known of bodies besides their streams. On Node a stream takes longer than all else about a short request, so
 * whoever makes a request or response of something simpler notes that here, and whoever does not ask reads the stream.
 */

/** Reads a body once, as `readBody` does. */
export type BodyReader = (limits: BodyLimits) => Promise<Uint8Array<ArrayBuffer>>

const readers = new WeakMap<Request, BodyReader>()
const texts = new WeakMap<Response, string>()

/** Says how a request's body is read as long as nobody has touched its stream. */
export function readsBy(request: Request, reader: BodyReader): void {
  readers.set(request, reader)
}

/** Reads a request's body, as `readBody` does, the quickest way there is. */
export function readRequest(request: Request, limits: BodyLimits): Promise<Uint8Array<ArrayBuffer>> {
  const reader = isUntouched(request) ? readers.get(request) : undefined
  return reader === undefined ? readBody(request, limits) : reader(limits)
}

/** A response with a text, which need not be read from its stream. */
export function textResponse(text: string, init: ResponseInit): Response {
  const response = new Response(text, init)
  texts.set(response, text)
  return response
}

/** The whole body, where that is known and nobody has touched its stream. */
export function textOf(response: Response): string | undefined {
  return isUntouched(response) ? texts.get(response) : undefined
}

function isUntouched({ bodyUsed, body }: Request | Response): boolean {
  return !bodyUsed && body?.locked !== true
}
