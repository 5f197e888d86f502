import { within } from '../deadline.ts'
import { PortcullisError } from '../errors.ts'
import { claimedKeyId } from '../tokenpart.ts'
import type { WaitUntil } from '../types.ts'
import type { Finding } from './core.ts'
import type { OpenGate } from './opengate.ts'
import type { Realm } from './realm.ts'

/** A token that is ahead of us makes us refresh at most this often. */
const CATCH_UP_EVERY_MS = 1000
/** A refresh that ended this recently need not be made again for state that seems old: clocks differ, and caches hold back. */
const JUST_REFRESHED_MS = 250

/**
 * Judges a token, fetching first what the staleness contract says. Whatever was awaited, the answer is the last thing the
 * core found, in one synchronous step. A token that is refused for good costs no fetch.
 */
export async function judge(gate: OpenGate, token: string, waitUntil?: WaitUntil): Promise<Finding> {
  const startedAtMs = Date.now()
  let found = gate.find(token)
  const realm = gate.realmOf(found)
  if (realm === undefined) return found
  if (found.reason === 'keys_unavailable') {
    await loadKeys(gate, realm, waitUntil)
    found = gate.find(token)
  }
  if (found.reason === 'unknown_key' && (await lookForKey(gate, realm, token))) found = gate.find(token)
  const refreshes = neededRefreshes(gate, realm, found, startedAtMs, waitUntil)
  if (refreshes.length > 0) {
    await Promise.all(refreshes)
    found = gate.find(token)
  }
  if (found.reason === undefined && found.behind) found = await catchUp(gate, realm, token, found, waitUntil)
  if (isGenuine(found)) refreshBehind(gate, realm, waitUntil)
  return found
}

/** The realm's first keys, or new ones after the old have become too old. The first state is loaded alongside. */
async function loadKeys(gate: OpenGate, realm: Realm, waitUntil: WaitUntil | undefined): Promise<void> {
  const { firstLoadTimeoutMs } = gate.settings
  const waits: Promise<unknown>[] = []
  if (realm.keys !== undefined) waits.push(within(handOver(realm.keys.load(), waitUntil), firstLoadTimeoutMs))
  if (!realm.state.loaded) waits.push(realm.feed.wait(firstLoadTimeoutMs, waitUntil))
  else if (realm.keys === undefined) waits.push(realm.lookForKey(''))
  await Promise.all(waits)
}

/** Answers whether anything was fetched. */
async function lookForKey(gate: OpenGate, realm: Realm, token: string): Promise<boolean> {
  let looked = false
  const search = realm.lookForKey(claimedKeyId(token)).then((fetched) => {
    looked = fetched
  })
  await within(search, gate.settings.jwksTimeoutMs)
  return looked
}

/** What has to be fetched before a genuine token is answered: waits, each within its time. */
function neededRefreshes(
  gate: OpenGate,
  realm: Realm,
  found: Finding,
  startedAtMs: number,
  waitUntil: WaitUntil | undefined,
): Promise<unknown>[] {
  if (found.reason !== undefined && found.reason !== 'stale_feed' && found.reason !== 'no_feed') return []
  const { firstLoadTimeoutMs, refreshTimeoutMs, waitAfterSeconds } = gate.settings
  const waits: Promise<unknown>[] = []
  if (!realm.state.loaded) {
    // Loading the keys may have used up some of the time.
    waits.push(realm.feed.wait(Math.max(0, startedAtMs + firstLoadTimeoutMs - Date.now()), waitUntil))
  } else if (found.reason !== undefined || (realm.ageSeconds(gate.now()) > waitAfterSeconds && !wasRefreshedWithin(JUST_REFRESHED_MS, realm))) {
    waits.push(realm.feed.wait(refreshTimeoutMs, waitUntil))
  }
  if (realm.keys?.due) waits.push(within(handOver(realm.keys.load(), waitUntil), refreshTimeoutMs))
  return waits
}

/** The token's issuer knew of more than we do (`rsq`): refreshes before it is accepted. If that does not help, `rsq` is ignored. */
async function catchUp(gate: OpenGate, realm: Realm, token: string, found: Finding, waitUntil?: WaitUntil): Promise<Finding> {
  const { refreshTimeoutMs } = gate.settings
  if (Date.now() - realm.caughtUpAtMs < CATCH_UP_EVERY_MS) {
    // Not again so soon, but what is under way already may be waited for.
    if (!realm.feed.underWay) return found
    await realm.feed.wait(refreshTimeoutMs, waitUntil)
    return gate.find(token)
  }
  realm.caughtUpAtMs = Date.now()
  const ending = await realm.feed.catchUp(refreshTimeoutMs, waitUntil)
  const again = gate.find(token)
  if (ending === 'done' && again.reason === undefined && again.behind) {
    const message = 'a token says that the ledger is further than the feed that was just fetched'
    gate.report('feed', realm.name, new PortcullisError('feed_refused', message, { detail: 'behind_token' }))
  }
  return again
}

/** What may be fetched while the answer is on its way. */
function refreshBehind(gate: OpenGate, realm: Realm, waitUntil: WaitUntil | undefined): void {
  realm.keys?.refreshBehind(waitUntil)
  if (!wasRefreshedWithin(gate.settings.refreshAfterSeconds * 1000, realm)) realm.feed.refreshBehind(waitUntil)
}

/** Whether the realm was refreshed within the last `ms`. */
function wasRefreshedWithin(ms: number, realm: Realm): boolean {
  return Math.abs(Date.now() - realm.refreshedAtMs) < ms
}

/**
 * Whether a token got past the signature: accepted, revoked or waiting for state. Others must not cause fetches. Revoked ones
 * do, behind their refusal, for a revocation may have been corrected.
 */
function isGenuine(found: Finding): boolean {
  switch (found.reason) {
    case undefined:
    case 'token_revoked':
    case 'session_revoked':
    case 'client_revoked':
    case 'user_revoked':
    case 'realm_revoked':
    case 'version_revoked':
    case 'stale_feed':
    case 'no_feed':
      return true
    default:
      return false
  }
}

function handOver(promise: Promise<void>, waitUntil: WaitUntil | undefined): Promise<void> {
  waitUntil?.(promise.catch(() => undefined))
  return promise
}
