import { bearerCredential } from '../http/credential.ts'
import { isLoopback } from '../http/loopback.ts'
import { checkTransport } from '../http/plain-http.ts'
import { checkKeyAlgorithms } from '../key-algorithms.ts'
import {
  boolean,
  boundedList,
  callback,
  checkOptions,
  defaultsOf,
  either,
  given,
  integer,
  invalid,
  list,
  milliseconds,
  oneOf,
  required,
  type Rules,
  seconds,
  shape,
  string,
  timeout,
  url,
  withDefault,
} from '../options.ts'
import { checkContradictions, checkDistinct, corePolicy, feedKey, keySet, TOKEN_RULES } from '../policy.ts'
import { clockOf, type NowMs } from '../timing/clock.ts'
import type {
  Algorithm,
  AnyGateOptions,
  GateOptions,
  JWKS,
  RealmOptions,
  RealmResolver,
  TokenOptions,
  UncheckedRealmOptions,
} from '../types.ts'
import type { CoreOptions, CoreRealm } from './core/core-options.ts'
import type { Runtime } from './core/module.ts'
import type { FeedSettings } from './feed/subscriber.ts'
import { IssuerPatterns, MAX_PATTERNS } from './issuers/issuer-patterns.ts'

/** A gate's options with all defaults applied. */
export interface GateSettings
  extends Required<Omit<GateOptions, 'realms' | 'issuers' | 'maxSessionSeconds' | 'onReport'>> {
  /** The realms that are loaded from the start. */
  realms: GateRealmSettings[]
  /** Returns the realm of an issuer that is not loaded; `undefined`: `realms` is complete. */
  resolver: RealmResolver | undefined
  /** The issuers for which `resolver` may be called. */
  issuers: string[]
  maxSessionSeconds: number | undefined
  onReport: GateOptions['onReport'] | undefined
  nowMs: NowMs
}

type AnyRealm = RealmOptions | UncheckedRealmOptions

export interface GateRealmSettings {
  token: TokenOptions
  /** A set, the URL of one, or `undefined` if the feed carries it. */
  jwks: URL | JWKS | undefined
  /** `undefined`: revocation is not checked. */
  feed: FeedSettings | undefined
  acceptDifferingPolicy: boolean
}

/** Validates options and applies the defaults. Throws `invalid_option`, naming the option. */
export function resolveGateSettings(options: AnyGateOptions): GateSettings {
  checkOptions(options, GATE_RULES)
  const { realms, issuers, ...others } = options
  const settings: GateSettings = {
    ...DEFAULTS,
    ...defaultsOf(GATE),
    ...given(others),
    realms: [],
    resolver: undefined,
    issuers: [...(issuers ?? [])],
    nowMs: clockOf(options),
  }
  if (typeof realms === 'function') {
    if (issuers === undefined)
      throw invalid(
        'options.issuers is missing: it lists the issuers for which the function options.realms may be called',
      )
    void new IssuerPatterns(issuers, settings.plainHttp)
    return { ...settings, resolver: realms }
  }
  if (issuers !== undefined)
    throw invalid('options.issuers requires a function as options.realms: an array names its issuers itself')
  checkDistinct(realms, 'options.realms')
  return {
    ...settings,
    realms: realms.map((realm, index) => resolveRealm(realm, settings, `options.realms[${index}]`)),
  }
}

/**
 * Validates a realm returned by the function, and copies it, because the caller may change it later. Throws
 * `invalid_option`.
 */
export function resolveAnsweredRealm(answer: object, settings: GateSettings, runtime: Runtime): GateRealmSettings {
  const name = 'realms(issuer)'
  const realm = copy(answer) as AnyRealm
  checkOptions(realm, GATE_REALM_RULES, name)
  const resolved = resolveRealm(realm, settings, name)
  checkMode(resolved, runtime, name)
  return resolved
}

/**
 * Calls the global `fetch`. It is read at each call, so that replacing it takes effect, and called without a receiver,
 * as workerd requires.
 */
export const globalFetch: typeof fetch = (input, init) => fetch(input, init)

/** Throws `invalid_option` for settings that the runtime does not support. */
export function checkRuntime(settings: GateSettings, runtime: Runtime): void {
  settings.realms.forEach((realm, index) => checkMode(realm, runtime, `options.realms[${index}]`))
}

function checkMode({ feed }: GateRealmSettings, runtime: Runtime, name: string): void {
  if (feed?.mode !== 'stream' || runtime.shareFlights) return
  const reason = 'this runtime ends I/O with the request that started it'
  throw invalid(`${name}.feed.mode cannot be 'stream' here: ${reason}; use 'pull', and gate.receiveFeed for pushes`)
}

/**
 * Returns a gate's settings in the form the core takes. `hostAlgorithms`: those whose signatures the host verifies
 * faster.
 */
export function coreOptions(settings: GateSettings, hostAlgorithms: readonly Algorithm[]): CoreOptions {
  return {
    maxTokenBytes: settings.maxTokenBytes,
    leewaySeconds: settings.leewaySeconds,
    skewSeconds: settings.skewSeconds,
    maxLifetimeSeconds: settings.maxLifetimeSeconds,
    maxSessionSeconds: settings.maxSessionSeconds,
    maxStaleSeconds: settings.maxStaleSeconds,
    whenStale: settings.whenStale,
    maxAcceptStaleSeconds: settings.maxAcceptStaleSeconds,
    verifiedTokenCacheEntries: settings.verifiedTokenCacheEntries,
    verifiedTokenCacheBytes: settings.verifiedTokenCacheBytes,
    hostAlgorithms,
    realms: settings.realms.map(coreRealm),
  }
}

/** Returns a realm's settings in the form the core takes. */
export function coreRealm({ token, jwks, feed, acceptDifferingPolicy }: GateRealmSettings): CoreRealm {
  return {
    ...corePolicy(token),
    revocation: feed === undefined ? 'unchecked' : 'byFeed',
    feedKeys: feed?.keys ?? [],
    keysFrom: jwks === undefined ? 'feed' : 'caller',
    acceptDifferingPolicy,
  }
}

const DEFAULTS = { maxSessionSeconds: undefined, fetch: globalFetch, onReport: undefined }

const FEED = {
  url: required(url),
  keys: required(list(feedKey, 1)),
  mode: withDefault(oneOf('pull', 'stream'), 'pull'),
  credential: bearerCredential,
  acknowledge: shape({ edge: required(string), secret: required(bearerCredential) }),
} satisfies Rules

const REALM = {
  jwks: either(url, keySet),
  feed: shape(FEED),
  revocation: oneOf('unchecked'),
  acceptDifferingPolicy: withDefault(boolean, false),
} satisfies Rules

/** The rules of `RealmOptions`. */
export const GATE_REALM_RULES: Rules = { ...TOKEN_RULES, ...REALM }

const realmList = list(shape(GATE_REALM_RULES), 1)

const realms: typeof realmList = {
  ...realmList,
  expected: `${realmList.expected}, or a function of the issuer`,
  check(value, name) {
    if (Array.isArray(value)) realmList.check(value, name)
    else if (typeof value !== 'function') throw invalid(`${name} must be ${realms.expected}`)
  },
}

const GATE = {
  realms: required(realms),
  issuers: boundedList(string, 1, MAX_PATTERNS),
  // RFC 7519 sets no limit; common servers limit header fields to 16 KiB. A token with the required claims is longer
  // than the minimum.
  maxTokenBytes: withDefault(integer('bytes', 100, 1024 * 1024), 16_384),
  // A busy worker's users of a few minutes; a token of 800 bytes takes about 1.2 kB here, and half of that again as
  // objects.
  verifiedTokenCacheEntries: withDefault(integer('tokens', 0, 1_000_000), 10_000),
  verifiedTokenCacheBytes: withDefault(integer('bytes', 0, 1024 * 1024 * 1024), 8_388_608),
  verifySignatures: withDefault(oneOf('fastest', 'rust'), 'fastest'),
  leewaySeconds: withDefault(seconds, 5),
  skewSeconds: withDefault(seconds, 5),
  maxLifetimeSeconds: withDefault(integer('whole seconds', 1), 86_400),
  maxSessionSeconds: integer('whole seconds', 1),
  refreshAfterSeconds: withDefault(seconds, 1),
  waitAfterSeconds: withDefault(seconds, 5),
  refreshTimeoutMs: withDefault(milliseconds, 1_000),
  maxStaleSeconds: withDefault(seconds, 60),
  whenStale: withDefault(oneOf('refuse', 'accept'), 'refuse'),
  maxAcceptStaleSeconds: withDefault(seconds, 3_600),
  firstLoadTimeoutMs: withDefault(milliseconds, 2_000),
  jwksMaxAgeSeconds: withDefault(seconds, 300),
  jwksMaxStaleSeconds: withDefault(seconds, 3_600),
  jwksTimeoutMs: withDefault(timeout, 2_000),
  plainHttp: withDefault(oneOf('loopback', 'anywhere'), 'loopback'),
  fetch: callback,
  onReport: callback,
} satisfies Rules

/** The rules of `GateOptions`. */
export const GATE_RULES: Rules = GATE

/**
 * Throws `invalid_option` unless a realm has a feed or states that its revocations are not looked up: omitting the feed
 * must not turn them off.
 */
function checkRevocation({ revocation, feed, jwks, acceptDifferingPolicy }: AnyRealm, name: string): void {
  if (revocation === undefined) {
    if (feed !== undefined) return
    throw invalid(
      `${name}.feed is missing: it must be ${REALM.feed.expected}, or revocation 'unchecked' to start without an origin`,
    )
  }
  const beside = feed !== undefined ? 'feed' : acceptDifferingPolicy !== undefined ? 'acceptDifferingPolicy' : undefined
  if (beside !== undefined)
    throw invalid(`${name}.revocation cannot be 'unchecked' together with ${beside}: remove one of them`)
  if (jwks !== undefined) return
  throw invalid(
    `${name}.jwks is missing: it must be ${REALM.jwks.expected}; with revocation 'unchecked' no feed carries the keys`,
  )
}

/** Throws `invalid_option` for secrets sent by plain HTTP. The feed itself is signed, so it may use plain HTTP. */
function checkSecrets(settings: GateSettings, feed: FeedSettings, name: string): void {
  const secret =
    feed.credential !== undefined ? 'credential' : feed.acknowledge !== undefined ? 'acknowledge' : undefined
  if (
    secret === undefined ||
    settings.plainHttp === 'anywhere' ||
    feed.url.protocol === 'https:' ||
    isLoopback(feed.url)
  )
    return
  throw invalid(`${name}.${secret} would be sent without TLS: ${name}.url must be an https: URL; see plainHttp`)
}

/**
 * Applies the defaults to a realm whose options have been validated one by one. Throws `invalid_option` for
 * contradictions.
 */
function resolveRealm(realm: AnyRealm, settings: GateSettings, name: string): GateRealmSettings {
  checkContradictions(realm, name)
  checkKeyAlgorithms(realm, name)
  checkRevocation(realm, name)
  const resolved = resolveRealmSettings(realm)
  if (resolved.jwks instanceof URL) checkTransport(resolved.jwks, settings.plainHttp, `${name}.jwks`)
  if (resolved.feed !== undefined) checkSecrets(settings, resolved.feed, `${name}.feed`)
  return resolved
}

function resolveRealmSettings({
  jwks,
  feed,
  revocation: _,
  acceptDifferingPolicy,
  ...token
}: AnyRealm): GateRealmSettings {
  return {
    token,
    acceptDifferingPolicy: acceptDifferingPolicy ?? REALM.acceptDifferingPolicy.fallback,
    jwks: typeof jwks === 'string' || jwks instanceof URL ? new URL(jwks) : jwks,
    feed: feed && {
      url: new URL(feed.url),
      keys: feed.keys,
      mode: feed.mode ?? FEED.mode.fallback,
      credential: feed.credential,
      acknowledge: feed.acknowledge,
    },
  }
}

/** Copies plain data and URLs. */
function copy(value: unknown): unknown {
  if (value instanceof URL) return new URL(value)
  if (Array.isArray(value)) return value.map(copy)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, copy(member)]))
}
