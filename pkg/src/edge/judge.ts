import { PortcullisError } from '../errors.ts'
import { refused } from '../http/refusal.ts'
import { within } from '../timing/deadline.ts'
import { claimedKeyId } from '../token-part.ts'
import type { Claims, Verdict, WaitUntil } from '../types.ts'
import type { Finding } from './core/finding.ts'
import { PendingSignature } from './core/pending-signature.ts'
import type { OpenGate } from './open-gate.ts'
import type { RealmFeed } from './realm-feed.ts'
import type { Realm } from './realm.ts'
import type { CachedVerdict } from './token-cache.ts'
import { requireScope, verdictOf } from './verdict.ts'

/** Minimum interval of refreshes caused by tokens that are ahead of the state. */
const CATCH_UP_EVERY_MS = 1000
/** Time after a refresh during which state that seems old causes no other refresh: clocks differ, and caches delay. */
const JUST_REFRESHED_MS = 250

/**
 * Returns the verdict on a token if nothing must be fetched for it, as for nearly all tokens; otherwise `undefined`,
 * and `judge` must be called. `scope`: the scopes that the token must grant.
 */
export function tryJudge<C extends Claims>(
  gate: OpenGate,
  finding: Finding | CachedVerdict,
  token: string,
  scope: readonly string[],
): Verdict<C> | undefined {
  const realm = gate.realmOf(finding)
  if (realm === undefined && gate.directory !== undefined && finding.reason === 'wrong_issuer')
    return gate.directory.refusal(token)
  if (finding.undecided && realm !== undefined) gate.reports.undecided(realm.name)
  const isDecided = realm === undefined || (isGenuine(finding) ? isFresh(gate, realm, finding) : isFinal(finding))
  return isDecided ? settled<C>(gate, finding, realm, token, scope) : undefined
}

/** Returns the verdict by the state loaded now. */
export function judgeSync<C extends Claims>(
  gate: OpenGate,
  finding: Finding | CachedVerdict,
  token: string,
  scope: readonly string[],
): Verdict<C> {
  const realm = gate.realmOf(finding)
  if (realm === undefined && gate.directory !== undefined && finding.reason === 'wrong_issuer')
    return gate.directory.refusalSync(token)
  return settled<C>(gate, finding, realm, token, scope)
}

/**
 * Judges a token after the fetches that the staleness contract requires. The verdict follows from the last finding in
 * the same synchronous step. A refusal that no fetch could change causes no fetch.
 */
export async function judge<C extends Claims>(
  gate: OpenGate,
  first: Finding | CachedVerdict,
  token: string,
  scope: readonly string[],
  waitUntil?: WaitUntil,
): Promise<Verdict<C>> {
  const realm = gate.realmOf(first)
  const { directory } = gate
  if (directory === undefined) return judgeWithFetches<C>(gate, first, token, scope, waitUntil)
  const place = realm === undefined ? await directory.load(token) : realm.place
  if (place === undefined || 'ok' in place) return place ?? judgeWithFetches<C>(gate, first, token, scope, waitUntil)
  if (realm !== undefined && !directory.enter(place)) return refused('keys_unavailable')
  try {
    return await judgeWithFetches<C>(gate, realm === undefined ? gate.inspect(token) : first, token, scope, waitUntil)
  } finally {
    directory.leave(place)
  }
}

/**
 * Inspects the token itself instead of awaiting another function, because a revocation could arrive between the last
 * inspection and the verdict.
 */
async function judgeWithFetches<C extends Claims>(
  gate: OpenGate,
  first: Finding | CachedVerdict | PendingSignature,
  token: string,
  scope: readonly string[],
  waitUntil: WaitUntil | undefined,
): Promise<Verdict<C>> {
  const startedAtMs = gate.clockMs
  let inspected = first
  while (inspected instanceof PendingSignature) inspected = gate.afterSignature(inspected, await inspected.outcome)
  let finding = inspected
  const realm = gate.realmOf(finding)
  if (realm === undefined) return verdictOf<C>(finding, realm, token)
  for (const fetch of FETCHES) {
    const fetched = fetch({ gate, realm, finding, token, startedAtMs, waitUntil })
    // Another realm may have the index of a realm that was closed meanwhile, and an acceptance must not outlive a wait.
    if (fetched === undefined || ((await fetched) === 'nothing_new' && finding.reason !== undefined && !realm.isClosed))
      continue
    inspected = gate.inspect(token)
    while (inspected instanceof PendingSignature) inspected = gate.afterSignature(inspected, await inspected.outcome)
    finding = inspected
    if (realm.isClosed) break
  }
  if (isGenuine(finding) && !realm.isClosed) refreshInBackground(gate, realm, waitUntil)
  return settled<C>(gate, finding, gate.realmOf(finding), token, scope)
}

/** Returns the verdict by a finding from the same synchronous step. */
function settled<C extends Claims>(
  gate: OpenGate,
  finding: Finding | CachedVerdict,
  realm: Realm | undefined,
  token: string,
  scope: readonly string[],
): Verdict<C> {
  if (realm?.place !== undefined && isVerified(realm, finding)) gate.directory?.verified(realm.place)
  const verdict = verdictOf<C>(finding, realm, token)
  return scope.length > 0 ? requireScope(verdict, scope, realm) : verdict
}

/** A token that cannot be judged yet. */
interface JudgeContext {
  gate: OpenGate
  realm: Realm
  finding: Finding
  token: string
  startedAtMs: number
  waitUntil: WaitUntil | undefined
}

/** Starts a fetch that a finding needs; returns `undefined` if it needs none of this kind. */
type Fetch = (context: JudgeContext) => Promise<'done' | 'nothing_new'> | undefined

/** Each runs at most once for a token, in this order, and the token is inspected after it. */
const FETCHES: readonly Fetch[] = [
  (context) => (lacksKeys(context) ? loadKeys(context) : undefined),
  (context) =>
    context.finding.reason === 'unknown_key' && !context.finding.undecided ? lookUpKey(context) : undefined,
  (context) => refresh(context),
  (context) => {
    const { feed } = context.realm
    return feed !== undefined && context.finding.reason === undefined && context.finding.behind
      ? catchUp(context, feed)
      : undefined
  },
]

/** Returns whether a token waits for its realm's keys, which may be part of a feed that is not loaded either. */
function lacksKeys({ realm, finding }: JudgeContext): boolean {
  return finding.reason === 'keys_unavailable' || (finding.reason === 'no_feed' && realm.feed?.hasKeys === true)
}

/** Loads, in parallel, the first state and the realm's first keys, or new keys if the old ones are too old. */
async function loadKeys({ gate, realm, token, startedAtMs, waitUntil }: JudgeContext): Promise<'done'> {
  const { firstLoadTimeoutMs } = gate.settings
  const { feed, keys } = realm
  const waits: Promise<unknown>[] = []
  if (keys !== undefined) waits.push(within(keepAlive(keys.load(), waitUntil), firstLoadTimeoutMs))
  if (feed !== undefined && !realm.state.loaded)
    waits.push(feed.puller.wait(firstLoadTimeoutMs, waitUntil, feed.demandOf(token)))
  await Promise.all(waits)
  if (feed?.hasKeys !== true || !realm.state.loaded || realm.state.hasKeys) return 'done'
  // The loaded state has no keys.
  await feed.awaitFirstKeys(startedAtMs + firstLoadTimeoutMs)
  if (!realm.state.hasKeys) await realm.lookUpKey('')
  return 'done'
}

async function lookUpKey({ realm, token }: JudgeContext): Promise<'done' | 'nothing_new'> {
  let hasFetched = false
  const lookup = realm.lookUpKey(claimedKeyId(token)).then((fetched) => {
    hasFetched = fetched
  })
  await within(lookup, realm.keyLookupTimeoutMs)
  return hasFetched ? 'done' : 'nothing_new'
}

/** Runs the fetches that must precede the verdict on a genuine token; each wait is bounded. */
function refresh(context: JudgeContext): Promise<'done'> | undefined {
  const { gate, realm, finding, waitUntil } = context
  if (finding.reason !== undefined && finding.reason !== 'stale_feed' && finding.reason !== 'no_feed') return undefined
  const { feed, keys } = realm
  const fed = feed === undefined ? undefined : refreshFeed(context, feed)
  const keyed = keys?.due ? within(keepAlive(keys.load(), waitUntil), gate.settings.refreshTimeoutMs) : undefined
  return fed === undefined && keyed === undefined ? undefined : Promise.all([fed, keyed]).then(() => 'done')
}

function refreshFeed(
  { gate, realm, finding, token, startedAtMs, waitUntil }: JudgeContext,
  feed: RealmFeed,
): Promise<void> | undefined {
  const { firstLoadTimeoutMs, refreshTimeoutMs, waitAfterSeconds } = gate.settings
  if (!realm.state.loaded) {
    // Loading the keys may have used part of the time.
    return feed.puller.wait(
      Math.max(0, startedAtMs + firstLoadTimeoutMs - gate.settings.nowMs()),
      waitUntil,
      feed.demandOf(token),
    )
  }
  if (finding.reason === 'stale_feed') return feed.puller.wait(refreshTimeoutMs, waitUntil, feed.demandOf(token))
  const isOld = realm.ageSeconds(gate.now()) > waitAfterSeconds && !wasRefreshedWithin(JUST_REFRESHED_MS, gate, feed)
  return isOld || (finding.reason === 'no_feed' && !feed.refusesPolicy)
    ? feed.puller.wait(refreshTimeoutMs, waitUntil)
    : undefined
}

/**
 * Refreshes for a token whose issuer knew of later ledger entries than the state has (`rsq`), before it is accepted. If
 * that does not help, `rsq` is ignored.
 */
async function catchUp({ gate, token, waitUntil }: JudgeContext, feed: RealmFeed): Promise<'done' | 'nothing_new'> {
  const { refreshTimeoutMs, nowMs } = gate.settings
  if (nowMs() - feed.caughtUpAtMs < CATCH_UP_EVERY_MS) {
    // No further refresh starts so soon, but a running one may be awaited.
    if (!feed.puller.isRefreshing) return 'nothing_new'
    await feed.puller.wait(refreshTimeoutMs, waitUntil)
    return 'done'
  }
  feed.caughtUpAtMs = nowMs()
  const outcome = await feed.puller.catchUp(refreshTimeoutMs, waitUntil)
  if (outcome !== 'done') return 'done'
  const finding = gate.inspectSync(token)
  if (finding.reason === undefined && finding.behind) {
    const message = 'a token claims a ledger position beyond the feed that was just fetched'
    feed.report(new PortcullisError('feed_refused', message, { detail: 'behind_token' }))
  }
  return 'done'
}

/** Starts fetches for later requests. */
function refreshInBackground(gate: OpenGate, { feed, keys }: Realm, waitUntil: WaitUntil | undefined): void {
  keys?.refreshInBackground(waitUntil)
  if (feed !== undefined && !wasRefreshedWithin(gate.settings.refreshAfterSeconds * 1000, gate, feed))
    feed.puller.refreshInBackground(waitUntil)
}

/** Returns whether the feed was refreshed within the last `ms`. */
function wasRefreshedWithin(ms: number, { settings }: OpenGate, feed: RealmFeed): boolean {
  return Math.abs(settings.nowMs() - feed.refreshedAtMs) < ms
}

/** Returns whether keys and state are fresh enough for a genuine token. */
function isFresh({ settings, clockMs }: OpenGate, realm: Realm, finding: Finding): boolean {
  const { feed, keys } = realm
  if (keys !== undefined && !keys.isYoungAt(clockMs)) return false
  if (feed === undefined) return true
  return (
    !finding.behind &&
    finding.reason !== 'stale_feed' &&
    finding.reason !== 'no_feed' &&
    Math.abs(clockMs - feed.refreshedAtMs) < settings.refreshAfterSeconds * 1000 &&
    realm.ageSeconds(clockMs / 1000) <= settings.waitAfterSeconds
  )
}

/** Returns whether a token that is not genuine is refused in any case, because no fetch could change that. */
function isFinal({ reason, undecided }: Finding): boolean {
  return undecided || (reason !== 'keys_unavailable' && reason !== 'unknown_key')
}

/**
 * Returns whether a token has passed the signature check: it is accepted, revoked or waiting for state. Other tokens
 * must not cause a refresh. A revoked token does, in the background, because a revocation may have been corrected.
 */
function isGenuine({ reason }: Finding): boolean {
  switch (reason) {
    case undefined:
    case 'token_revoked':
    case 'session_revoked':
    case 'grant_revoked':
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

/**
 * Returns whether the token's signature is valid. For a realm whose keys come with its feed, it is not known to be
 * before the feed is loaded.
 */
function isVerified({ feed, state }: Realm, finding: Finding): boolean {
  return isGenuine(finding) && !(finding.reason === 'no_feed' && feed?.hasKeys === true && !state.loaded)
}

function keepAlive(promise: Promise<void>, waitUntil: WaitUntil | undefined): Promise<void> {
  waitUntil?.(promise.catch(() => undefined))
  return promise
}
