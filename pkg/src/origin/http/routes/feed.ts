import { PortcullisError } from '../../../errors.ts'
import { noContent, notModified, octets } from '../response.ts'
import type { RealmFeed } from '../../feed/realm-feed.ts'
import { Problem } from '../problem.ts'
import { invalidRequest, wholeNumber } from '../input.ts'
import { MINOR_PARAMETER, minorOf } from '../minor.ts'
import { feedOf } from '../realm.ts'
import type { Call, Route } from '../route.ts'

/** The longest time that a poll is held, below the minute after which proxies time out. */
const MAX_WAIT_SECONDS = 25

const OCTETS = 'application/octet-stream'

/** The feed that edges pull, and the key lookup for a token whose key the feed lacks. */
export const feedRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/feed/{realm}/manifest',
    tag: 'feed',
    access: 'reader',
    operation: {
      summary: 'The signed head of the state; with `after`, waits until the head is beyond that sequence.',
      query: {
        after: { description: 'The sequence that the reader has.', schema: { type: 'integer', minimum: 0 } },
        waitSeconds: {
          description: `How long to wait for something newer; at most ${MAX_WAIT_SECONDS}.`,
          schema: { type: 'integer', minimum: 0 },
        },
        ...MINOR_PARAMETER,
      },
      answers: {
        200: { description: 'The manifest.', type: OCTETS },
        304: { description: 'The reader already has it (`If-None-Match`).' },
        429: { description: 'Too many waiting readers of this address.' },
        503: { description: 'Too many waiting readers.' },
      },
    },
    handle: manifest,
  },
  {
    method: 'GET',
    path: '/feed/{realm}/deltas',
    tag: 'feed',
    access: 'reader',
    operation: {
      summary: 'The signed changes since a sequence; at the head, a heartbeat.',
      query: {
        after: {
          description: 'The sequence that the reader has.',
          schema: { type: 'integer', minimum: 0 },
          need: 'required',
        },
        ...MINOR_PARAMETER,
      },
      answers: {
        200: { description: 'The delta.', type: OCTETS },
        409: { description: "The sequence is beyond this origin's head." },
        410: { description: 'The changes since then have been deleted: fetch the manifest.' },
        429: { description: 'This address has requested too many different deltas.' },
      },
    },
    handle: deltas,
  },
  {
    method: 'GET',
    path: '/feed/{realm}/sections/{sha256}',
    tag: 'feed',
    access: 'reader',
    operation: {
      summary: 'A part of the state, addressed by its hash in the manifest; the same for every reader.',
      query: MINOR_PARAMETER,
      answers: { 200: { description: 'The section.', type: OCTETS } },
    },
    handle: section,
  },
  {
    method: 'POST',
    path: '/feed/{realm}/look',
    tag: 'feed',
    access: 'reader',
    operation: {
      summary:
        "Makes the origin fetch the issuer's keys, at most once a second for all readers together, and adds new ones to the feed.  " +
        'Has no body: the missing key is not named.',
      query: MINOR_PARAMETER,
      answers: {
        204: { description: 'Fetched: new keys are recorded, and are in the next delta.' },
        503: { description: "The issuer's keys are not available at the moment, or too many readers wait." },
      },
    },
    handle: look,
  },
]

/** Maps the error of a delta that cannot be created. */
export function deltaProblem(error: unknown): unknown {
  if (!(error instanceof PortcullisError)) return error
  if (error.detail === 'pruned')
    return new Problem(410, 'pruned', 'the changes since then have been deleted: fetch the manifest')
  if (error.detail === 'ahead') return new Problem(409, 'ahead', "the sequence is beyond this origin's head")
  if (error.detail === 'busy')
    return new Problem(429, 'too_many_requests', 'this address has requested too many different deltas', {
      'retry-after': '1',
    })
  return error
}

/** Returns the refusal for too many waiting readers. */
export function tooManyReaders(): Problem {
  return new Problem(503, 'temporarily_unavailable', 'too many readers at the moment', { 'retry-after': '2' })
}

/** Returns the refusal for an address with the maximum number of waiting requests. */
export function tooManyOfAddress(): Problem {
  return new Problem(429, 'too_many_requests', 'too many waiting requests of this address at the moment', {
    'retry-after': '2',
  })
}

async function manifest(call: Call): Promise<Response> {
  const feed = feedOf(call)
  const minor = minorOf(call)
  const after = wholeNumber(call.url, 'after')
  const waitSeconds = Math.min(wholeNumber(call.url, 'waitSeconds') ?? 0, MAX_WAIT_SECONDS)
  if (after !== undefined && waitSeconds > 0 && feed.sequence <= after)
    await waitBeyond(call, feed, after, waitSeconds * 1000)
  const { bytes, etag } = await feed.form(minor).validatedManifest()
  const headers = { etag, 'cache-control': `${visibility(call)}, no-cache` }
  return holds(call.request.headers.get('if-none-match'), etag) ? notModified(headers) : octets(bytes, headers)
}

/** Throws a `Problem` if too many wait. */
async function waitBeyond(call: Call, feed: RealmFeed, after: number, waitMs: number): Promise<void> {
  const leave = call.context.readers.enter(call.network)
  if (leave === undefined) throw tooManyOfAddress()
  try {
    if (!(await feed.waitBeyond(after, waitMs, call.request.signal))) throw tooManyReaders()
  } finally {
    leave()
  }
}

function deltas(call: Call): Response {
  const feed = feedOf(call)
  const minor = minorOf(call)
  const after = wholeNumber(call.url, 'after')
  if (after === undefined) throw invalidRequest('after is missing: it must be the sequence of the edge')
  try {
    return octets(feed.form(minor).sharedDelta(after, call.context.readers.budget(call.network)).bytes, {
      'cache-control': 'no-store',
    })
  } catch (error) {
    throw deltaProblem(error)
  }
}

async function look(call: Call): Promise<Response> {
  const { name } = feedOf(call)
  minorOf(call)
  try {
    if ((await call.context.operations.lookForKeys(name)) === 'too_many') throw tooManyReaders()
    return noContent()
  } catch (error) {
    throw lookProblem(error)
  }
}

/**
 * Returns the problem for a failed lookup of keys. A set without usable keys counts as a temporary failure of the
 * issuer.
 */
function lookProblem(error: unknown): unknown {
  if (!(error instanceof PortcullisError) || error.code !== 'invalid_jwks') return error
  return new Problem(503, 'temporarily_unavailable', 'the keys of the issuer are not available at the moment', {
    'retry-after': '2',
  })
}

function section(call: Call): Response {
  const feed = feedOf(call)
  minorOf(call)
  const sha256 = call.parameter('sha256')
  const bytes = /^[0-9a-f]{64}$/.test(sha256) ? feed.section(sha256) : undefined
  if (bytes === undefined) throw new Problem(404, 'not_found', 'the section does not exist, or no longer does')
  return octets(bytes, { etag: `"${sha256}"`, 'cache-control': `${visibility(call)}, max-age=31536000, immutable` })
}

/** Returns who may cache a response. With a credential, shared caches must not store anything. */
function visibility({ context }: Call): 'public' | 'private' {
  return context.settings.feedCredential === undefined ? 'public' : 'private'
}

/** Whether `If-None-Match` contains this validator, by weak comparison (RFC 9110 §13.1.2). */
function holds(ifNoneMatch: string | null, etag: string): boolean {
  if (ifNoneMatch === null) return false
  return ifNoneMatch.split(',').some((each) => each.trim().replace(/^W\//, '') === etag || each.trim() === '*')
}
