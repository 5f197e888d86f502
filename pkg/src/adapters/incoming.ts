import type { RequestLike } from '../types.ts'
import { bodyReadBefore } from './errors.ts'

/** The members used of a request of `node:http`, or of `node:http2`'s compatibility API. */
export interface Incoming {
  readonly method?: string | undefined
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  /** Alternating names and values, as received. Empty if the host made the request itself, as on Lambda. */
  readonly rawHeaders?: readonly string[] | undefined
}

/**
 * Returns a Node request in the form that `gate.authenticate` takes, without copying. A request without a method does
 * not count as safe.
 */
export function requestLike(incoming: Incoming): RequestLike {
  return { method: incoming.method ?? '', headers: { get: (name) => headerOf(incoming, name.toLowerCase()) } }
}

/**
 * Returns the value of a header, with repeated lines joined as by the Fetch standard. Node's `headers` has only the
 * first `Authorization`, and a second one must be detected.
 */
function headerOf({ headers, rawHeaders = [] }: Incoming, name: string): string | null {
  const lines: string[] = []
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const raw = rawHeaders[index] as string
    if (raw.length === name.length && raw.toLowerCase() === name) lines.push(rawHeaders[index + 1] as string)
  }
  // A middleware may have changed a single line: its value in `headers` counts.
  const value = lines.length > 1 ? lines : headers[name]
  // RFC 9113 §8.2.3: a cookie header may be split into several fields.
  return Array.isArray(value) ? value.join(name === 'cookie' ? '; ' : ', ') : (value ?? null)
}

/** A Node request with a body: its stream, or the bytes that a parser has left there. */
export interface IncomingPush extends Incoming, AsyncIterable<unknown> {
  readonly body?: unknown
  readonly rawBody?: unknown
  readonly readableEnded: boolean
  readonly readableDidRead?: boolean
  readonly destroyed: boolean
  iterator?(options: { destroyOnReturn: boolean }): AsyncIterator<Uint8Array>
  on(event: string, listener: (chunk: Uint8Array) => void): unknown
  resume(): unknown
  destroy(): unknown
}

/**
 * Returns a push in the form that `gate.receiveFeed` takes. The stream is read on demand, so the gate's limits apply.
 * Throws `body_unreadable` for a parsed body; bytes in `body` or `rawBody`, as from `express.raw()`, are as good as the
 * stream.
 */
export function pushOf(incoming: IncomingPush): Request {
  // Other methods have no body here, and `Request` does not accept all of them.
  if (incoming.method !== 'POST') return new Request(PUSH_URL)
  const headers = new Headers()
  for (const name of ['authorization', 'content-length']) {
    const value = headerOf(incoming, name)
    if (value !== null) headers.set(name, value)
  }
  return new Request(PUSH_URL, { method: 'POST', headers, body: bodyOf(incoming), duplex: 'half' } as RequestInit)
}

/** A placeholder: the gate does not read the URL. */
const PUSH_URL = 'http://edge.invalid/'

function bodyOf(incoming: IncomingPush): BodyInit {
  for (const bytes of [incoming.body, incoming.rawBody])
    if (bytes instanceof Uint8Array) return bytes as Uint8Array<ArrayBuffer>
  if (incoming.readableEnded || incoming.readableDidRead === true) throw bodyReadBefore()
  let chunks: AsyncIterator<Uint8Array> | undefined
  const pull = async (controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> => {
    chunks ??=
      incoming.iterator?.({ destroyOnReturn: false }) ?? (incoming[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>)
    const { done, value } = await chunks.next()
    if (done === true) controller.close()
    else controller.enqueue(value)
  }
  const cancel = async (): Promise<void> => void (await chunks?.return?.())
  return new ReadableStream<Uint8Array>({ pull, cancel }, { highWaterMark: 0 })
}

/** Bound on the unread body that is drained to keep the connection; a longer one closes it. */
const MAX_DRAINED_BYTES = 262_144

/** Drains what the gate left of a body: Node serves no further request on the connection before that. */
export function drain(incoming: IncomingPush): void {
  if (incoming.readableEnded || incoming.destroyed) return
  let drained = 0
  incoming.on('data', (chunk) => {
    drained += chunk.byteLength
    if (drained > MAX_DRAINED_BYTES) incoming.destroy()
  })
  incoming.on('error', () => {})
  incoming.resume()
}
