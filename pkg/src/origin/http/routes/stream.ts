import type { Minor } from '../../core/minor.ts'
import { eventStream } from '../response.ts'
import type { RealmFeed } from '../../feed/realm-feed.ts'
import type { Statement } from '../../feed/statement.ts'
import { Problem } from '../problem.ts'
import { wholeNumber } from '../input.ts'
import { MINOR_PARAMETER, minorOf } from '../minor.ts'
import { feedOf } from '../realm.ts'
import type { Call, Route } from '../route.ts'
import { deltaProblem, tooManyOfAddress, tooManyReaders } from './feed.ts'

/** The maximum number of unread bytes in one stream; a reader that falls further behind is dropped and reconnects. */
const MAX_UNREAD_BYTES = 1_048_576
/** The number of bytes converted to characters at a time: `String.fromCharCode` takes its arguments from the stack. */
const CHARACTER_CHUNK = 8_192

/** `GET /feed/{realm}/stream` sends server-sent events, each a delta (the first may be a manifest) in base64. */
export const streamRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/feed/{realm}/stream',
    tag: 'feed',
    access: 'reader',
    operation: {
      summary: 'Server-sent events: statements as they are published.',
      query: {
        after: { description: 'The sequence that the reader has.', schema: { type: 'integer', minimum: 0 } },
        ...MINOR_PARAMETER,
      },
      answers: {
        200: { description: 'The events.', type: 'text/event-stream' },
        409: { description: "The sequence is beyond this origin's head." },
        429: { description: 'Too many streams of this address, or too many different starting points.' },
        503: { description: 'Too many readers.' },
      },
    },
    handle: stream,
  },
]

function stream(call: Call): Response {
  const feed = feedOf(call)
  const minor = minorOf(call)
  const after = lastSeen(call)
  const leave = call.context.readers.enter(call.network)
  if (leave === undefined) throw tooManyOfAddress()
  try {
    const statements = feed.form(minor).sharedStatements(after, call.context.readers.budget(call.network))
    const body = follow({ feed, minor }, [...statements].map(event), call.request, leave)
    if (body === undefined) throw tooManyReaders()
    return eventStream(body)
  } catch (error) {
    leave()
    throw deltaProblem(error)
  }
}

/** The header of a reconnecting EventSource takes precedence over the URL, which never changes. */
function lastSeen({ request, url }: Call): number | undefined {
  const id = request.headers.get('last-event-id')
  if (id === null || id === '') return wholeNumber(url, 'after')
  const sequence = Number(id)
  if (!/^\d{1,16}$/.test(id) || !Number.isSafeInteger(sequence))
    throw new Problem(400, 'invalid_request', 'Last-Event-ID must be a sequence')
  return sequence
}

/** Keeps a reference to the request, because its signal fires only while the request is reachable. */
function follow(
  { feed, minor }: { feed: RealmFeed; minor: Minor },
  first: readonly Uint8Array[],
  request: Request,
  onLeft: () => void,
): ReadableStream<Uint8Array> | undefined {
  let controller: ReadableStreamDefaultController<Uint8Array> | undefined
  const leave = (): void => {
    unsubscribe?.()
    request.signal.removeEventListener('abort', end)
    controller = undefined
    onLeft()
  }
  const end = (): void => {
    controller?.close()
    leave()
  }
  const unsubscribe = feed.subscribe(minor, (statement) => {
    if (feed.closed) return end()
    controller?.enqueue(event(statement))
    if ((controller?.desiredSize ?? 1) > 0) return
    controller?.error(new Error('the reader is too slow'))
    leave()
  })
  if (unsubscribe === undefined) return undefined
  request.signal.addEventListener('abort', end)
  const opening = first.reduce((bytes, each) => bytes + each.byteLength, 0)
  return new ReadableStream<Uint8Array>(
    {
      start(started) {
        controller = started
        for (const each of first) started.enqueue(each)
        // A signal that has already fired does not fire again.
        if (request.signal.aborted) end()
      },
      cancel: leave,
    },
    new ByteLengthQueuingStrategy({ highWaterMark: MAX_UNREAD_BYTES + opening }),
  )
}

function event({ bytes, sequence }: Statement): Uint8Array {
  return new TextEncoder().encode(`event: feed\nid: ${sequence}\ndata: ${base64(bytes)}\n\n`)
}

function base64(bytes: Uint8Array): string {
  let characters = ''
  for (let at = 0; at < bytes.length; at += CHARACTER_CHUNK)
    characters += String.fromCharCode(...bytes.subarray(at, at + CHARACTER_CHUNK))
  return btoa(characters)
}
