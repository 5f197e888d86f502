import { within } from '../timing/deadline.ts'
import { PortcullisError } from '../errors.ts'
import { claimedKeyId } from '../token-part.ts'
import type { Claims, Verdict, WaitUntil } from '../types.ts'
import type { Finding } from './core/core.ts'
import type { CachedVerdict } from './token-cache.ts'
import { PendingSignature, type OpenGate } from './open-gate.ts'
import type { Realm } from './realm.ts'
import { verdictOf } from './verdict.ts'

/** A token that is ahead of us makes us refresh at most this often. */
const CATCH_UP_EVERY_MS = 1000
/** A refresh that ended this recently need not be made again for state that seems old: clocks differ, and caches hold back. */
const JUST_REFRESHED_MS = 250

/** The verdict on a token for which nothing has to be fetched or waited for, as nearly all are; `undefined`: `judge` it. */
export function tryJudge<C extends Claims>(gate: OpenGate, found: Finding | CachedVerdict, token: string): Verdict<C> | undefined {
  const realm = gate.realmOf(found)
  if (found.undecided && realm !== undefined) gate.reportUndecided(realm)
  const isSettled = realm === undefined || (isGenuine(found) ? isFresh(gate, realm, found) : isFinal(found))
  return isSettled ? verdictOf<C>(found, realm, token) : undefined
}

/**
 * Judges a token, fetching first what the staleness contract says. Whatever was awaited, the verdict follows from the last
 * thing that was found, in one synchronous step with it. A token that is refused for good costs no fetch.
 */
export async function judge<C extends Claims>(
  gate: OpenGate,
  foundFirst: Finding | CachedVerdict,
  token: string,
  waitUntil?: WaitUntil,
): Promise<Verdict<C>> {
  const startedAtMs = gate.clockMs
  let found = foundFirst
  const realm = gate.realmOf(found)
  if (realm === undefined) return verdictOf<C>(found, realm, token)
  for (const fetch of FETCHES) {
    const fetching = fetch({ gate, realm, found, token, startedAtMs, waitUntil })
    if (fetching === undefined || (await fetching) === 'nothing_new') continue
    let again = gate.look(token)
    while (again instanceof PendingSignature) again = gate.land(again, await again.outcome)
    found = again
  }
  if (isGenuine(found)) refreshBehind(gate, realm, waitUntil)
  return verdictOf<C>(found, gate.realmOf(found), token)
}

/** A token that cannot be answered yet. */
interface JudgeContext {
  gate: OpenGate
  realm: Realm
  found: Finding
  token: string
  startedAtMs: number
  waitUntil: WaitUntil | undefined
}

/** Fetches what a finding calls for; `undefined`: it does not. */
type Fetch = (unsettled: JudgeContext) => Promise<'done' | 'nothing_new'> | undefined

/** Each is made once for a token, in this order, and the token looked at again. */
const FETCHES: readonly Fetch[] = [
  (unsettled) => (lacksKeys(unsettled) ? loadKeys(unsettled) : undefined),
  (unsettled) => (unsettled.found.reason === 'unknown_key' && !unsettled.found.undecided ? lookForKey(unsettled) : undefined),
  (unsettled) => refresh(unsettled),
  (unsettled) => (unsettled.found.reason === undefined && unsettled.found.behind ? catchUp(unsettled) : undefined),
]

/** Whether a token waits for its realm's keys, which may come with a feed that has not come itself. */
function lacksKeys({ realm, found }: JudgeContext): boolean {
  return found.reason === 'keys_unavailable' || (found.reason === 'no_feed' && realm.settings.jwks === undefined)
}

/** The realm's first keys, or new ones after the old have become too old. The first state is loaded alongside. */
async function loadKeys({ gate, realm, token, startedAtMs, waitUntil }: JudgeContext): Promise<'done'> {
  const { firstLoadTimeoutMs } = gate.settings
  const waits: Promise<unknown>[] = []
  if (realm.keys !== undefined) waits.push(within(handOver(realm.keys.load(), waitUntil), firstLoadTimeoutMs))
  if (!realm.state.loaded) waits.push(realm.feed.wait(firstLoadTimeoutMs, waitUntil, realm.needOf(token)))
  await Promise.all(waits)
  if (realm.keys !== undefined || !realm.state.loaded || realm.state.hasKeys) return 'done'
  // The state that has come has no keys.
  await realm.awaitFirstKeys(startedAtMs + firstLoadTimeoutMs)
  if (!realm.state.hasKeys) await realm.lookForKey('')
  return 'done'
}

async function lookForKey({ realm, token }: JudgeContext): Promise<'done' | 'nothing_new'> {
  let looked = false
  const search = realm.lookForKey(claimedKeyId(token)).then((fetched) => {
    looked = fetched
  })
  await within(search, realm.keyLookTimeoutMs)
  return looked ? 'done' : 'nothing_new'
}

/** What has to be fetched before a genuine token is answered: waits, each within its time. */
function refresh({ gate, realm, found, token, startedAtMs, waitUntil }: JudgeContext): Promise<'done'> | undefined {
  if (found.reason !== undefined && found.reason !== 'stale_feed' && found.reason !== 'no_feed') return undefined
  const { firstLoadTimeoutMs, refreshTimeoutMs, waitAfterSeconds } = gate.settings
  const waits: Promise<unknown>[] = []
  if (!realm.state.loaded) {
    // Loading the keys may have used up some of the time.
    waits.push(realm.feed.wait(Math.max(0, startedAtMs + firstLoadTimeoutMs - Date.now()), waitUntil, realm.needOf(token)))
  } else if (found.reason === 'stale_feed') {
    waits.push(realm.feed.wait(refreshTimeoutMs, waitUntil, realm.needOf(token)))
  } else if (found.reason !== undefined || (realm.ageSeconds(gate.now()) > waitAfterSeconds && !wasRefreshedWithin(JUST_REFRESHED_MS, realm))) {
    waits.push(realm.feed.wait(refreshTimeoutMs, waitUntil))
  }
  if (realm.keys?.due) waits.push(within(handOver(realm.keys.load(), waitUntil), refreshTimeoutMs))
  return waits.length === 0 ? undefined : Promise.all(waits).then(() => 'done')
}

/** The token's issuer knew of more than we do (`rsq`): refreshes before it is accepted. If that does not help, `rsq` is ignored. */
async function catchUp({ gate, realm, token, waitUntil }: JudgeContext): Promise<'done' | 'nothing_new'> {
  const { refreshTimeoutMs } = gate.settings
  if (Date.now() - realm.caughtUpAtMs < CATCH_UP_EVERY_MS) {
    // Not again so soon, but what is under way already may be waited for.
    if (!realm.feed.underWay) return 'nothing_new'
    await realm.feed.wait(refreshTimeoutMs, waitUntil)
    return 'done'
  }
  realm.caughtUpAtMs = Date.now()
  const ending = await realm.feed.catchUp(refreshTimeoutMs, waitUntil)
  if (ending !== 'done') return 'done'
  const again = gate.find(token)
  if (again.reason === undefined && again.behind) {
    const message = 'a token says that the ledger is further than the feed that was just fetched'
    gate.report('feed', realm.name, new PortcullisError('feed_refused', message, { detail: 'behind_token' }))
  }
  return 'done'
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

/** Whether keys and state are such that a genuine token can be answered with no more ado. */
function isFresh({ settings, clockMs }: OpenGate, realm: Realm, found: Finding): boolean {
  return (
    !found.behind &&
    found.reason !== 'stale_feed' &&
    found.reason !== 'no_feed' &&
    Math.abs(clockMs - realm.refreshedAtMs) < settings.refreshAfterSeconds * 1000 &&
    realm.ageSeconds(clockMs / 1000) <= settings.waitAfterSeconds &&
    (realm.keys === undefined || realm.keys.isYoungAt(clockMs))
  )
}

/** Whether a token that is not genuine is refused for good: nothing fetched could change that. */
function isFinal({ reason, undecided }: Finding): boolean {
  return undecided || (reason !== 'keys_unavailable' && reason !== 'unknown_key')
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
