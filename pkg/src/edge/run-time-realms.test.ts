// Realms by a function of the issuer: when it is called, which realms are kept, and what hostile tokens and tenants can
// do.

import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { createGate } from '../entry/edge/node.ts'
import type { Gate, RealmOptions, RunTimeGateOptions, Verdict } from '../types.ts'
import { wasmModule } from './core/module.ts'
import { MAX_UNVERIFIED, MAX_VERIFIED } from './issuers/places.ts'
import { makeKey } from './testing/realm.ts'
import { Tenants } from './testing/tenants.ts'

function outcome(verdict: Verdict): string {
  return verdict.ok ? `accepted by ${verdict.realm}` : verdict.reason
}

interface Scene {
  tenants: Tenants
  gate: Gate
  /** The outcome for a new token of the tenant. */
  check(tenant: string): Promise<string>
}

async function opened(t: TestContext, more: Partial<RunTimeGateOptions> = {}): Promise<Scene> {
  const tenants = await Tenants.start(t)
  const gate = createGate(tenants.options(more))
  t.after(() => gate.close())
  return { tenants, gate, check: async (tenant) => outcome(await gate.check(await tenants.token(tenant))) }
}

test('the function is called once for each issuer, and its realm is judged like any other', async (t) => {
  const { tenants, gate } = await opened(t)
  assert.deepEqual(gate.status(), [])
  const tokens = await Promise.all(['a', 'b', 'a', 'b', 'a'].map((tenant) => tenants.token(tenant)))
  for (const token of tokens) assert.match(outcome(await gate.check(token)), /^accepted by [ab]$/)
  assert.deepEqual(tenants.asked, [tenants.issuer('a'), tenants.issuer('b')])
  assert.deepEqual(
    gate.status().map(({ realm, loaded }) => [realm, loaded]),
    [
      ['a', true],
      ['b', true],
    ],
  )
  // Revocations, scopes and keys are those of its own realm.
  tenants.record('a', { kind: 'user', subject: 'alice' })
  await gate.refresh('a')
  assert.equal(outcome(await gate.check(tokens[0] ?? '')), 'user_revoked')
  assert.equal(outcome(await gate.check(tokens[1] ?? '')), 'accepted by b')
  assert.equal(outcome(await gate.check(await tenants.token('b', {}, await makeKey('shared')))), 'bad_signature')
  assert.equal(
    outcome(await gate.check(await tenants.token('b', { scope: 'read' }), { scope: ['write'] })),
    'insufficient_scope',
  )
})

test('many concurrent first requests of a tenant make one call', async (t) => {
  const { tenants, gate } = await opened(t)
  const tokens = await Promise.all(Array.from({ length: 50 }, () => tenants.token('a')))
  const verdicts = await Promise.all(tokens.map((token) => gate.check(token)))
  assert.ok(verdicts.every(({ ok }) => ok))
  assert.equal(tenants.asked.length, 1)
})

test('the function is never called for an issuer that matches no pattern', async (t) => {
  const { tenants, gate } = await opened(t)
  const base = tenants.issuer('a')
  const strange = [
    `${base}/`,
    `${base}/b`,
    `${base}?x`,
    `${base}%2f`,
    tenants.issuer('..'),
    tenants.issuer(''),
    'https://evil.example/t/a',
    `${base}\u0000`,
    'a'.repeat(5000),
    7,
    null,
    ['a'],
    { a: base },
  ]
  for (const iss of strange)
    assert.equal(outcome(await gate.check(await tenants.token('a', { iss }))), 'wrong_issuer', String(iss).slice(0, 80))
  const [header, , signature] = (await tenants.token('a')).split('.')
  const twice = Buffer.from(`{"iss":"${base}","iss":"${base}"}`).toString('base64url')
  assert.equal(outcome(await gate.check(`${header}.${twice}.${signature}`)), 'malformed')
  assert.deepEqual(tenants.asked, [])
})

test('an unknown issuer is refused, and the function is not called again for a while', async (t) => {
  const { tenants, check } = await opened(t)
  for (let times = 0; times < 5; times += 1) assert.equal(await check('forged'), 'wrong_issuer')
  assert.equal(tenants.asked.length, 1)
})

test('a function that fails or returns no realm of the issuer: the token is refused, and the report has none of its text', async (t) => {
  const cases: Record<string, [answer: (tenants: Tenants, tenant: string) => unknown, reason: string, detail: string]> =
    {
      throws: [
        () => {
          throw new Error('no database')
        },
        'keys_unavailable',
        'threw',
      ],
      rejects: [() => Promise.reject(new Error('no database')), 'keys_unavailable', 'threw'],
      hangs: [() => new Promise(() => undefined), 'keys_unavailable', 'timed_out'],
      other: [(tenants) => tenants.realm('another'), 'wrong_issuer', 'another_issuer'],
      slash: [
        (tenants, tenant) => ({ ...tenants.realm(tenant), issuer: `${tenants.issuer(tenant)}/` }),
        'wrong_issuer',
        'another_issuer',
      ],
      names: [
        (tenants, tenant) => ({ ...tenants.realm(tenant), issuer: [tenants.issuer(tenant), tenants.issuer('taken')] }),
        'wrong_issuer',
        'another_issuer',
      ],
      claim: [
        (tenants, tenant) => ({ ...tenants.realm(tenant), issuerClaim: 'realm' }),
        'wrong_issuer',
        'another_issuer',
      ],
      double: [(tenants, tenant) => ({ ...tenants.realm(tenant), name: 'taken' }), 'wrong_issuer', 'name_taken'],
      unknown: [(tenants, tenant) => ({ ...tenants.realm(tenant), audiences: 'api' }), 'wrong_issuer', 'bad_options'],
      plain: [
        (tenants, tenant) => ({ ...tenants.realm(tenant), jwks: 'http://issuer.example/certs' }),
        'wrong_issuer',
        'bad_options',
      ],
      secret: [
        (tenants, tenant) => ({
          ...tenants.realm(tenant),
          feed: { url: 'http://origin.example', keys: [tenants.feedKey], credential: 'top-secret' },
        }),
        'wrong_issuer',
        'bad_options',
      ],
      keys: [
        (tenants, tenant) => ({ ...tenants.realm(tenant), jwks: { keys: [{ kty: 'oct', k: 'c2VjcmV0' }] } }),
        'wrong_issuer',
        'bad_options',
      ],
      text: [() => 'realm', 'wrong_issuer', 'bad_options'],
      nothing: [() => null, 'wrong_issuer', ''],
    }
  await Promise.all(
    Object.entries(cases).map(async ([tenant, [answer, reason, detail]]) => {
      const { tenants, gate, check } = await opened(t)
      assert.equal(await check('taken'), 'accepted by taken')
      tenants.instead.set(tenant, () => answer(tenants, tenant))
      assert.equal(await check(tenant), reason, tenant)
      assert.equal(tenants.asked.length, 2)
      const reported = tenants.reports.map(({ kind, realm, error }) => `${kind} ${realm} ${error.code} ${error.detail}`)
      assert.deepEqual(reported, detail === '' ? [] : [`options * realms_failed ${detail}`], tenant)
      const secrets = [tenants.server.url, 'top-secret']
      for (const { error } of tenants.reports)
        assert.ok(!secrets.some((secret) => error.message.includes(secret)), error.message)
      assert.deepEqual(
        gate.status().map(({ realm }) => realm),
        ['taken'],
      )
      assert.equal(await check('taken'), 'accepted by taken')
    }),
  )
})

test('checkSync does not call the function, and its advice names check', async (t) => {
  const { tenants, gate } = await opened(t)
  const token = await tenants.token('a')
  const refused = gate.checkSync(token)
  assert.ok(!refused.ok)
  assert.deepEqual([refused.reason, refused.status], ['keys_unavailable', 503])
  assert.match(refused.advice ?? '', /use check/)
  assert.deepEqual(tenants.asked, [])
  assert.ok((await gate.check(token)).ok)
  assert.equal(outcome(gate.checkSync(token)), 'accepted by a')
  assert.equal(outcome(gate.checkSync(await tenants.token('a', { iss: 'https://evil.example' }))), 'wrong_issuer')
})

test('explain says why a realm is not loaded', async (t) => {
  const { tenants, gate } = await opened(t)
  const explained = async (token: string) => (await gate.explain(token)).find(({ check }) => check === 'realm')
  assert.equal((await explained(await tenants.token('a')))?.outcome, 'passed')
  const stranger = await explained(await tenants.token('a', { iss: 'https://evil.example' }))
  assert.deepEqual(
    [stranger?.reason, stranger?.detail],
    ['wrong_issuer', 'options.issuers has no name or pattern for this issuer'],
  )
  const unknown = await explained(await tenants.token('forged'))
  assert.equal(unknown?.reason, 'wrong_issuer')
  assert.match(unknown.detail ?? '', /returned no realm/)
  tenants.instead.set('failing', () => {
    throw new Error('no database')
  })
  const failing = await explained(await tenants.token('failing'))
  assert.equal(failing?.reason, 'keys_unavailable')
  assert.match(failing.detail ?? '', /not loaded/)
})

test('a flood of forged issuers leaves loaded realms alone and causes one call a second', async (t) => {
  const { tenants, gate, check } = await opened(t)
  for (const tenant of ['a', 'b', 'c']) assert.equal(await check(tenant), `accepted by ${tenant}`)
  const calls = tenants.asked.length
  const startedAtMs = Date.now()
  const template = (await tenants.token('forged')).split('.')
  const forged = (number: number): string => {
    const claims = JSON.stringify({ iss: tenants.issuer(`forged-${number}`) })
    return [template[0], Buffer.from(claims).toString('base64url'), template[2]].join('.')
  }
  const pending: Promise<Verdict>[] = []
  let accepted = 0
  let number = 0
  while (Date.now() - startedAtMs < 3000) {
    for (let each = 0; each < 100; each += 1) pending.push(gate.check(forged((number += 1))))
    assert.match(await check('abc'[number % 3] ?? 'a'), /^accepted/)
    accepted += 1
    await pause(10)
  }
  const reasons = new Set((await Promise.all(pending)).map(outcome))
  const seconds = (Date.now() - startedAtMs) / 1000
  assert.deepEqual([...reasons].sort(), ['keys_unavailable', 'wrong_issuer'])
  assert.ok(tenants.asked.length - calls <= seconds + 1, `${tenants.asked.length - calls} calls in ${seconds} s`)
  assert.ok(accepted > 10 && number > 1000, `${accepted} accepted, ${number} forged`)
  assert.equal(gate.status().length, 3)
})

test('realms whose keys never arrive take sixteen places, and are evicted for others', async (t) => {
  const { tenants, gate, check } = await opened(t, {
    firstLoadTimeoutMs: 200,
    jwksTimeoutMs: 200,
    refreshTimeoutMs: 200,
  })
  assert.equal(await check('good'), 'accepted by good')
  for (let number = 0; number < 18; number += 1) {
    const tenant = `slow-${number}`
    tenants.withoutKeys.add(tenant)
    const endMs = Date.now() + 10_000
    while (!tenants.asked.includes(tenants.issuer(tenant)) && Date.now() < endMs)
      assert.equal(await check(tenant), 'keys_unavailable')
  }
  assert.equal(gate.status().length, 1 + MAX_UNVERIFIED)
  assert.equal(await check('good'), 'accepted by good')
  // An unknown issuer takes one of these places and frees it: the other realms are not evicted for it.
  const endMs = Date.now() + 10_000
  while ((await check('forged')) !== 'wrong_issuer' && Date.now() < endMs) await pause(10)
  const statuses = gate.status()
  assert.equal(statuses.length, MAX_UNVERIFIED)
  for (const { realm, policy } of statuses) {
    const alone = createGate({ realms: [tenants.realm(realm)] })
    assert.equal(policy, alone.status()[0]?.policy, realm)
    alone.close()
  }
})

test('an evicted realm: its cached tokens are not judged by the realm in its place, and its position is remembered', async (t) => {
  const { tenants, gate } = await opened(t)
  tenants.record('first', { kind: 'user', subject: 'bob' })
  tenants.record('first', { kind: 'user', subject: 'alice', notBefore: 1 })
  const first = await tenants.token('first')
  // Verified twice: cached in the core and outside it.
  const second = await tenants.token('second')
  for (let times = 0; times < 3; times += 1) {
    assert.equal(outcome(await gate.check(first)), 'accepted by first')
    assert.equal(outcome(await gate.check(second)), 'accepted by second')
  }
  await pause(5)
  // All have the same key, so a token's signature alone does not identify its realm.
  for (let number = 0; number < MAX_VERIFIED; number += 1) {
    assert.equal(outcome(await gate.check(await tenants.token(`t${number}`))), `accepted by t${number}`)
  }
  assert.equal(gate.status().length, MAX_VERIFIED)
  assert.equal(
    gate.status().some(({ realm }) => realm === 'first'),
    false,
  )
  const calls = tenants.asked.length
  assert.equal(outcome(gate.checkSync(first)), 'keys_unavailable')
  // Its origin has lost the ledger: the state is older than the one that the gate has seen.
  tenants.lose('first')
  assert.equal(outcome(await gate.check(first)), 'no_feed')
  assert.ok(
    tenants.reports.some(({ kind, realm }) => kind === 'feed' && realm === 'first'),
    'the older state is reported',
  )
  tenants.record('first', { kind: 'user', subject: 'bob' })
  assert.equal(tenants.asked.length, calls + 1)
  // The other realm returns with another index in the core: the first has its former one.
  assert.equal(outcome(await gate.check(second)), 'accepted by second')
  assert.equal(outcome(await gate.check(second)), 'accepted by second')
  // A tenant that is no longer known.
  tenants.instead.set('t0', () => undefined)
  const gone = await tenants.token('t0')
  assert.equal(
    outcome(await gate.check(gone)),
    gate.status().some(({ realm }) => realm === 't0') ? 'accepted by t0' : 'wrong_issuer',
  )
})

test('an explicit refresh does not count against requests that wait for a realm', async (t) => {
  const { tenants, gate } = await opened(t, { firstLoadTimeoutMs: 1000, jwksTimeoutMs: 1000, refreshTimeoutMs: 200 })
  tenants.withoutKeys.add('slow')
  const token = await tenants.token('slow')
  // As many as may wait at once.
  const waiting = () => Array.from({ length: 64 }, () => gate.check(token))
  const first = waiting()
  while (gate.status().length === 0) await pause(5)
  await gate.refresh('slow').catch(() => undefined)
  await Promise.all(first)
  // After a failure, keys are not fetched for a second.
  await pause(1100)
  const second = waiting()
  const beyond = await Promise.race([gate.check(token), pause(500)])
  assert.equal(beyond !== undefined && outcome(beyond), 'keys_unavailable', 'one more is refused at once')
  await Promise.all(second)
})

test('after a failure of the core the realms are still loaded, their states are fetched again, and the function is not called', async (t) => {
  const { tenants, gate, check } = await opened(t)
  for (const tenant of ['a', 'b']) assert.equal(await check(tenant), `accepted by ${tenant}`)
  tenants.record('a', { kind: 'user', subject: 'alice' })
  const hits = tenants.server.count('/manifest')
  wasmModule.discard(wasmModule.generation)
  assert.equal(await check('a'), 'user_revoked')
  assert.equal(await check('b'), 'accepted by b')
  assert.equal(tenants.server.count('/manifest'), hits + 2)
  assert.equal(tenants.asked.length, 2)
  assert.deepEqual(
    gate.status().map(({ realm }) => realm),
    ['a', 'b'],
  )
})

test('a stream opens once a token has verified', async (t) => {
  const { tenants, gate } = await opened(t)
  tenants.instead.set('a', () => ({ ...tenants.realm('a'), feed: { ...tenants.realm('a').feed, mode: 'stream' } }))
  assert.equal(outcome(await gate.check(await tenants.token('a', {}, await makeKey('shared')))), 'bad_signature')
  await pause(100)
  assert.equal(tenants.server.count('/stream'), 0)
  assert.equal(outcome(await gate.check(await tenants.token('a'))), 'accepted by a')
  const endMs = Date.now() + 5000
  while (tenants.server.count('/stream') === 0 && Date.now() < endMs) await pause(10)
  assert.ok(tenants.server.count('/stream') > 0)
})

test('a key set of a tenant is bounded', async (t) => {
  const { tenants, gate } = await opened(t, { firstLoadTimeoutMs: 2000 })
  const certs = { keys: [tenants.key.jwk], padding: 'x'.repeat(70_000) }
  const { listener } = tenants.server
  tenants.server.listener = (request, response) => {
    if (request.url?.endsWith('/certs')) response.end(JSON.stringify(certs))
    else listener(request, response)
  }
  assert.equal(outcome(await gate.check(await tenants.token('a'))), 'keys_unavailable')
  assert.deepEqual(
    tenants.reports.map(({ kind, realm, error }) => `${kind} ${realm} ${error.detail}`),
    ['jwks a too_large'],
  )
})

test('pushes reach loaded realms; one of a realm that is not loaded is refused without a report, and a long one pulls nothing', async (t) => {
  const { tenants, gate, check } = await opened(t)
  assert.equal(await check('a'), 'accepted by a')
  tenants.record('a', { kind: 'user', subject: 'alice' })
  const push = (body: Uint8Array<ArrayBuffer>) =>
    gate.receiveFeed(new Request('http://edge.example/feed', { method: 'POST', body }))
  assert.equal((await push(tenants.statement('a', 'deltas'))).status, 200)
  assert.equal(await check('a'), 'user_revoked')
  assert.equal((await push(tenants.statement('b', 'manifest'))).status, 400)
  const hits = tenants.server.hits.length
  assert.equal((await push(new Uint8Array(70_000))).status, 200)
  await pause(50)
  assert.equal(tenants.server.hits.length, hits)
  assert.deepEqual(tenants.reports, [])
})

test('options made for each env share the gate while the function is the same', async (t) => {
  const tenants = await Tenants.start(t)
  const realms = tenants.resolver()
  const one = createGate((_: object) => tenants.options({ realms }))
  t.after(() => one.close())
  for (let times = 0; times < 5; times += 1) assert.ok((await one.check(await tenants.token('a'), { env: {} })).ok)
  assert.equal(tenants.asked.length, 1)
  const each = createGate((_: object) => tenants.options())
  t.after(() => each.close())
  for (let times = 0; times < 3; times += 1) assert.ok((await each.check(await tenants.token('a'), { env: {} })).ok)
  assert.equal(tenants.asked.length, 4)
  assert.deepEqual(
    tenants.reports.map(({ kind, error }) => `${kind} ${error.detail}`),
    ['options realms_differ'],
  )
  // Two functions make two gates, even if all other options are equal.
  const [some, none] = [{ knows: true }, { knows: false }]
  const split = createGate((env: typeof some) => tenants.options({ realms: env.knows ? realms : () => undefined }))
  t.after(() => split.close())
  const token = await tenants.token('b')
  assert.equal(outcome(await split.check(token, { env: some })), 'accepted by b')
  assert.equal(outcome(await split.check(token, { env: none })), 'wrong_issuer')
})

test('options that contradict each other are refused', async (t) => {
  const tenants = await Tenants.start(t)
  const { issuers, ...others } = tenants.options()
  const bad: [options: object, message: RegExp][] = [
    [others, /options.issuers is missing/],
    [{ ...others, issuers: [] }, /options.issuers must be an array of 1 to 1000 members/],
    [{ ...others, issuers: ['https://*.example.com'] }, /options.issuers\[0\]/],
    [{ ...others, issuers, realms: [tenants.realm('a')] }, /options.issuers requires a function/],
    [{ ...others, issuers, realms: 'all' }, /options.realms must be .* or a function/],
    [{ ...others, issuers, realms: [] }, /options.realms must be/],
  ]
  for (const [options, message] of bad)
    assert.throws(() => createGate(options as RunTimeGateOptions), { code: 'invalid_option', message })
})

test('a result is copied, so the object can be reused for the next tenant', async (t) => {
  const tenants = await Tenants.start(t)
  const shared = { ...tenants.realm('a'), audience: ['api'] }
  const realms = (issuer: string): RealmOptions => {
    const { feed, ...realm } = tenants.realm(issuer.slice(tenants.issuer('').length))
    Object.assign(shared.feed, feed)
    shared.audience.splice(0, 1, realm.name === 'a' ? 'api' : 'other')
    return Object.assign(shared, realm, { audience: shared.audience })
  }
  const gate = createGate(tenants.options({ realms }))
  t.after(() => gate.close())
  assert.equal(outcome(await gate.check(await tenants.token('a'))), 'accepted by a')
  assert.equal(outcome(await gate.check(await tenants.token('b', { aud: 'other' }))), 'accepted by b')
  assert.equal(outcome(await gate.check(await tenants.token('b'))), 'wrong_audience')
  // The core is rebuilt with the original options.
  wasmModule.discard(wasmModule.generation)
  assert.equal(outcome(await gate.check(await tenants.token('a'))), 'accepted by a')
})
