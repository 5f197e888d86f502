import type { IncomingMessage } from 'node:http'
import { type BodyLimits, bodyUnreadable, joined, timedOut, tooLarge } from '../../http/body.ts'

/** Reads the body of an incoming request as `readBody` does. The rest of a body that is too large stays unread. */
export function readIncoming(
  incoming: IncomingMessage,
  { maxBytes, timeoutMs }: BodyLimits,
): Promise<Uint8Array<ArrayBuffer>> {
  if (incoming.readableEnded) return Promise.reject(bodyUnreadable('the body was already read'))
  if (incoming.destroyed) return Promise.reject(cutShort())
  if (Number(incoming.headers['content-length'] ?? 0) > maxBytes) return Promise.reject(tooLarge(maxBytes))
  return new Promise((resolve, reject) => {
    const chunks: Uint8Array[] = []
    let length = 0
    const take = (chunk: Uint8Array): void => {
      length += chunk.byteLength
      if (length > maxBytes) return fail(tooLarge(maxBytes))
      chunks.push(chunk)
    }
    const end = (): void => {
      leave()
      resolve(joined(chunks, length))
    }
    const fail = (error: Error): void => {
      leave()
      incoming.pause()
      reject(error)
    }
    const broken = (cause?: unknown): void => fail(cutShort(cause))
    const timer = timeoutMs === undefined ? undefined : setTimeout(() => fail(timedOut()), timeoutMs)
    const leave = (): void => {
      clearTimeout(timer)
      incoming.off('data', take).off('end', end).off('error', broken).off('close', broken)
    }
    incoming.on('data', take).on('end', end).on('error', broken).on('close', broken)
  })
}

function cutShort(cause?: unknown): Error {
  return bodyUnreadable('the body could not be read completely', cause)
}
