import { PortcullisError } from '../errors.ts'
import { readBody } from '../http/body.ts'
import { MAX_UNPROVEN_PUSH_BYTES } from '../http/push-limits.ts'
import type { WaitUntil } from '../types.ts'
import type { Applied } from './core/state.ts'
import { isHealedByManifest, isInOlderForm, MAX_MESSAGE_BYTES } from './feed/protocol.ts'
import { provenFeeds } from './feed/push-sender.ts'
import type { OpenGate } from './open-gate.ts'
import type { RealmFeed } from './realm-feed.ts'

/** Maximum time for the body of a push. */
const BODY_TIMEOUT_MS = 5000

/**
 * Responds to a push: a POST whose body is a manifest or delta. A sender that presents the realm's secret learns the
 * effect. Any other only learns whether the bytes are a statement of a realm here, independent of the gate's state.
 */
export async function receiveFeed(gate: OpenGate, request: Request, waitUntil?: WaitUntil): Promise<Response> {
  try {
    return await respond(gate, request, waitUntil)
  } catch (error) {
    // The core has failed and has reported that.
    if (error instanceof PortcullisError && error.code === 'fault')
      return jsonResponse(503, { error: 'fault' }, { 'retry-after': '1' })
    throw error
  }
}

async function respond(gate: OpenGate, request: Request, waitUntil: WaitUntil | undefined): Promise<Response> {
  if (request.method !== 'POST') return jsonResponse(405, { error: 'method_not_allowed' }, { allow: 'POST' })
  gate.mustBeOpen()
  const proven = provenFeeds(gate.feeds, request.headers)
  const maxBytes = proven.length > 0 ? MAX_MESSAGE_BYTES : MAX_UNPROVEN_PUSH_BYTES
  let bytes: Uint8Array
  try {
    bytes = await readBody(request, { maxBytes, timeoutMs: BODY_TIMEOUT_MS })
  } catch (error) {
    const isHint = proven.length === 0 && !(Number(request.headers.get('content-length') ?? 0) > MAX_MESSAGE_BYTES)
    return isHint && isTooLarge(error) ? hintResponse(gate, waitUntil) : unreadableResponse(error)
  }
  const claimed = peek(gate, bytes)
  if (claimed instanceof PortcullisError) {
    // If realms are a function, a push for one that is not loaded is not an error.
    if (claimed.detail === 'wrong_realm' && gate.directory === undefined) gate.reports.strayPush(claimed)
    return refusalResponse(claimed, proven.length > 0)
  }
  return proven.includes(claimed.feed)
    ? provenPush(claimed, bytes, waitUntil)
    : unprovenPush(gate, claimed.feed, bytes, waitUntil)
}

/** The feed to which a message claims to belong, unverified, and its sequence. */
interface Claimed {
  feed: RealmFeed
  sequence: number
}

function provenPush({ feed, sequence }: Claimed, bytes: Uint8Array, waitUntil: WaitUntil | undefined): Response {
  // The message is older than the state: it could change nothing, so no signature is verified.
  if (feed.state.loaded && sequence < feed.state.sequence) return appliedResponse(feed, false)
  try {
    const { effect } = apply(feed, bytes, waitUntil)
    return appliedResponse(feed, effect === 'changed' || effect === 'partial')
  } catch (error) {
    if (!isRefusal(error)) throw error
    if (error.detail === 'equivocation') feed.report(error)
    if (error.detail !== 'gap') return refusalResponse(error, true)
    feed.puller.refreshAfterPush(waitUntil)
    const description = 'Changes before these are missing; they are being fetched.'
    return jsonResponse(409, { error: 'feed_refused', detail: error.detail, error_description: description })
  }
}

/** Verifies the signature for any sequence: skipping it would reveal the gate's position. */
function unprovenPush(gate: OpenGate, feed: RealmFeed, bytes: Uint8Array, waitUntil: WaitUntil | undefined): Response {
  if (bytes.byteLength > MAX_UNPROVEN_PUSH_BYTES || !gate.pushBudget.hasRoom) return hintResponse(gate, waitUntil)
  try {
    const { effect } = apply(feed, bytes, waitUntil)
    if (effect === 'known') gate.pushBudget.charge()
    return receivedResponse()
  } catch (error) {
    if (!isRefusal(error)) throw error
    gate.pushBudget.charge()
    // Refusals that depend on the gate's state are not revealed.
    if (error.detail !== 'older' && !isHealedByManifest(error)) return refusalResponse(error, false)
    if (error.detail === 'equivocation') feed.report(error)
    if (error.detail !== 'older') feed.puller.refreshAfterHint('signed', waitUntil)
    return receivedResponse()
  }
}

/** Applies the bytes and starts fetching missing changes. Throws `feed_refused`. */
function apply(feed: RealmFeed, bytes: Uint8Array, waitUntil: WaitUntil | undefined): Applied {
  const applied = feed.apply(bytes)
  // A manifest with new sections takes effect once they have arrived; a delta may end before the ledger's head.
  const isIncomplete = applied.effect === 'staged' || applied.effect === 'partial' || feed.missingSections().length > 0
  if (!isIncomplete) void feed.acknowledge(waitUntil)
  if (!isIncomplete && !isInOlderForm(feed.state)) return applied
  if (applied.effect === 'known') feed.puller.refreshAfterHint('signed', waitUntil)
  else feed.puller.refreshAfterPush(waitUntil)
  return applied
}

/** Returns the feed to which the bytes claim to belong, and their sequence; the signature is not verified. */
function peek(gate: OpenGate, bytes: Uint8Array): Claimed | PortcullisError {
  try {
    return gate.peekFeed(bytes)
  } catch (error) {
    if (isRefusal(error)) return error
    throw error
  }
}

/**
 * Treats a push as a hint that something is new. The realm is unknown without the body. Realms of a function, of which
 * a thousand may be loaded, are not refreshed by one unauthenticated push.
 */
function hintResponse(gate: OpenGate, waitUntil: WaitUntil | undefined): Response {
  for (const feed of gate.directory === undefined ? gate.feeds : []) feed.puller.refreshAfterHint('unsigned', waitUntil)
  return receivedResponse()
}

function isRefusal(error: unknown): error is PortcullisError {
  return error instanceof PortcullisError && error.code === 'feed_refused'
}

function isTooLarge(error: unknown): boolean {
  return error instanceof PortcullisError && error.code === 'too_large'
}

function refusalResponse({ detail = 'refused' }: PortcullisError, isProven: boolean): Response {
  return jsonResponse(400, isProven ? { error: 'feed_refused', detail } : { error: 'feed_refused' })
}

function appliedResponse(feed: RealmFeed, changed: boolean): Response {
  const { sequence } = feed.state
  return jsonResponse(200, { realm: feed.name, sequence, changed })
}

/** Returns the response to a sender without the secret whose push is a statement of a realm here. */
function receivedResponse(): Response {
  return jsonResponse(200, { received: true })
}

function unreadableResponse(error: unknown): Response {
  const code = error instanceof PortcullisError ? error.code : undefined
  if (code === 'too_large') return jsonResponse(413, { error: 'too_large' })
  if (code === 'timed_out') return jsonResponse(408, { error: 'timed_out' })
  return jsonResponse(400, { error: 'body_unreadable' })
}

function jsonResponse(status: number, body: object, headers: Record<string, string> = {}): Response {
  return new Response(JSON.stringify(body), {
    status,
    headers: { 'content-type': 'application/json', 'cache-control': 'no-store', ...headers },
  })
}
