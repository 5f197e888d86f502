import { isLoopback } from '../http/loopback.ts'
import {
  callback, checkOptions, either, given, integer, invalid, list, milliseconds, oneOf, required, type Rules, seconds, shape, text, url,
} from '../options.ts'
import { checkContradictions, checkDistinct, corePolicy, feedKey, keySet, TOKEN_RULES } from '../policy.ts'
import type { Algorithm, GateOptions, JWKS, RealmOptions, TokenOptions } from '../types.ts'
import type { CoreOptions } from './core/core.ts'
import type { Runtime } from './core/module.ts'
import type { FeedSettings } from './feed/subscriber.ts'

/** A gate's options with every default filled in. */
export interface GateSettings extends Required<Omit<GateOptions, 'realms' | 'maxSessionSeconds' | 'onReport'>> {
  realms: GateRealmSettings[]
  maxSessionSeconds: number | undefined
  onReport: GateOptions['onReport'] | undefined
}

export interface GateRealmSettings {
  token: TokenOptions
  /** A set, where to fetch one, or `undefined`: the feed carries it. */
  jwks: URL | JWKS | undefined
  feed: FeedSettings
}

/** Checks options and fills in the defaults. Throws `invalid_option`, naming the option. */
export function resolveGateSettings(options: GateOptions): GateSettings {
  checkOptions(options, GATE_RULES)
  checkDistinct(options.realms, 'options.realms')
  options.realms.forEach((realm, index) => checkContradictions(realm, `options.realms[${index}]`))
  const settings = { ...DEFAULTS, ...given(options), realms: options.realms.map(resolveRealmSettings) }
  settings.realms.forEach(({ feed }, index) => checkSecrets(settings, feed, `options.realms[${index}].feed`))
  return settings
}

/** The global `fetch`. Read at each call, so that a replacement counts; called without a receiver, as workerd demands. */
export const globalFetch: typeof fetch = (input, init) => fetch(input, init)

/** Throws `invalid_option` for settings that the runtime does not support. */
export function checkRuntime(settings: GateSettings, runtime: Runtime): void {
  settings.realms.forEach((realm, index) => {
    if (realm.feed.mode === 'stream' && !runtime.shareFlights) {
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
    realms: settings.realms.map(({ token, jwks, feed }) => ({
      ...corePolicy(token),
      feedKeys: feed.keys,
      keysFrom: jwks === undefined ? 'feed' : 'caller',
    })),
  }
}

const DEFAULTS: Omit<GateSettings, 'realms'> = {
  // RFC 7519 sets no limit; header fields of common servers end at 16 KiB.
  maxTokenBytes: 16_384,
  // A busy worker's users of a few minutes; a token of 800 bytes takes about 1.2 kB here, and half of that again as objects.
  verifiedTokenCacheEntries: 10_000,
  verifiedTokenCacheBytes: 8 * 1024 * 1024,
  verifySignatures: 'fastest',
  leewaySeconds: 5,
  skewSeconds: 5,
  maxLifetimeSeconds: 86_400,
  maxSessionSeconds: undefined,
  refreshAfterSeconds: 1,
  waitAfterSeconds: 5,
  refreshTimeoutMs: 1000,
  maxStaleSeconds: 60,
  whenStale: 'refuse',
  maxAcceptStaleSeconds: 3600,
  firstLoadTimeoutMs: 2000,
  jwksMaxAgeSeconds: 300,
  jwksMaxStaleSeconds: 3600,
  jwksTimeoutMs: 2000,
  plainHttp: 'loopback',
  fetch: globalFetch,
  onReport: undefined,
}

const FEED_RULES: Rules = {
  url: required(url),
  keys: required(list(feedKey, 1)),
  mode: oneOf('pull', 'stream'),
  credential: text,
  acknowledge: shape({ edge: required(text), secret: required(text) }),
}

const REALM_RULES: Rules = {
  ...TOKEN_RULES,
  jwks: either(url, keySet),
  feed: required(shape(FEED_RULES)),
}

const GATE_RULES: Rules = {
  realms: required(list(shape(REALM_RULES), 1)),
  maxTokenBytes: integer('bytes', 1, 1024 * 1024),
  verifiedTokenCacheEntries: integer('tokens', 0, 1_000_000),
  verifiedTokenCacheBytes: integer('bytes', 0, 1024 * 1024 * 1024),
  verifySignatures: oneOf('fastest', 'rust'),
  leewaySeconds: seconds,
  skewSeconds: seconds,
  maxLifetimeSeconds: integer('whole seconds', 1),
  maxSessionSeconds: integer('whole seconds', 1),
  refreshAfterSeconds: seconds,
  waitAfterSeconds: seconds,
  refreshTimeoutMs: milliseconds,
  maxStaleSeconds: seconds,
  whenStale: oneOf('refuse', 'accept'),
  maxAcceptStaleSeconds: seconds,
  firstLoadTimeoutMs: milliseconds,
  jwksMaxAgeSeconds: seconds,
  jwksMaxStaleSeconds: seconds,
  jwksTimeoutMs: milliseconds,
  plainHttp: oneOf('loopback', 'anywhere'),
  fetch: callback,
  onReport: callback,
}

/** Refuses secrets over plain HTTP. The feed itself is signed, so it may use plain HTTP. */
function checkSecrets(settings: GateSettings, feed: GateRealmSettings['feed'], name: string): void {
  const secret = feed.credential !== undefined ? 'credential' : feed.acknowledge !== undefined ? 'acknowledge' : undefined
  if (secret === undefined || settings.plainHttp === 'anywhere' || feed.url.protocol === 'https:' || isLoopback(feed.url)) return
  throw invalid(`${name}.${secret} would be sent without TLS: ${name}.url must be an https: URL; see plainHttp`)
}

function resolveRealmSettings({ jwks, feed, ...token }: RealmOptions): GateRealmSettings {
  return {
    token,
    jwks: typeof jwks === 'string' || jwks instanceof URL ? new URL(jwks) : jwks,
    feed: {
      url: new URL(feed.url),
      keys: feed.keys,
      mode: feed.mode ?? 'pull',
      credential: feed.credential,
      acknowledge: feed.acknowledge,
    },
  }
}
