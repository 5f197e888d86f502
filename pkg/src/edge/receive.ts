import { readBody } from '../http/body.ts'
import { PortcullisError } from '../errors.ts'
import { MAX_UNPROVEN_PUSH_BYTES } from '../http/push-limits.ts'
import type { WaitUntil } from '../types.ts'
import { MAX_MESSAGE_BYTES } from './feed/puller.ts'
import type { OpenGate } from './open-gate.ts'
import type { Realm } from './realm.ts'
import { provenRealms } from './feed/push-sender.ts'

/** How long the body of a push may take. */
const BODY_TIMEOUT_MS = 5000

/** Refusals that depend on what the gate knows, once the signature was found to be good. */
const DEPENDS_ON_STATE: readonly (string | undefined)[] = [
  'older', 'gap', 'equivocation', 'unknown_generation', 'generation_conflict', 'too_many_generations', 'too_many_changes',
]

/**
 * Answers a push: a POST whose body is the exact bytes of a manifest or delta. Who shows the realm's secret hears what
 * became of it. Everybody else hears only whether the bytes are a statement of one of the realms here, whatever the gate
 * knows of it already.
 */
export async function receiveFeed(gate: OpenGate, request: Request, waitUntil?: WaitUntil): Promise<Response> {
  try {
    return await answered(gate, request, waitUntil)
  } catch (error) {
    // The core failed at it, and has reported that.
    if (error instanceof PortcullisError && error.code === 'fault') return answer(503, { error: 'fault' }, { 'retry-after': '1' })
    throw error
  }
}

async function answered(gate: OpenGate, request: Request, waitUntil: WaitUntil | undefined): Promise<Response> {
  if (request.method !== 'POST') return answer(405, { error: 'method_not_allowed' }, { allow: 'POST' })
  gate.mustBeOpen()
  const proven = provenRealms(gate.realms, request.headers)
  const maxBytes = proven.length > 0 ? MAX_MESSAGE_BYTES : MAX_UNPROVEN_PUSH_BYTES
  let bytes: Uint8Array
  try {
    bytes = await readBody(request, { maxBytes, timeoutMs: BODY_TIMEOUT_MS })
  } catch (error) {
    const isHint = proven.length === 0 && !(Number(request.headers.get('content-length') ?? 0) > MAX_MESSAGE_BYTES)
    return isHint && isTooLarge(error) ? hinted(gate, waitUntil) : unreadable(error)
  }
  const claimed = claimedBy(gate, bytes)
  if (claimed instanceof PortcullisError) {
    if (claimed.detail === 'wrong_realm') gate.reportStray(claimed)
    return refusal(claimed, proven.length > 0)
  }
  return proven.includes(claimed.realm)
    ? provenPush(claimed, bytes, waitUntil)
    : unprovenPush(gate, claimed.realm, bytes, waitUntil)
}

interface Claimed {
  realm: Realm
  sequence: number
}

function provenPush({ realm, sequence }: Claimed, bytes: Uint8Array, waitUntil: WaitUntil | undefined): Response {
  // From before what is known: nothing could come of it, so no signature is checked.
  if (realm.state.loaded && sequence < realm.state.sequence) return taken(realm, false)
  try {
    const { effect } = apply(realm, bytes, waitUntil)
    return taken(realm, effect === 'changed' || effect === 'partial')
  } catch (error) {
    if (!isRefusal(error)) throw error
    if (error.detail === 'equivocation') realm.reportFeed(error)
    if (error.detail !== 'gap') return refusal(error, true)
    realm.feed.refreshAfterPush(waitUntil)
    const description = 'Changes before these are missing; they are being fetched.'
    return answer(409, { error: 'feed_refused', detail: error.detail, error_description: description })
  }
}

/** The signature is checked whatever the sequence: that it is not would tell how far the gate is. */
function unprovenPush(gate: OpenGate, realm: Realm, bytes: Uint8Array, waitUntil: WaitUntil | undefined): Response {
  if (bytes.byteLength > MAX_UNPROVEN_PUSH_BYTES || !gate.strangers.areAdmitted) return hinted(gate, waitUntil)
  try {
    const { effect } = apply(realm, bytes, waitUntil)
    if (effect === 'known') gate.strangers.wereIdle()
    return received()
  } catch (error) {
    if (!isRefusal(error)) throw error
    gate.strangers.wereIdle()
    if (!DEPENDS_ON_STATE.includes(error.detail)) return refusal(error, false)
    if (error.detail === 'equivocation') realm.reportFeed(error)
    if (error.detail !== 'older') realm.feed.refreshAfterHint('signed', waitUntil)
    return received()
  }
}

/** Applies the bytes and begins to fetch what is missing then. Throws `feed_refused`. */
function apply(realm: Realm, bytes: Uint8Array, waitUntil: WaitUntil | undefined): ReturnType<Realm['apply']> {
  const applied = realm.apply(bytes)
  // A manifest that names new sections takes force when they are here; a delta may stop before the ledger's head.
  const isIncomplete = applied.effect === 'staged' || applied.effect === 'partial' || realm.missingSections().length > 0
  if (!isIncomplete) void realm.acknowledge(waitUntil)
  else if (applied.effect === 'known') realm.feed.refreshAfterHint('signed', waitUntil)
  else realm.feed.refreshAfterPush(waitUntil)
  return applied
}

/** The realm and sequence that the bytes claim, before any signature is checked. */
function claimedBy(gate: OpenGate, bytes: Uint8Array): Claimed | PortcullisError {
  try {
    return gate.peekFeed(bytes)
  } catch (error) {
    if (isRefusal(error)) return error
    throw error
  }
}

/** Somebody says that there is news. Of which realm is not known before the body is. */
function hinted(gate: OpenGate, waitUntil: WaitUntil | undefined): Response {
  for (const realm of gate.realms) realm.feed.refreshAfterHint('unsigned', waitUntil)
  return received()
}

function isRefusal(error: unknown): error is PortcullisError {
  return error instanceof PortcullisError && error.code === 'feed_refused'
}

function isTooLarge(error: unknown): boolean {
  return error instanceof PortcullisError && error.code === 'too_large'
}

function refusal({ detail = 'refused' }: PortcullisError, isProven: boolean): Response {
  return answer(400, isProven ? { error: 'feed_refused', detail } : { error: 'feed_refused' })
}

function taken(realm: Realm, changed: boolean): Response {
  const { sequence } = realm.state
  return answer(200, { realm: realm.name, sequence, changed })
}

/** The answer to all who show no secret, unless what they sent is no statement of a realm here. */
function received(): Response {
  return answer(200, { received: true })
}

function unreadable(error: unknown): Response {
  const code = error instanceof PortcullisError ? error.code : undefined
  if (code === 'too_large') return answer(413, { error: 'too_large' })
  if (code === 'timed_out') return answer(408, { error: 'timed_out' })
  return answer(400, { error: 'body_unreadable' })
}

function answer(status: number, body: object, headers: Record<string, string> = {}): Response {
  return new Response(JSON.stringify(body), {
    status,
    headers: { 'content-type': 'application/json', 'cache-control': 'no-store', ...headers },
  })
}
