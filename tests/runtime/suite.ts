// Tests for every runtime. The runner passes the library and a scenario.

import type { Gate, GateOptions, RealmOptions } from 'portcullis/edge'

/** The package's edge side, imported the way the runtime imports it. */
interface Library {
  createGate: <Env = unknown>(options: GateOptions | ((env: Env) => GateOptions)) => Gate<Env>
}

/**
 * Created by the runner with an independent signer and a running origin. Plain data, so that it can be posted to a
 * worker.
 */
export interface Scenario {
  realm: Omit<RealmOptions, 'jwks'> & { jwks: string }
  /** Tokens with their expected verdicts: `accepted`, or a reason code. */
  cases: { name: string; token: string; expect: string }[]
  /** A valid token, which the runner's origin revokes on request. */
  victim: string
  /** URL that revokes the victim. */
  revokeUrl: string
}

export interface Result {
  name: string
  /** The failure; absent if the test passed. */
  problem?: string
}

type Body = (gate: Gate) => Promise<void>

export async function suite(library: Library, scenario: Scenario): Promise<Result[]> {
  const { realm, cases, victim } = scenario
  const gate = library.createGate({ realms: [realm], onReport: () => undefined })
  const results: Result[] = []
  const test = async (name: string, body: Body): Promise<void> => {
    try {
      await body(gate)
      results.push({ name })
    } catch (error) {
      results.push({ name, problem: error instanceof Error ? error.message : String(error) })
    }
  }

  await test('before the first feed there is no state, and checkSync reports that', async () => {
    same(gate.checkSync(victim).ok, false)
  })
  await test('awaiting a gate is harmless', async () => {
    same(await gate, gate)
  })
  for (const { name, token, expect } of cases) {
    await test(`${name}: ${expect}`, async () => {
      same(outcome(await gate.check(token)), expect)
      same(outcome(gate.checkSync(token)), expect)
    })
  }
  await test('tokens are refused if the policy differs from the origin’s', async () => {
    const differing = library.createGate({ realms: [{ ...realm, grantClaim: 'app' }], onReport: () => undefined })
    same(outcome(await differing.check(victim)), 'no_feed')
    same(differing.status()[0]?.policyDifferences.join(), 'grantClaim')
    differing.close()
  })
  await test('new tokens checked concurrently are not confused with each other', async () => {
    const fresh = library.createGate({ realms: [realm], onReport: () => undefined, verifiedTokenCacheEntries: 0 })
    await fresh.check(victim)
    // Keys are imported the first time and reused later.
    for (let times = 0; times < 3; times += 1) {
      const verdicts = await Promise.all(cases.map(({ token }) => fresh.check(token)))
      same(verdicts.map(outcome).join(), cases.map(({ expect }) => expect).join())
    }
    fresh.close()
  })
  await test('an accepted token has claims, header, realm and sequence', async () => {
    const verdict = await gate.check(victim)
    if (!verdict.ok) throw new Error(verdict.reason)
    same(verdict.realm, realm.name)
    same(verdict.claims.sub, 'victim')
    same(typeof verdict.header.alg, 'string')
    same(Number.isSafeInteger(verdict.sequence), true)
  })
  await test('authenticate reads the bearer token, with the scheme in any case', async () => {
    for (const scheme of ['Bearer', 'bearer', 'BEARER']) {
      same((await gate.authenticate(request({ authorization: `${scheme} ${victim}` }))).ok, true)
    }
    same(outcome(await gate.authenticate(request({}))), 'missing_token')
    same(outcome(await gate.authenticate(request({ authorization: 'Bearer  ' }))), 'malformed')
  })
  await test('protect responds as RFC 6750 requires', async () => {
    const handler = gate.protect((_request, _env, _ctx, auth) => Response.json({ sub: auth.claims.sub }))
    const good = await handler(request({ authorization: `Bearer ${victim}` }))
    same(good.status, 200)
    same(((await good.json()) as { sub: string }).sub, 'victim')
    const bare = await handler(request({}))
    same(bare.status, 401)
    same(/error=/.test(bare.headers.get('www-authenticate') ?? ''), false)
    const bad = await handler(request({ authorization: 'Bearer garbage' }))
    same(bad.status, 401)
    same(bad.headers.get('www-authenticate')?.includes('error="invalid_token"'), true)
  })
  await test('a missing scope returns 403', async () => {
    const handler = gate.protect(() => new Response('in'), { scope: ['launch'] })
    const response = await handler(request({ authorization: `Bearer ${victim}` }))
    same(response.status, 403)
    same(response.headers.get('www-authenticate')?.includes('error="insufficient_scope"'), true)
  })
  await test('protect passes on a fetched response, readable by other origins', async () => {
    const handler = gate.protect(() => fetch(realm.jwks), { cors: { origins: ['https://app.example'] } })
    const response = await handler(request({ authorization: `Bearer ${victim}`, origin: 'https://app.example' }))
    same(response.headers.get('access-control-allow-origin'), 'https://app.example')
    same(Array.isArray(((await response.json()) as { keys: unknown }).keys), true)
    const made = gate.protect(() => new Response('made'), { cors: { origins: ['https://app.example'] } })
    const strange = await made(request({ authorization: `Bearer ${victim}`, origin: 'https://evil.example' }))
    same(strange.headers.get('access-control-allow-origin'), null)
    same(strange.headers.get('vary'), 'Origin')
    same(await strange.text(), 'made')
  })
  await test('explain ends with every check passed', async () => {
    const checks = await gate.explain(victim)
    same(checks.length > 5, true)
    same(
      checks
        .filter((check) => check.outcome !== 'passed')
        .map((check) => check.check)
        .join(),
      '',
    )
  })
  await test('explain names the check that a token fails, and why', async () => {
    const forged = cases.filter(({ expect }) => expect === 'bad_signature')
    same(forged.length > 0, true)
    for (const { token } of forged) {
      const failed = (await gate.explain(token)).filter((check) => check.outcome === 'failed')
      same(failed.map(({ check, reason }) => `${check} ${reason ?? ''}`).join(), 'signature bad_signature')
    }
  })
  await test('twenty concurrent requests all get a response', async () => {
    const verdicts = await Promise.all(Array.from({ length: 20 }, () => gate.check(victim)))
    same(
      verdicts.every((verdict) => verdict.ok),
      true,
    )
  })
  await test('garbage pushed as a feed is refused and changes nothing', async () => {
    const response = await gate.receiveFeed(
      new Request('https://edge.example/feed', { method: 'POST', body: new Uint8Array(300).fill(7) }),
    )
    same(response.status, 400)
    same(outcome(gate.checkSync(victim)), 'accepted')
  })
  await test('a long push without a secret is only a hint to pull', async () => {
    const response = await gate.receiveFeed(
      new Request('https://edge.example/feed', { method: 'POST', body: new Uint8Array(4 * 1024 * 1024).fill(7) }),
    )
    same(response.status, 200)
    same(await response.text(), '{"received":true}')
    same(outcome(gate.checkSync(victim)), 'accepted')
  })
  await test('a revoked token is refused after the next refresh', async () => {
    const answer = await fetch(scenario.revokeUrl, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ token: victim }),
    })
    same(answer.status, 200)
    await gate.refresh()
    same(outcome(await gate.check(victim)), 'token_revoked')
    same(outcome(gate.checkSync(victim)), 'token_revoked')
  })
  await test('a second gate learns the revocation from the manifest', async () => {
    const late = library.createGate({ realms: [realm], onReport: () => undefined })
    same(outcome(await late.check(victim)), 'token_revoked')
    late.close()
  })
  await test('a new env for each request is served by one gate', async () => {
    let fetches = 0
    const counting: typeof fetch = (input, init) => {
      fetches += 1
      return fetch(input, init)
    }
    const patient = { refreshAfterSeconds: 3600, waitAfterSeconds: 3600, maxStaleSeconds: 3600 }
    const byEnv = library.createGate((env: { audience: string }) => ({
      realms: [{ ...realm, audience: env.audience }],
      ...patient,
      fetch: counting,
      onReport: () => void env,
    }))
    for (let i = 0; i < 1000; i += 1)
      same((await byEnv.check(victim, { env: { audience: 'api' }, scope: [] })).ok, false)
    same(fetches < 10, true)
    same(outcome(await byEnv.check(victim, { env: { audience: 'api' } })), 'token_revoked')
    byEnv.close()
  })
  gate.close()
  return results
}

function outcome(verdict: { ok: true } | { ok: false; reason: string }): string {
  return verdict.ok ? 'accepted' : verdict.reason
}

function request(headers: Record<string, string>): Request {
  return new Request('https://edge.example/', { headers })
}

function same(actual: unknown, expected: unknown): void {
  if (!Object.is(actual, expected)) throw new Error(`expected ${String(expected)}, got ${String(actual)}`)
}
