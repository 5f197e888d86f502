import { PortcullisError } from '../errors.ts'

export interface BodyLimits {
  /** The maximum size; reading stops beyond it. */
  maxBytes: number
  /** Maximum time for the whole body. Default: as long as the signal allows. */
  timeoutMs?: number
  /** Aborts the reading. */
  signal?: AbortSignal
}

/**
 * Reads a body into memory, within limits. `Content-Length` is only used to reject early; the bytes received are
 * counted, after any decompression by the runtime.
 *
 * Throws `too_large`, `timed_out` (also when the signal aborts) or `body_unreadable` (truncated, or already read).
 */
export async function readBody(source: Request | Response, limits: BodyLimits): Promise<Uint8Array<ArrayBuffer>> {
  if (source.bodyUsed) throw bodyUnreadable('the body was already read')
  const body = source.body
  if (body === null) return new Uint8Array()
  if (Number(source.headers.get('content-length') ?? 0) > limits.maxBytes) {
    body.cancel().catch(ignore)
    throw tooLarge(limits.maxBytes)
  }
  const reader: ReadableStreamDefaultReader<Uint8Array> = body.getReader()
  const deadline = watch(limits)
  const chunks: Uint8Array[] = []
  let length = 0
  try {
    for (;;) {
      const { done, value } = await Promise.race([reader.read(), deadline.passed])
      if (done) return joined(chunks, length)
      length += value.byteLength
      if (length > limits.maxBytes) throw tooLarge(limits.maxBytes)
      chunks.push(value)
    }
  } catch (error) {
    // Not awaited: cancelling a stalled stream may never settle.
    reader.cancel().catch(ignore)
    if (error instanceof PortcullisError) throw error
    if (limits.signal?.aborted) throw timedOut()
    throw bodyUnreadable('the body could not be read completely', error)
  } finally {
    deadline.stop()
  }
}

function watch({ timeoutMs, signal }: BodyLimits): { passed: Promise<never>; stop: () => void } {
  let stop = ignore
  const passed = new Promise<never>((_, reject) => {
    const expire = () => reject(timedOut())
    const timer = timeoutMs === undefined ? undefined : setTimeout(expire, timeoutMs)
    if (signal?.aborted) expire()
    signal?.addEventListener('abort', expire)
    stop = () => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', expire)
    }
  })
  passed.catch(ignore)
  return { passed, stop: () => stop() }
}

/** Concatenates chunks whose total length is known. */
export function joined(chunks: readonly Uint8Array[], length: number): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(length)
  let at = 0
  for (const chunk of chunks) {
    whole.set(chunk, at)
    at += chunk.byteLength
  }
  return whole
}

export function tooLarge(maxBytes: number): PortcullisError {
  return new PortcullisError('too_large', `the body is larger than ${maxBytes} bytes`)
}

export function timedOut(): PortcullisError {
  return new PortcullisError('timed_out', 'the body did not arrive in time')
}

export function bodyUnreadable(message: string, cause?: unknown): PortcullisError {
  return new PortcullisError('body_unreadable', message, { cause })
}

function ignore(): void {}
