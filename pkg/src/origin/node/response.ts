import type { IncomingMessage, ServerResponse } from 'node:http'
import { textOf } from '../http/known-body.ts'

/** How much of an unread request body is read to keep the connection; a longer body closes it. */
const MAX_DRAINED_BYTES = 262_144

/** Writes a response as fast as the client reads it. If the client has gone, the response's body is cancelled. */
export async function writeResponse(
  response: Response,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  const body = response.body
  if (outgoing.destroyed) {
    await body?.cancel().catch(ignore)
    return
  }
  outgoing.statusCode = response.status
  outgoing.setHeaders(response.headers)
  const text = textOf(response)
  if (incoming.method === 'HEAD' || body === null) {
    await body?.cancel().catch(ignore)
    outgoing.end()
  } else if (text !== undefined) {
    outgoing.end(text)
  } else if (await copy(body, outgoing)) {
    if (!outgoing.writableEnded) outgoing.end()
  } else {
    // Only aborting the connection tells the client that the response is incomplete.
    outgoing.destroy()
  }
  drain(incoming)
}

/** Resolves to false if the body failed or the client has gone. */
async function copy(body: ReadableStream<Uint8Array>, outgoing: ServerResponse): Promise<boolean> {
  const reader = body.getReader()
  const leave = (): void => void reader.cancel().catch(ignore)
  outgoing.once('close', leave)
  const turn = endOfTurn()
  try {
    let next = reader.read()
    const first = await Promise.race([next, turn])
    if (first === undefined) {
      // Sends a stream's headers before its first event.
      outgoing.flushHeaders()
    } else if (!first.done) {
      next = reader.read()
      // A body of one chunk is sent together with its headers and its length.
      if ((await Promise.race([next, turn]))?.done === true) {
        outgoing.end(first.value)
        return true
      }
      if (!outgoing.write(first.value)) await writable(outgoing)
    }
    for (;;) {
      const { done, value } = await next
      if (outgoing.destroyed) return false
      if (done) return true
      if (!outgoing.write(value)) await writable(outgoing)
      next = reader.read()
    }
  } catch {
    return false
  } finally {
    outgoing.removeListener('close', leave)
  }
}

/** Resolves at the end of this turn of the event loop. */
function endOfTurn(): Promise<undefined> {
  return new Promise((resolve) => setImmediate(resolve, undefined))
}

function writable(outgoing: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      outgoing.removeListener('drain', end)
      outgoing.removeListener('close', end)
      resolve()
    }
    outgoing.once('drain', end)
    outgoing.once('close', end)
  })
}

/**
 * Discards the rest of a request's body, because Node serves the connection's next request only once this body is read
 * or the connection is closed.
 */
function drain(incoming: IncomingMessage): void {
  if (incoming.readableEnded || incoming.destroyed) return
  let drained = 0
  incoming.on('data', (chunk: Uint8Array) => {
    drained += chunk.byteLength
    if (drained > MAX_DRAINED_BYTES) incoming.destroy()
  })
  incoming.on('error', ignore)
  incoming.resume()
}

function ignore(): void {}
