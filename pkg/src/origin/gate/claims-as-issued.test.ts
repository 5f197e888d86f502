// Claims as issuers write them, at an origin and a gate on its feed: null for absent, numeric ids, kinds of tokens.

import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { createGate, type Check, type Gate, type RealmOptions } from '../../entry/edge/node.ts'
import { createGate as createSlimGate } from '../../entry/edge/slim/node.ts'
import type { OriginRealm } from '../../entry/origin/node.ts'
import { ADMINISTRATOR, createTestIssuer, openStage, type Stage } from '../testing/stage.ts'

type Options = Partial<Pick<OriginRealm, 'audience' | 'numericIds' | 'grantClaim' | 'profile'>>

interface Pair {
  stage: Stage
  /** One gate for each module. */
  gates: Gate[]
  token(claims: Record<string, unknown>, header?: Record<string, unknown>): Promise<string>
  /** Returns the common verdict of the gates, uncached and cached, or all their verdicts if they differ. */
  answer(token: string): Promise<string | string[]>
  /** Returns the status with which the origin's own gate responds to an administrator's token. */
  atOrigin(token: string): Promise<number>
  refresh(): Promise<void>
}

async function open(t: TestContext, options: Options = {}): Promise<Pair> {
  const issuer = await createTestIssuer()
  const realm = { ...issuer.realm, ...options }
  const stage = await openStage({ realms: [realm] })
  const followed = { ...realm, feed: { url: `${stage.server.url}/feed/acme`, keys: [stage.publicKey] } } as RealmOptions
  const gates = [createGate({ realms: [followed] }), createSlimGate({ realms: [followed] })]
  t.after(async () => {
    for (const gate of gates) gate.close()
    await stage.close()
  })
  return {
    stage,
    gates,
    token: (claims, header) => issuer.token({ ...ADMINISTRATOR, ...claims }, header),
    async answer(token) {
      const all = new Set<string>()
      for (const gate of [...gates, ...gates]) {
        const verdict = await gate.check(token)
        all.add(verdict.ok ? 'accepted' : verdict.reason)
      }
      return all.size === 1 ? [...all].join('') : [...all]
    },
    async atOrigin(token) {
      return (await stage.get('/admin/realms/acme/keys', { headers: { authorization: `Bearer ${token}` } })).status
    },
    async refresh() {
      for (const gate of gates) await gate.refresh()
    },
  }
}

async function failure(gate: Gate, token: string): Promise<Check | undefined> {
  return (await gate.explain(token)).find(({ outcome }) => outcome === 'failed')
}

test('a claim that is null counts as absent, at gate and origin', async (t) => {
  const { token, answer, atOrigin } = await open(t)
  const absent = [
    'nbf',
    'auth_time',
    'sid',
    'azp',
    'client_id',
    'token_version',
    'last_logout_time',
    'token_use',
    'typ',
    'cnf',
    'act',
    'scope',
    'rsq',
  ]
  for (const name of absent) assert.equal(await answer(await token({ [name]: null })), 'accepted', name)
  const all = await token(Object.fromEntries(absent.map((name) => [name, null])), { typ: null })
  assert.deepEqual([await answer(all), await atOrigin(all)], ['accepted', 200])
  for (const [name, reason] of Object.entries({
    iss: 'wrong_issuer',
    aud: 'wrong_audience',
    exp: 'missing_claim',
    iat: 'missing_claim',
    sub: 'missing_claim',
    jti: 'missing_claim',
  })) {
    assert.equal(await answer(await token({ [name]: null })), reason, name)
  }
  assert.equal(await answer(await token({ aud: ['api', null] })), 'malformed')
  assert.equal(await answer(await token({}, { typ: null })), 'accepted')
  assert.equal(await answer(await token({}, { kid: null })), 'accepted')
})

test('without an audience to check, "aud": null is accepted, and such a token can be revoked', async (t) => {
  const { stage, token, answer, refresh } = await open(t, { audience: 'none' })
  const [first, second] = [await token({ aud: null, sid: null, azp: null }), await token({ aud: null })]
  assert.deepEqual([await answer(first), await answer(second)], ['accepted', 'accepted'])
  assert.equal((await stage.revoke(first)).status, 200)
  await refresh()
  assert.deepEqual([await answer(first), await answer(second)], ['token_revoked', 'accepted'])
})

test('refuses numeric ids by default, and explain names the claim', async (t) => {
  const { stage, gates, token, answer, atOrigin } = await open(t)
  assert.equal(await atOrigin(await token({ sub: 42 })), 401)
  for (const name of ['sub', 'jti', 'sid', 'azp', 'client_id']) {
    const numeric = await token({ [name]: 42 })
    assert.equal(await answer(numeric), 'malformed', name)
    for (const gate of gates) {
      const failed = await failure(gate, numeric)
      assert.deepEqual(
        [failed?.check, failed?.detail],
        ['claims', `${name}: expected a string (see numericIds); found a number`],
      )
    }
    assert.equal((await stage.revoke(numeric)).status, 401, name)
  }
})

test('with numericIds an integer equals the string of its digits in every act', async (t) => {
  const { stage, token, answer, refresh } = await open(t, { numericIds: 'accept', grantClaim: 'app' })
  const { origin } = stage
  const tokens = {
    token: await token({ sub: 1, jti: 7, sid: 1, app: 1 }),
    session: await token({ sub: 2, jti: 8, sid: 42, app: 2 }),
    user: await token({ sub: 3, sid: 3, app: 3 }),
    negative: await token({ sub: -3, sid: -3, app: 3 }),
    grant: await token({ sub: 4, sid: 4, app: 9007199254740991 }),
    other: await token({ sub: 4, sid: 4, app: 5 }),
    client: await token({ sub: 6, sid: 6, azp: 10, app: 6 }),
    version: await token({ sub: 9007199254740991, sid: 7, app: 7, token_version: 1 }),
    text: await token({ sub: '3', sid: 'x', app: 'x' }),
  }
  const all = async (): Promise<Record<string, string | string[]>> =>
    Object.fromEntries(
      await Promise.all(Object.entries(tokens).map(async ([name, text]) => [name, await answer(text)])),
    )
  assert.deepEqual(new Set(Object.values(await all())), new Set(['accepted']))
  assert.equal((await stage.revoke(tokens.token)).status, 200)
  await origin.endSession('acme', '42')
  await origin.logoutUser('acme', '3')
  await origin.endGrant('acme', '4', '9007199254740991')
  await origin.setClientNotBefore('acme', '10')
  await origin.raiseTokenVersion('acme', '9007199254740991', 2)
  await refresh()
  assert.deepEqual(await all(), {
    token: 'token_revoked',
    session: 'session_revoked',
    user: 'user_revoked',
    negative: 'accepted',
    grant: 'grant_revoked',
    other: 'accepted',
    client: 'client_revoked',
    version: 'version_revoked',
    text: 'user_revoked',
  })
})

test('names an administrator with a numeric sub by its digits', async (t) => {
  const { stage, token, atOrigin } = await open(t, { numericIds: 'accept' })
  const admin = await token({ sub: 42 })
  assert.equal(await atOrigin(admin), 200)
  const headers = { authorization: `Bearer ${admin}` }
  assert.equal((await stage.get('/admin/realms/acme/users/7/logout', { method: 'POST', headers })).status, 204)
  const audit = await (await stage.get('/admin/realms/acme/events', { headers })).text()
  assert.match(audit, /"actor":"admin:42"/)
})

test('checks the kind of token before its audience, and refuses a bound token as such', async (t) => {
  const { gates, token, answer } = await open(t)
  const cases: [Record<string, unknown>, string, string, RegExp][] = [
    [
      { token_use: 'id', aud: 'web' },
      'wrong_type',
      'token_use',
      /^token_use: expected one of "access", "Bearer"; found "id"$/,
    ],
    [
      { typ: 'Refresh', aud: 'https://issuer' },
      'wrong_type',
      'token_use',
      /^typ: expected one of .*; found "Refresh"$/,
    ],
    [{ cnf: { jkt: 'x' }, aud: 'web', exp: 1 }, 'wrong_type', 'binding', /^bound to a key of the client \(cnf\)/],
    [{ typ: 'DPoP', cnf: { jkt: 'x' } }, 'wrong_type', 'binding', /^bound/],
    [
      { aud: ['web', 'x"\u202e'] },
      'wrong_audience',
      'audience',
      /^aud: expected "api"; found "web", "x\\"\\xe2\\x80\\xae"$/,
    ],
    [
      { iss: 'https://issuer.test/realms/acme/' },
      'wrong_issuer',
      'realm',
      /^iss: expected ".*\/acme"; found ".*\/acme\/"$/,
    ],
    [
      { iat: 1 },
      'lifetime_exceeded',
      'lifetime',
      /^expected at most 86400 s; found \d+ s: shorten its lifetime, .* at most 3456000 s \(40 days\)$/,
    ],
    [{ sub: '' }, 'missing_claim', 'required_claims', /^sub is empty$/],
  ]
  for (const [claims, reason, check, detail] of cases) {
    const text = await token({ token_use: undefined, ...claims })
    assert.equal(await answer(text), reason)
    for (const gate of gates) {
      const failed = await failure(gate, text)
      assert.equal(failed?.check, check)
      assert.match(failed?.detail ?? '', detail)
    }
  }
})
