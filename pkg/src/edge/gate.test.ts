import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { createGate } from '../entry/edge/node.ts'
import { silent } from '../test-fixtures/server.ts'
import type { Gate, GateOptions, Verdict } from '../types.ts'
import { clock, makeKey, TestRealm } from './testing/realm.ts'

function outcome(verdict: Verdict): string {
  return verdict.ok ? 'accepted' : verdict.reason
}

test('does no I/O before its first use, and is not a thenable', async (t) => {
  const realm = await TestRealm.start(t)
  const gate = createGate(realm.options({}, { jwks: `${realm.server.url}/certs` }))
  t.after(() => gate.close())
  const awaited: Gate = await gate
  assert.equal(awaited, gate)
  await pause(30)
  assert.deepEqual(realm.server.hits, [])
  assert.equal(outcome(await gate.check(await realm.token())), 'accepted')
})

test('an accepted token has its claims and header, unchanged', async (t) => {
  const realm = await TestRealm.start(t)
  const gate = createGate(realm.options())
  t.after(() => gate.close())
  realm.record({ kind: 'token', tokenId: 'somebody-else', expiresAt: clock() + 600 })
  const verdict = await gate.check<{ sub: string; name: string }>(
    await realm.token({ name: 'Zoë – 日本', deep: { a: [1, null] } }),
  )
  assert.ok(verdict.ok)
  assert.equal(verdict.claims.name, 'Zoë – 日本')
  assert.deepEqual(verdict.claims['deep' as 'name'], { a: [1, null] })
  assert.equal(Object.getPrototypeOf(verdict.claims), Object.prototype)
  assert.deepEqual(verdict.header, { alg: 'ES256', kid: 'first', typ: 'JWT' })
  assert.equal(verdict.realm, 'acme')
  assert.equal(verdict.sequence, realm.ledger.head().sequence)
})

test('a malformed token is refused, never thrown', async (t) => {
  const realm = await TestRealm.start(t)
  const gate = createGate(realm.options())
  t.after(() => gate.close())
  const given: [unknown, string][] = [
    [undefined, 'missing_token'],
    [null, 'missing_token'],
    ['', 'missing_token'],
    [7, 'malformed'],
    [{}, 'malformed'],
    [[], 'malformed'],
    ['a', 'malformed'],
    ['..', 'malformed'],
    ['a.b.c', 'malformed'],
    ['\u0000', 'malformed'],
    ['ß.ß.ß', 'malformed'],
    ['x'.repeat(100_000), 'malformed'],
    ['\ud800.\ud800.\ud800', 'malformed'],
  ]
  for (const [token, reason] of given) {
    assert.deepEqual(await gate.check(token as string), { ok: false, reason, status: 401 })
    assert.deepEqual(gate.checkSync(token as string), { ok: false, reason, status: 401 })
  }
  assert.deepEqual(realm.server.hits, [])
})

test('a token that no fetch could make acceptable causes no fetch', async (t) => {
  const realm = await TestRealm.start(t)
  const gate = createGate(realm.options())
  t.after(() => gate.close())
  const stranger = await makeKey('first')
  const bad: [string, string][] = [
    [await realm.token({ iss: 'https://other.example' }), 'wrong_issuer'],
    [await realm.token({}, stranger), 'bad_signature'],
    [await realm.token({ aud: 'other' }), 'wrong_audience'],
    [await realm.token({ iat: clock() - 1000, exp: clock() - 500 }), 'expired'],
  ]
  for (let i = 0; i < 50; i++) for (const [token, reason] of bad) assert.equal(outcome(await gate.check(token)), reason)
  assert.deepEqual(realm.server.hits, [])
})

test('concurrent first requests share one load', async (t) => {
  const realm = await TestRealm.start(t)
  const gate = createGate(realm.options({}, { jwks: new URL(`${realm.server.url}/certs`) }))
  t.after(() => gate.close())
  const token = await realm.token()
  const verdicts = await Promise.all(Array.from({ length: 200 }, () => gate.check(token)))
  assert.ok(verdicts.every((verdict) => verdict.ok))
  assert.equal(realm.server.count('/manifest'), 1)
  assert.equal(realm.server.count('/certs'), 1)
})

test('without a feed every token is refused, after the timeout of the first load', async (t) => {
  const realm = await TestRealm.start(t)
  realm.instead.set('manifest', silent())
  const gate = createGate(realm.options({ firstLoadTimeoutMs: 100 }))
  t.after(() => gate.close())
  const startedAt = Date.now()
  assert.deepEqual(await gate.check(await realm.token()), { ok: false, reason: 'no_feed', status: 503 })
  const took = Date.now() - startedAt
  assert.ok(took >= 90 && took < 4000, `${took} ms`)
})

test('a revocation is pulled in the background of a request and enforced afterwards', async (t) => {
  const realm = await TestRealm.start(t)
  const gate = createGate(realm.options({ refreshAfterSeconds: 0 }))
  t.after(() => gate.close())
  const token = await realm.token({ jti: 'victim' })
  assert.equal(outcome(await gate.check(token)), 'accepted')
  realm.record({ kind: 'token', tokenId: 'victim', expiresAt: clock() + 600 })
  const deadline = Date.now() + 4000
  const behind: Promise<unknown>[] = []
  while (outcome(await gate.check(token, { waitUntil: (promise) => behind.push(promise) })) === 'accepted') {
    assert.ok(Date.now() < deadline, 'never enforced')
    await pause(20)
  }
  assert.equal(outcome(gate.checkSync(token)), 'token_revoked')
  await Promise.all(behind)
  assert.ok(behind.length > 0)
})

test('state older than waitAfterSeconds is refreshed before the verdict', async (t) => {
  const realm = await TestRealm.start(t)
  realm.statedSecondsAgo = 20
  const gate = createGate(realm.options())
  t.after(() => gate.close())
  const token = await realm.token({ sub: 'bob' })
  assert.equal(outcome(await gate.check(token)), 'accepted')
  realm.statedSecondsAgo = 0
  realm.record({ kind: 'user', subject: 'bob' })
  await pause(300)
  assert.equal(outcome(await gate.check(token)), 'user_revoked')
})

test('a request waits for a refresh no longer than the timeout and then uses the current state', async (t) => {
  const realm = await TestRealm.start(t)
  realm.statedSecondsAgo = 20
  const gate = createGate(realm.options({ refreshTimeoutMs: 100 }))
  t.after(() => gate.close())
  const token = await realm.token()
  assert.equal(outcome(await gate.check(token)), 'accepted')
  realm.instead.set('deltas', silent())
  await pause(300)
  const startedAt = Date.now()
  assert.equal(outcome(await gate.check(token)), 'accepted')
  const took = Date.now() - startedAt
  assert.ok(took >= 90 && took < 4000, `${took} ms`)
})

test('stale state refuses or, with whenStale accept, accepts for a bounded time', async (t) => {
  const realm = await TestRealm.start(t)
  const token = await realm.token()
  const ages: [number, Partial<GateOptions>, string][] = [
    [50, {}, 'accepted'],
    [100, {}, 'stale_feed'],
    [100, { whenStale: 'accept' }, 'accepted'],
    [200, { whenStale: 'accept', maxAcceptStaleSeconds: 150 }, 'stale_feed'],
  ]
  for (const [age, options, expected] of ages) {
    realm.statedSecondsAgo = age
    const gate = createGate(realm.options(options))
    t.after(() => gate.close())
    const verdict = await gate.check(token)
    assert.equal(outcome(verdict), expected, `${age} s`)
    if (!verdict.ok) assert.equal(verdict.status, 503)
    realm.statedSecondsAgo = 0
    assert.equal(outcome(await gate.check(token)), 'accepted')
  }
})

test('a login may be too old if not-befores are compared with auth_time', async (t) => {
  const realm = await TestRealm.start(t, 'acme', { compare: 'authTime' })
  const gate = createGate(realm.options({ maxLifetimeSeconds: 700, maxSessionSeconds: 1000 }, { compare: 'authTime' }))
  t.after(() => gate.close())
  assert.equal(outcome(await gate.check(await realm.token({ auth_time: clock() - 900 }))), 'accepted')
  assert.equal(outcome(await gate.check(await realm.token({ auth_time: clock() - 1100 }))), 'lifetime_exceeded')
  realm.record({ kind: 'user', subject: 'bob', notBefore: clock() - 500 })
  await gate.refresh()
  assert.equal(outcome(await gate.check(await realm.token({ sub: 'bob', auth_time: clock() - 900 }))), 'user_revoked')
  assert.equal(outcome(await gate.check(await realm.token({ sub: 'bob', auth_time: clock() - 400 }))), 'accepted')
})

test('a token that is ahead of the state causes a refresh before it is accepted', async (t) => {
  const realm = await TestRealm.start(t)
  const gate = createGate(realm.options({ refreshAfterSeconds: 1000, waitAfterSeconds: 1000 }))
  t.after(() => gate.close())
  const old = await realm.token({ sub: 'bob' })
  assert.equal(outcome(await gate.check(old)), 'accepted')
  realm.record({ kind: 'user', subject: 'bob' })
  assert.equal(outcome(await gate.check(old)), 'accepted')
  const verdict = await gate.check(await realm.token({ rsq: realm.ledger.head().sequence }))
  assert.ok(verdict.ok)
  assert.equal(verdict.sequence, realm.ledger.head().sequence)
  assert.equal(outcome(gate.checkSync(old)), 'user_revoked')
})

test('a token that is ahead of the feed causes a fetch a second, and is reported', async (t) => {
  const realm = await TestRealm.start(t)
  const gate = createGate(realm.options({ refreshAfterSeconds: 1000, waitAfterSeconds: 1000 }))
  t.after(() => gate.close())
  const ahead = await realm.token({ rsq: 1_000_000 })
  const startedAt = Date.now()
  for (let i = 0; i < 100; i++) assert.equal(outcome(await gate.check(ahead)), 'accepted')
  assert.ok(realm.server.count('/deltas') <= 1 + Math.ceil((Date.now() - startedAt) / 1000))
  assert.equal(realm.reports[0]?.error.detail, 'behind_token')
})

test('options may come from env: one gate for each env, and one for equal options', async (t) => {
  const realm = await TestRealm.start(t)
  let asked = 0
  const onReport = () => undefined
  const gate = createGate((env: { audience: string }) => {
    asked += 1
    return { ...realm.options({ onReport }, { audience: env.audience }) }
  })
  t.after(() => gate.close())
  const token = await realm.token()
  const env = { audience: 'api' }
  assert.equal(outcome(await gate.check(token, { env })), 'accepted')
  assert.equal(outcome(await gate.check(token, { env })), 'accepted')
  assert.equal(asked, 1)
  assert.equal(outcome(await gate.check(token, { env: { ...env } })), 'accepted')
  assert.equal(realm.server.count('/manifest'), 1)
  assert.equal(outcome(await gate.check(token, { env: { audience: 'other' } })), 'wrong_audience')
  assert.equal(outcome(await gate.check(token, { env })), 'accepted')
})

test('invalid options throw immediately, or at first use if they come from env', async (t) => {
  const realm = await TestRealm.start(t)
  const good = realm.options()
  const wrong: [object, RegExp][] = [
    [{ realms: [] }, /realms/],
    [{ ...good, maxStale: 3 }, /unknown option 'maxStale'; did you mean 'maxStaleSeconds'/],
    [{ ...good, realms: [realm.realmOptions(), realm.realmOptions()] }, /realms\[1\]\.name is the same/],
    [{ ...good, realms: [realm.realmOptions({ audience: [] })] }, /audience/],
    [{ ...good, realms: [realm.realmOptions({ jwks: { keys: [{ kty: 'EC', d: 'private' }] } })] }, /jwks/],
    [{ ...good, realms: [realm.realmOptions({ feed: { url: realm.feedUrl, keys: [] } })] }, /feed\.keys/],
    [
      { ...good, realms: [realm.realmOptions({ feed: { url: realm.feedUrl, keys: [{ ...realm.feedKey, d: 'x' }] } })] },
      /feed\.keys\[0\]/,
    ],
    [
      {
        ...good,
        realms: [realm.realmOptions({ feed: { url: 'http://far.example/', keys: [realm.feedKey], credential: 'c' } })],
      },
      /credential would be sent without TLS/,
    ],
  ]
  for (const [options, message] of wrong) {
    assert.throws(() => createGate(options as GateOptions), { code: 'invalid_option', message })
    await assert.rejects(createGate(() => options as GateOptions).check('a.b.c'), { code: 'invalid_option', message })
  }
})

test('a kid of a megabyte is refused like any other malformed token, under any limit', async (t) => {
  const realm = await TestRealm.start(t)
  const ask = async (kid: string, more = {}) => {
    const gate = createGate(realm.options(more, { jwks: `${realm.server.url}/certs` }))
    t.after(() => gate.close())
    const { privateKey, jwk } = await makeKey('stranger')
    const token = await realm.token({}, { kid, privateKey, jwk })
    const startedAt = Date.now()
    const verdict = await gate.authenticate(
      new Request('https://edge.example/', { headers: { authorization: `Bearer ${token}` } }),
    )
    assert.ok(Date.now() - startedAt < 5000)
    return outcome(verdict)
  }
  assert.equal(await ask('k'.repeat(1 << 20)), 'malformed')
  assert.equal(realm.server.hits.length, 0)
  // The maximum bound: the kid is read, and looked up once without a result.
  assert.equal(await ask('k'.repeat(700_000), { maxTokenBytes: 1 << 20 }), 'unknown_key')
})

test('a misspelled scope option grants no access', async (t) => {
  const realm = await TestRealm.start(t)
  const gate = createGate(realm.options())
  t.after(() => gate.close())
  const request = new Request('https://edge.example/', { headers: { authorization: `Bearer ${await realm.token()}` } })
  for (const options of [{ scopes: ['admin'] }, { scope: 'admin' }, { scope: ['a b'] }]) {
    await assert.rejects(gate.authenticate(request, options as object), { code: 'invalid_option', message: /scope/ })
  }
})

test('a closed gate throws closed, also to waiting requests', async (t) => {
  const realm = await TestRealm.start(t)
  realm.instead.set('manifest', silent())
  const gate = createGate(realm.options())
  const waiting = gate.check(await realm.token())
  await pause(30)
  gate.close()
  gate.close()
  await assert.rejects(waiting, { code: 'closed' })
  await assert.rejects(gate.check('a.b.c'), { code: 'closed' })
  assert.throws(() => gate.status(), { code: 'closed' })
  await pause(100)
  assert.deepEqual(realm.reports, [])
})

test('keys in the feed need no other fetch, and rotate with it', async (t) => {
  const realm = await TestRealm.start(t)
  realm.record({ kind: 'keys', jwks: JSON.stringify(realm.jwks) })
  const { jwks: _, ...withoutKeys } = realm.realmOptions()
  const gate = createGate({ ...realm.options(), realms: [withoutKeys] })
  t.after(() => gate.close())
  assert.equal(outcome(await gate.check(await realm.token())), 'accepted')
  const key = await realm.rotate('second')
  realm.record({ kind: 'keys', jwks: JSON.stringify(realm.jwks) })
  assert.equal(outcome(await gate.check(await realm.token({}, key))), 'accepted')
  assert.equal(realm.server.count('/certs'), 0)
})

test('status reports the state, and explain reports why a token is refused', async (t) => {
  const realm = await TestRealm.start(t)
  const gate = createGate(realm.options())
  t.after(() => gate.close())
  assert.deepEqual(
    gate.status().map(({ realm, loaded, ageSeconds, keys }) => ({ realm, loaded, ageSeconds, keys })),
    [{ realm: 'acme', loaded: false, ageSeconds: undefined, keys: true }],
  )
  realm.record({ kind: 'user', subject: 'bob' })
  await gate.refresh()
  const [status] = gate.status()
  assert.ok(status?.loaded && status.sequence === realm.ledger.head().sequence && status.epochs === 1)
  const checks = await gate.explain(await realm.token({ sub: 'bob' }))
  assert.equal(checks.find((check) => check.outcome === 'failed')?.reason, 'user_revoked')
  await assert.rejects(gate.refresh('nowhere'), { code: 'unknown_realm' })
})

test('a clock that goes back is reported once and makes no expired token valid', async (t) => {
  const realm = await TestRealm.start(t)
  const gate = createGate(realm.options({ refreshAfterSeconds: 1000, waitAfterSeconds: 1000 }))
  t.after(() => gate.close())
  await gate.refresh()
  const token = await realm.token({ exp: clock() + 100 })
  const start = Date.now()
  t.mock.timers.enable({ apis: ['Date'], now: start + 200_000 })
  assert.equal(outcome(gate.checkSync(token)), 'expired')
  t.mock.timers.setTime(start)
  for (let i = 0; i < 5; i++) assert.equal(outcome(gate.checkSync(token)), 'expired')
  assert.deepEqual(
    realm.reports.map(({ kind, error }) => [kind, error.detail]),
    [['clock', 'clock_went_back']],
  )
})
