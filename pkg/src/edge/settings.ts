import { isLoopback } from '../http/loopback.ts'
import {
  boolean, callback, checkOptions, defaultsOf, either, given, integer, invalid, list, milliseconds, oneOf, required, type Rules, seconds, shape, string, url, withDefault,
} from '../options.ts'
import { checkContradictions, checkDistinct, corePolicy, feedKey, keySet, TOKEN_RULES } from '../policy.ts'
import { clockOf, type NowMs } from '../timing/clock.ts'
import type { Algorithm, GateOptions, JWKS, TokenOptions } from '../types.ts'
import type { CoreOptions } from './core/core.ts'
import type { Runtime } from './core/module.ts'
import type { FeedSettings } from './feed/subscriber.ts'

/** A gate's options with every default filled in. */
export interface GateSettings extends Required<Omit<GateOptions, 'realms' | 'maxSessionSeconds' | 'onReport'>> {
  realms: GateRealmSettings[]
  maxSessionSeconds: number | undefined
  onReport: GateOptions['onReport'] | undefined
  nowMs: NowMs
}

export interface GateRealmSettings {
  token: TokenOptions
  /** A set, where to fetch one, or `undefined`: the feed carries it. */
  jwks: URL | JWKS | undefined
  /** `undefined`: revocation is not checked. */
  feed: FeedSettings | undefined
  acceptDifferingPolicy: boolean
}

/** Checks options and fills in the defaults. Throws `invalid_option`, naming the option. */
export function resolveGateSettings(options: GateOptions): GateSettings {
  checkOptions(options, GATE_RULES)
  checkDistinct(options.realms, 'options.realms')
  options.realms.forEach((realm, index) => {
    checkContradictions(realm, `options.realms[${index}]`)
    checkRevocation(realm, `options.realms[${index}]`)
  })
  const settings = { ...DEFAULTS, ...defaultsOf(GATE), ...given(options), realms: options.realms.map(resolveRealmSettings), nowMs: clockOf(options) }
  settings.realms.forEach(({ feed }, index) => {
    if (feed !== undefined) checkSecrets(settings, feed, `options.realms[${index}].feed`)
  })
  return settings
}

/** The global `fetch`. Read at each call, so that a replacement counts; called without a receiver, as workerd demands. */
export const globalFetch: typeof fetch = (input, init) => fetch(input, init)

/** Throws `invalid_option` for settings that the runtime does not support. */
export function checkRuntime(settings: GateSettings, runtime: Runtime): void {
  settings.realms.forEach((realm, index) => {
    if (realm.feed?.mode === 'stream' && !runtime.shareFlights) {
      throw invalid(
        `options.realms[${index}].feed.mode cannot be 'stream' here: this runtime ends I/O with the request that began it; ` +
          "use 'pull', and gate.receiveFeed for pushes",
      )
    }
  })
}

/** A gate's settings in the form the core takes. `hostAlgorithms`: those whose signatures the host verifies faster. */
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
    realms: settings.realms.map(({ token, jwks, feed, acceptDifferingPolicy }) => ({
      ...corePolicy(token),
      revocation: feed === undefined ? 'unchecked' : 'byFeed',
      feedKeys: feed?.keys ?? [],
      keysFrom: jwks === undefined ? 'feed' : 'caller',
      acceptDifferingPolicy,
    })),
  }
}

const DEFAULTS = { maxSessionSeconds: undefined, fetch: globalFetch, onReport: undefined }

const FEED = {
  url: required(url),
  keys: required(list(feedKey, 1)),
  mode: withDefault(oneOf('pull', 'stream'), 'pull'),
  credential: string,
  acknowledge: shape({ edge: required(string), secret: required(string) }),
} satisfies Rules

const REALM = {
  jwks: either(url, keySet),
  feed: shape(FEED),
  revocation: oneOf('unchecked'),
  acceptDifferingPolicy: withDefault(boolean, false),
} satisfies Rules

/** The rules of `RealmOptions`. */
export const GATE_REALM_RULES: Rules = { ...TOKEN_RULES, ...REALM }

const GATE = {
  realms: required(list(shape(GATE_REALM_RULES), 1)),
  // RFC 7519 sets no limit; header fields of common servers end at 16 KiB.
  maxTokenBytes: withDefault(integer('bytes', 1, 1024 * 1024), 16_384),
  // A busy worker's users of a few minutes; a token of 800 bytes takes about 1.2 kB here, and half of that again as objects.
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
  jwksTimeoutMs: withDefault(milliseconds, 2_000),
  plainHttp: withDefault(oneOf('loopback', 'anywhere'), 'loopback'),
  fetch: callback,
  onReport: callback,
} satisfies Rules

/** The rules of `GateOptions`. */
export const GATE_RULES: Rules = GATE

/** A realm has a feed, or says that none of its revocations are looked up: leaving out the feed must not turn them off. */
function checkRevocation({ revocation, feed, jwks, acceptDifferingPolicy }: GateOptions['realms'][number], name: string): void {
  if (revocation === undefined) {
    if (feed === undefined) throw invalid(`${name}.feed is missing: it must be ${REALM.feed.expected}, or revocation 'unchecked' to begin without an origin`)
    return
  }
  const beside = feed !== undefined ? 'feed' : acceptDifferingPolicy !== undefined ? 'acceptDifferingPolicy' : undefined
  if (beside !== undefined) throw invalid(`${name}.revocation cannot be 'unchecked' beside ${beside}: leave out one of them`)
  if (jwks === undefined) throw invalid(`${name}.jwks is missing: it must be ${REALM.jwks.expected}; with revocation 'unchecked' no feed carries the keys`)
}

/** Refuses secrets over plain HTTP. The feed itself is signed, so it may use plain HTTP. */
function checkSecrets(settings: GateSettings, feed: FeedSettings, name: string): void {
  const secret = feed.credential !== undefined ? 'credential' : feed.acknowledge !== undefined ? 'acknowledge' : undefined
  if (secret === undefined || settings.plainHttp === 'anywhere' || feed.url.protocol === 'https:' || isLoopback(feed.url)) return
  throw invalid(`${name}.${secret} would be sent without TLS: ${name}.url must be an https: URL; see plainHttp`)
}

function resolveRealmSettings({ jwks, feed, revocation: _, acceptDifferingPolicy, ...token }: GateOptions['realms'][number]): GateRealmSettings {
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
