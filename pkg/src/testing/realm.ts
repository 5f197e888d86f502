import type * as edge from '../edge/index.ts'
import { resolveGateSettings } from '../edge/settings.ts'
import { issuerNames, separatesSubjects } from '../issuer-names.ts'
import type * as origins from '../origin/index.ts'
import type { memoryStore } from '../origin/store/memory.ts'
import { checkOptions } from '../options.ts'
import { checkContradictions, TOKEN_RULES } from '../policy.ts'
import { CLOCK } from '../timing/clock.ts'
import type { GateOptions, TokenOptions } from '../types.ts'
import { TestClock } from './clock.ts'
import { goodToken } from './good-claims.ts'
import { openIssuer } from './issuer.ts'
import { JWKS_URL, ORIGIN_URL, TestNetwork } from './network.ts'
import type { TestAlgorithm, TestRealm, TestRealmOptions } from './types.ts'

/** Gate and origin as provided by a runtime, each with its wasm module. */
interface Parts {
  createGate: typeof edge.createGate
  createOrigin: typeof origins.createOrigin
  generateFeedKey: typeof origins.generateFeedKey
  memoryStore: typeof memoryStore
  /** Resolves when the origin's module is loaded; `undefined`: there is nothing to wait for. */
  startLoading(): Promise<void> | undefined
}

/** Opens a test realm. Rejects with the errors of `createGate` and `createOrigin`. */
export async function openTestRealm(options: TestRealmOptions, parts: Parts): Promise<TestRealm> {
  const token = tokenOptions(options)
  const { name } = token
  checkOptions(token, TOKEN_RULES)
  checkContradictions(token, 'options')
  const clock = new TestClock()
  const issuer = await openIssuer({
    issuer: issuerNames(token).names[0] ?? '',
    algorithm: algorithmOf(options),
    now: () => clock.now(),
  })
  const reports: TestRealm['reports'] = []
  await parts.startLoading()
  const { signingKey, publicKey } = await parts.generateFeedKey()
  const origin = await parts.createOrigin({
    store: parts.memoryStore(),
    signingKey,
    // Issuer and origin use the same clock.
    realms: [{ ...token, jwks: () => issuer.jwks, issuerSkewSeconds: 0 }],
    onReport: (report) => void reports.push(report),
    ...{ [CLOCK]: clock.nowMs },
  })
  const network = new TestNetwork(origin, issuer)
  const gateOptions: GateOptions = {
    // The gate of an app then refreshes before its next response, because the clock advances with every event.
    refreshAfterSeconds: 0,
    waitAfterSeconds: 0,
    onReport: (report) => void reports.push(report),
    ...options.gate,
    realms: [{ ...token, jwks: JWKS_URL, feed: { url: `${ORIGIN_URL}/feed/${name}`, keys: [publicKey] } }],
    fetch: network.fetch,
    ...{ [CLOCK]: clock.nowMs },
  }
  const gate = parts.createGate(gateOptions)
  /** The default `iss` of tokens if each name of the issuer has its own sessions and users. */
  const ownName = separatesSubjects(token) ? { issuer: issuer.issuer } : {}

  async function advance(seconds: number): Promise<void> {
    clock.advance(seconds)
    if (!network.isCut) await gate.refresh(name)
  }
  /** Records an event and advances the clock by a second. */
  async function event<T>(recorded: Promise<T>): Promise<T> {
    const result = await recorded
    await advance(1)
    return result
  }

  await gate.refresh(name)
  return {
    name,
    issuer,
    origin,
    gate,
    gateOptions,
    reports,
    now: () => clock.now(),
    token(claims = {}, signing = {}) {
      const good = goodToken(token, clock.now())
      return issuer.sign({ ...good.claims, ...claims }, { ...signing, header: { ...good.header, ...signing.header } })
    },
    request,
    check: (checked) => gate.check(checked),
    revokeToken: (revoked, act) => event(origin.revokeToken(revoked, act)),
    endSession: (sid, act) => event(origin.endSession(name, sid, { ...ownName, ...act })),
    logoutUser: (sub, act) => event(origin.logoutUser(name, sub, { ...ownName, ...act })),
    logoutRealm: (act) => event(origin.logoutRealm(name, act)),
    advance,
    async goStale() {
      network.isCut = true
      await advance(resolveGateSettings(gateOptions).maxStaleSeconds + 1)
    },
    async recover() {
      network.isCut = false
      await advance(0)
    },
    async close() {
      gate.close()
      await origin.close()
    },
  }
}

/** Returns the options of the realm's tokens, with defaults for name, issuer and audience. */
function tokenOptions({ gate: _gate, jwks: _jwks, algorithm: _algorithm, ...token }: TestRealmOptions): TokenOptions {
  return { name: 'test', issuer: 'https://issuer.test', audience: 'api', ...token }
}

/** Returns an algorithm with a public key that the realm accepts. */
function algorithmOf({ algorithm, algorithms = [] }: TestRealmOptions): TestAlgorithm {
  return algorithm ?? algorithms.find((each): each is TestAlgorithm => !each.startsWith('HS')) ?? 'ES256'
}

/** Returns a request with a token as bearer credential (RFC 6750 §2.1). */
function request(token?: string, { url = 'https://app.test/', ...init }: RequestInit & { url?: string } = {}): Request {
  const headers = new Headers(init.headers)
  if (token !== undefined) headers.set('authorization', `Bearer ${token}`)
  return new Request(url, { ...init, headers })
}
