// Realms whose revocations are not looked up: `revocation: 'unchecked'`.

import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { createGate } from '../entry/edge/node.ts'
import { CLOCK } from '../timing/clock.ts'
import type { AnyGateOptions, Gate, GateOptions, RealmOptions, UncheckedRealmOptions } from '../types.ts'
import { clock, makeKey, TestRealm } from './testing/realm.ts'

function uncheckedRealm(realm: TestRealm, more: Partial<UncheckedRealmOptions> = {}): UncheckedRealmOptions {
  return { name: realm.name, issuer: realm.issuer, audience: 'api', jwks: realm.jwks, revocation: 'unchecked', ...more }
}

function gateFor(t: TestContext, realm: TestRealm, realms: AnyGateOptions['realms'], more: object = {}): Gate {
  const gate = createGate({ ...realm.options(), realms, ...more } as AnyGateOptions)
  t.after(() => gate.close())
  return gate
}

test('a token is accepted without a feed, and each verdict states that no revocation was looked up', async (t) => {
  const realm = await TestRealm.start(t)
  const gate = gateFor(t, realm, [uncheckedRealm(realm)])
  const token = await realm.token({ rsq: 7 })
  const request = new Request('https://api.example/', { headers: { authorization: `Bearer ${token}` } })
  for (const verdict of [
    await gate.check(token),
    gate.checkSync(token),
    await gate.authenticate(request),
    await gate.check(await realm.token()),
  ]) {
    assert.ok(verdict.ok)
    assert.deepEqual([verdict.unchecked, verdict.sequence, verdict.realm], [true, 0, 'acme'])
    assert.ok(Object.keys(verdict).includes('unchecked'))
  }
  await gate.refresh()
  assert.deepEqual(realm.server.hits, [])
})

test('everything but revocation is checked', async (t) => {
  const realm = await TestRealm.start(t)
  const gate = gateFor(t, realm, [uncheckedRealm(realm)])
  const refused: [string, string][] = [
    [await realm.token({ iss: 'https://other.example' }), 'wrong_issuer'],
    [await realm.token({}, await makeKey('first')), 'bad_signature'],
    [await realm.token({}, await makeKey('strange')), 'unknown_key'],
    [await realm.token({ aud: 'other' }), 'wrong_audience'],
    [await realm.token({ iat: clock() - 1000, exp: clock() - 500 }), 'expired'],
    [await realm.token({ exp: clock() + 100_000 }), 'lifetime_exceeded'],
    [await realm.token({ jti: undefined }), 'missing_claim'],
  ]
  for (const [token, reason] of refused) {
    const verdict = await gate.check(token)
    assert.equal(verdict.ok ? 'accepted' : verdict.reason, reason)
    assert.equal('unchecked' in verdict, false)
  }
})

test('keys at a URL are fetched, and new ones looked up; nothing else is', async (t) => {
  const realm = await TestRealm.start(t)
  const gate = gateFor(t, realm, [uncheckedRealm(realm, { jwks: `${realm.server.url}/certs` })])
  assert.equal((await gate.check(await realm.token())).ok, true)
  const rotated = await realm.rotate('second')
  assert.equal((await gate.check(await realm.token({}, rotated))).ok, true)
  assert.equal(realm.server.count('/certs'), realm.server.hits.length)
})

test('status and explain state it', async (t) => {
  const [realm, other] = [await TestRealm.start(t), await TestRealm.start(t, 'other')]
  const gate = gateFor(t, realm, [uncheckedRealm(realm), other.realmOptions()])
  assert.equal((await gate.check(await other.token())).ok, true)
  const stated = gate.status().map(({ realm, revocation, loaded, keys, ageSeconds, policyAgreement }) => ({
    realm,
    revocation,
    loaded,
    keys,
    known: ageSeconds !== undefined,
    policyAgreement,
  }))
  assert.deepEqual(stated, [
    { realm: 'acme', revocation: 'unchecked', loaded: false, keys: true, known: false, policyAgreement: undefined },
    { realm: 'other', revocation: 'checked', loaded: true, keys: true, known: true, policyAgreement: 'same' },
  ])
  const detailOf = async (token: string): Promise<(string | undefined)[]> =>
    (await gate.explain(token))
      .filter(({ check }) => ['feed', 'revocation', 'freshness'].includes(check))
      .map(({ detail }) => detail)
  assert.deepEqual(
    await detailOf(await realm.token()),
    Array.from({ length: 3 }, () => "not checked: revocation is 'unchecked'"),
  )
  assert.ok((await detailOf(await other.token())).every((detail) => !detail?.startsWith('not checked')))
})

test('is reported at the first use and each hour of use, once for each realm', async (t) => {
  const [realm, other] = [await TestRealm.start(t), await TestRealm.start(t, 'other')]
  let nowMs = Date.now()
  const gate = gateFor(t, realm, [uncheckedRealm(realm), uncheckedRealm(other)], { [CLOCK]: () => nowMs })
  const token = await realm.token({ exp: clock() + 80_000 })
  const told = (): unknown[] => realm.reports.splice(0).map(({ kind, realm, error }) => [kind, realm, error.code])
  assert.deepEqual(told(), [])
  for (let request = 0; request < 5; request += 1) await gate.check(token)
  assert.deepEqual(told(), [
    ['options', 'acme', 'revocation_unchecked'],
    ['options', 'other', 'revocation_unchecked'],
  ])
  nowMs += 3_599_000
  await gate.check(token)
  assert.deepEqual(told(), [])
  nowMs += 2_000
  for (let request = 0; request < 5; request += 1) gate.checkSync(token)
  assert.deepEqual(told(), [['options', 'acme', 'revocation_unchecked']])
})

test('a function may return an unchecked realm, which reports it too', async (t) => {
  const realm = await TestRealm.start(t)
  const gate = gateFor(t, realm, () => uncheckedRealm(realm), { issuers: [realm.issuer] })
  const verdict = await gate.check(await realm.token())
  assert.deepEqual(verdict.ok && [verdict.unchecked, verdict.sequence], [true, 0])
  assert.deepEqual(
    gate.status().map(({ realm, revocation }) => [realm, revocation]),
    [['acme', 'unchecked']],
  )
  assert.deepEqual(
    realm.reports.map(({ error }) => error.code),
    ['revocation_unchecked'],
  )
  assert.deepEqual(realm.server.hits, [])
})

test('statements of the realm are refused, and those of another one are applied', async (t) => {
  const [realm, other] = [await TestRealm.start(t), await TestRealm.start(t, 'other')]
  const gate = gateFor(t, realm, [uncheckedRealm(realm), other.realmOptions()])
  const token = await realm.token()
  realm.record({ kind: 'user', subject: 'alice' })
  assert.throws(() => gate.applyFeed(realm.manifest()), { code: 'feed_refused' })
  const push = (body: Uint8Array<ArrayBuffer>): Promise<Response> =>
    gate.receiveFeed(new Request('https://edge.example/feed', { method: 'POST', body }))
  assert.equal((await push(realm.manifest())).status, 400)
  assert.equal((await push(other.manifest())).status, 200)
  assert.equal((await gate.check(token)).ok, true)
})

test('with a feed instead, the same tokens are accepted until they are revoked', async (t) => {
  const realm = await TestRealm.start(t)
  const { revocation: _, ...tokens } = uncheckedRealm(realm)
  const gate = gateFor(t, realm, [{ ...tokens, feed: { url: realm.feedUrl, keys: [realm.feedKey] } }])
  const token = await realm.token()
  const before = await gate.check(token)
  assert.ok(before.ok && !('unchecked' in before))
  realm.record({ kind: 'user', subject: 'alice' })
  await gate.refresh()
  const after = await gate.check(token)
  assert.equal(after.ok ? 'accepted' : after.reason, 'user_revoked')
})

test('contradictory options are refused, and a missing feed does not imply it', async (t) => {
  const realm = await TestRealm.start(t)
  const { feed } = realm.realmOptions()
  const { jwks: _, ...withoutKeys } = uncheckedRealm(realm)
  const { revocation: __, ...withoutBoth } = uncheckedRealm(realm)
  const wrong: [object, RegExp][] = [
    [{ ...uncheckedRealm(realm), feed }, /realms\[0\]\.revocation cannot be 'unchecked' together with feed/],
    [{ ...uncheckedRealm(realm), acceptDifferingPolicy: true }, /together with acceptDifferingPolicy/],
    [{ ...uncheckedRealm(realm), acceptDifferingPolicy: false }, /together with acceptDifferingPolicy/],
    [withoutKeys, /realms\[0\]\.jwks is missing/],
    [withoutBoth, /realms\[0\]\.feed is missing/],
    [{ ...withoutBoth, revocation: 'checked' }, /revocation must be 'unchecked'/],
    [{ ...withoutBoth, revocation: false }, /revocation must be 'unchecked'/],
    [{ ...withoutBoth, revocation: undefined }, /realms\[0\]\.feed is missing/],
  ]
  for (const [options, message] of wrong) {
    assert.throws(() => createGate({ realms: [options as RealmOptions] }), { code: 'invalid_option', message })
  }
})

test('the types only accept it as a literal in code', () => {
  const tokens = { name: 'acme', issuer: 'https://id.example', audience: 'api', jwks: 'https://id.example/certs' }
  const feed = { url: 'https://origin.example/feed/acme', keys: [] }
  const fromEnvironment: string | undefined = process.env['REVOCATION']
  const fromJson = { ...tokens, revocation: 'unchecked' }
  const taken: GateOptions[] = [{ realms: [{ ...tokens, revocation: 'unchecked' }] }, { realms: [{ ...tokens, feed }] }]
  const refused: GateOptions[] = [
    // @ts-expect-error a string that is not a literal type
    { realms: [{ ...tokens, revocation: fromEnvironment }] },
    // @ts-expect-error the type of a JSON file's member
    { realms: [fromJson] },
    // @ts-expect-error a realm with a feed has its revocations checked
    { realms: [{ ...tokens, feed, revocation: 'unchecked' }] },
    // @ts-expect-error neither a feed nor the word
    { realms: [tokens] },
    // @ts-expect-error no feed carries the keys
    { realms: [{ name: 'acme', issuer: 'https://id.example', audience: 'api', revocation: 'unchecked' }] },
  ]
  assert.deepEqual([taken.length, refused.length], [2, 5])
})
