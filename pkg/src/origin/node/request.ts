import type { IncomingMessage } from 'node:http'
import { readsBy } from '../http/known-body.ts'
import { readIncoming } from './body.ts'
import type { Source } from './trusted-proxies.ts'

/** `RequestInit` with the member that Node's fetch requires for a stream. */
type StreamingInit = RequestInit & { duplex: 'half' }

/** A request without a standard form: an invalid host, target or method. */
export class MalformedRequest extends Error {}

/**
 * Converts an incoming request to a standard `Request`. The body is read on demand; `signal` aborts when the client has
 * gone. Throws `MalformedRequest`.
 */
export function requestOf(incoming: IncomingMessage, scheme: Source['scheme'], signal: AbortSignal): Request {
  const method = incoming.method ?? 'GET'
  const init: StreamingInit = { method, headers: headersOf(incoming), signal, duplex: 'half' }
  const hasBody = method !== 'GET' && method !== 'HEAD'
  if (hasBody) init.body = bodyOf(incoming)
  try {
    const request = new Request(urlOf(incoming, scheme), init)
    if (hasBody) readsBy(request, (limits) => readIncoming(incoming, limits))
    return request
  } catch (cause) {
    throw new MalformedRequest('the request has no standard form', { cause })
  }
}

/**
 * Returns the URL of the request. The target is a path (RFC 9112 §3.2.1); of a proxy's absolute form only the path
 * counts.
 */
function urlOf(incoming: IncomingMessage, scheme: Source['scheme']): URL {
  const host = incoming.headers.host ?? 'localhost'
  // RFC 9112 §3.2 allows one `Host`; Node uses the first of several.
  if ((incoming.headersDistinct['host']?.length ?? 0) > 1) throw new MalformedRequest('there are several Host headers')
  const target = incoming.url ?? '/'
  if (!/^[A-Za-z0-9.:[\]_-]+$/.test(host)) throw new MalformedRequest('the host is malformed')
  try {
    const absolute = target.startsWith('/') ? undefined : new URL(target)
    return new URL(`${scheme}://${host}${absolute === undefined ? target : absolute.pathname + absolute.search}`)
  } catch (cause) {
    throw new MalformedRequest('the request target is malformed', { cause })
  }
}

function headersOf(incoming: IncomingMessage): Headers {
  const headers = new Headers()
  const raw = incoming.rawHeaders
  for (let index = 0; index + 1 < raw.length; index += 2) headers.append(raw[index] ?? '', raw[index + 1] ?? '')
  return headers
}

/** Reads from the socket on demand, so that an unread body costs nothing. */
function bodyOf(incoming: IncomingMessage): ReadableStream<Uint8Array> {
  let chunks: AsyncIterator<Uint8Array> | undefined
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        chunks ??= incoming.iterator({ destroyOnReturn: false }) as AsyncIterator<Uint8Array>
        const { done, value } = await chunks.next()
        if (done === true) controller.close()
        else controller.enqueue(new Uint8Array(value))
      },
      async cancel() {
        await chunks?.return?.()
      },
    },
    { highWaterMark: 0 },
  )
}
