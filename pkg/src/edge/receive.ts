import { readBody } from '../body.ts'
import { PortcullisError } from '../errors.ts'
import type { WaitUntil } from '../types.ts'
import { MAX_MESSAGE_BYTES } from './feed.ts'
import type { OpenGate } from './opengate.ts'
import type { Realm } from './realm.ts'

/** How long the body of a push may take. */
const BODY_TIMEOUT_MS = 5000

/** Answers a push: a POST whose body is the exact bytes of a manifest or delta. */
export async function receiveFeed(gate: OpenGate, request: Request, waitUntil?: WaitUntil): Promise<Response> {
  if (request.method !== 'POST') return answer(405, { error: 'method_not_allowed' }, { allow: 'POST' })
  let bytes: Uint8Array
  try {
    bytes = await readBody(request, { maxBytes: MAX_MESSAGE_BYTES, timeoutMs: BODY_TIMEOUT_MS })
  } catch (error) {
    return unreadable(error)
  }
  let realm: Realm | undefined
  try {
    const claimed = gate.peekFeed(bytes)
    realm = claimed.realm
    // From before what is known: nothing could come of it, so no signature is checked.
    if (realm.state.loaded && claimed.sequence < realm.state.sequence) return taken(realm, false)
    const { effect } = realm.apply(bytes)
    // A manifest that names new sections takes force when they are here; a delta may stop before the ledger's head.
    if (effect === 'staged' || effect === 'partial' || realm.missingSections().length > 0) realm.feed.refreshAfterPush(waitUntil)
    else void realm.acknowledge(waitUntil)
    return taken(realm, effect === 'changed' || effect === 'partial')
  } catch (error) {
    if (!(error instanceof PortcullisError) || error.code !== 'feed_refused') throw error
    return refusal(error, realm, waitUntil)
  }
}

/** The signature was good where changes are missing in between: only then does a push cause a fetch. */
function refusal(error: PortcullisError, realm: Realm | undefined, waitUntil: WaitUntil | undefined): Response {
  const detail = error.detail ?? 'refused'
  if (realm !== undefined && detail === 'gap') {
    realm.feed.refreshAfterPush(waitUntil)
    return answer(409, { error: 'feed_refused', detail, error_description: 'Changes before these are missing; they are being fetched.' })
  }
  if (realm !== undefined && detail === 'equivocation') realm.reportFeed(error)
  return answer(400, { error: 'feed_refused', detail })
}

function taken(realm: Realm, changed: boolean): Response {
  const { sequence } = realm.state
  return answer(200, { realm: realm.name, sequence, changed })
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
