import { readBody } from './body.ts'
import { type ErrorCode, PortcullisError } from '../errors.ts'

export interface ExchangeOptions {
  fetch: typeof fetch
  /** The code of all errors thrown. */
  errorCode: ErrorCode
  maxBytes: number
  signal: AbortSignal
  /** Default: GET. */
  method?: string
  headers?: Record<string, string>
  body?: string
  /** Returns whether the body of a response with this status is read; others are discarded. */
  readsBodyOf: (status: number) => boolean
}

export interface Exchanged {
  status: number
  headers: Headers
  /** Empty if the body was not read. */
  bytes: Uint8Array<ArrayBuffer>
}

/**
 * Sends one request and reads the response, within bounds of time and size. Redirects are not followed: only the
 * configured URL receives the request and its credentials. Errors name the URL's host and never the content; `detail`
 * is `network`, `timeout`, `redirect`, `too_large` or `truncated`.
 */
export async function exchange(url: URL, options: ExchangeOptions): Promise<Exchanged> {
  const fail = (detail: string, what: string, cause?: unknown) =>
    new PortcullisError(options.errorCode, `${url.host} ${what}`, { detail, cause })
  let response: Response
  try {
    response = await options.fetch(url.href, requestOf(options))
  } catch (cause) {
    if (options.signal.aborted)
      throw fail('timeout', 'did not respond in time: check that it is running, and the timeout', cause)
    throw fail('network', 'could not be reached: check the URL and the network', cause)
  }
  if (
    response.type === 'opaqueredirect' ||
    (response.status >= 300 && response.status < 400 && response.status !== 304)
  ) {
    discard(response)
    throw fail('redirect', 'responded with a redirect, which is not followed: configure its target')
  }
  if (!options.readsBodyOf(response.status)) {
    discard(response)
    return { status: response.status, headers: response.headers, bytes: new Uint8Array() }
  }
  try {
    const bytes = await readBody(response, { maxBytes: options.maxBytes, signal: options.signal })
    return { status: response.status, headers: response.headers, bytes }
  } catch (cause) {
    const code = cause instanceof PortcullisError ? cause.code : undefined
    if (code === 'too_large') throw fail('too_large', `sent more than ${options.maxBytes} bytes: check the URL`, cause)
    if (code === 'timed_out')
      throw fail('timeout', 'did not finish its response in time: is it overloaded, or the response too large?', cause)
    throw fail('truncated', 'aborted its response: check its log and the log of its proxy', cause)
  }
}

function requestOf({ method, headers = {}, body, signal }: ExchangeOptions): RequestInit {
  return {
    // Not `redirect: 'error'`, which workerd does not support.
    redirect: 'manual',
    signal,
    headers,
    ...(method === undefined ? {} : { method }),
    ...(body === undefined ? {} : { body }),
  }
}

/** Cancels an unread body, so that its connection is released. */
function discard(response: Response): void {
  response.body?.cancel().catch(() => undefined)
}
