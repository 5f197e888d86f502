// A realm whose issuer has several names, or tenants: each has its own users, sessions and tokens, and gates look them
// up as they are recorded.

import assert from 'node:assert/strict'
import { describe, test, type TestContext } from 'node:test'
import { createGate, type Gate } from '../entry/edge/node.ts'
import type { TokenOptions } from '../types.ts'
import { oidcConnector } from './connectors/oidc/index.ts'
import {
  createOrigin,
  type Correction,
  type DatedAct,
  type Origin,
  type OriginOptions,
  type OriginRealm,
} from './index.ts'
import { LOGOUT_EVENT } from './testing/keycloak-messages.ts'
import { ADMINISTRATOR, createTestIssuer, openStage, type Stage, type TestIssuer } from './testing/stage.ts'
import { freshStore } from './testing/stores.ts'

const PATTERN = 'https://login.microsoftonline.com/{tid}/v2.0'
const [RED, GREEN, BLUE] = [
  '11111111-1111-1111-1111-111111111111',
  '22222222-2222-2222-2222-222222222222',
  '33333333-3333-3333-3333-333333333333',
]
const nameOf = (tenant: string): string => PATTERN.replace('{tid}', tenant)
const ENTRA = { issuer: PATTERN, tenants: [RED, GREEN] }

const [FIRST, SECOND] = ['https://issuer.test/realms/acme', 'https://old.issuer.test/realms/acme']
const now = (): number => Math.floor(Date.now() / 1000)

interface Scene {
  stage: Stage
  issuer: TestIssuer
  origin: Origin
  gate: Gate
  /** Returns a token of alice's in session s1, issued ten seconds ago under this name. */
  token(name: string, claims?: Record<string, unknown>): Promise<string>
  /** Returns the verdict of the gate once it has all records, and the origin's own. */
  answers(token: string): Promise<string>
}

async function open(
  t: TestContext,
  options: Partial<TokenOptions>,
  more: Partial<OriginOptions> = {},
  atGate: Partial<TokenOptions> = {},
): Promise<Scene> {
  const issuer = await createTestIssuer()
  const realm: OriginRealm = { ...issuer.realm, ...options }
  const stage = await openStage({ realms: [realm], ...more })
  const feed = { url: `${stage.server.url}/feed/acme`, keys: [stage.publicKey] }
  const gate = createGate({
    realms: [{ ...issuer.realm, ...options, ...atGate, jwks: { keys: [issuer.jwk] }, feed }],
    onReport: () => undefined,
  })
  t.after(async () => {
    gate.close()
    await stage.close()
  })
  return {
    stage,
    issuer,
    origin: stage.origin,
    gate,
    token: (iss, claims = {}) =>
      issuer.token({ iss, tid: iss.split('/')[3], jti: 'one', token_version: 1, iat: now() - 10, ...claims }),
    async answers(token) {
      await gate.refresh()
      const verdict = await gate.check(token)
      return verdict.ok ? 'accepted' : verdict.reason
    },
  }
}

/** Every act on one name, with the reason for which the token of that name is then refused. */
const ACTS: readonly [string, (origin: Origin, act: DatedAct) => Promise<{ changed: boolean }>, string][] = [
  ['logoutUser', (origin, act) => origin.logoutUser('acme', 'alice', act), 'user_revoked'],
  ['endSession', (origin, act) => origin.endSession('acme', 's1', act), 'session_revoked'],
  ['endClientSession', (origin, act) => origin.endClientSession('acme', 's1', 'demo', act), 'session_revoked'],
  ['endGrant', (origin, act) => origin.endGrant('acme', 'alice', 'demo', act), 'grant_revoked'],
  ['revokeTokenId', (origin, act) => origin.revokeTokenId('acme', 'one', act), 'token_revoked'],
  ['raiseTokenVersion', (origin, act) => origin.raiseTokenVersion('acme', 'alice', 2, act), 'version_revoked'],
]

describe('Entra with two tenants of three allowed', () => {
  test("refuses the third, and a token whose tenant differs from its issuer's", async (t) => {
    const { token, answers, stage } = await open(t, ENTRA)
    assert.deepEqual(
      [await answers(await token(nameOf(RED))), await answers(await token(nameOf(GREEN)))],
      ['accepted', 'accepted'],
    )
    for (const tid of [GREEN, undefined]) assert.equal(await answers(await token(nameOf(RED), { tid })), 'wrong_issuer')
    for (const name of [nameOf(BLUE), PATTERN]) assert.equal(await answers(await token(name)), 'wrong_issuer')
    assert.equal((await stage.revoke(await token(nameOf(BLUE)))).status, 401)
  })

  test('separates users, sessions, apps, tokens and versions of the same name', async (t) => {
    for (const [act, run, reason] of ACTS) {
      const { origin, token, answers } = await open(t, ENTRA)
      const [red, green] = [await token(nameOf(RED)), await token(nameOf(GREEN))]
      assert.equal((await run(origin, { issuer: nameOf(RED) })).changed, true, act)
      assert.deepEqual([await answers(red), await answers(green)], [reason, 'accepted'], act)
      assert.equal((await run(origin, { issuer: nameOf(GREEN) })).changed, true, `${act} of the other tenant`)
      assert.equal(await answers(green), reason, act)
    }
  })

  test('a token revokes itself under its own name', async (t) => {
    const { stage, token, answers } = await open(t, ENTRA)
    const [red, green] = [await token(nameOf(RED)), await token(nameOf(GREEN))]
    assert.equal((await stage.revoke(red)).status, 200)
    assert.deepEqual([await answers(red), await answers(green)], ['token_revoked', 'accepted'])
    // Even if the caller states another one.
    await stage.origin.revokeToken(green, { issuer: nameOf(RED) })
    assert.equal(await answers(green), 'token_revoked')
  })

  test('queries and corrections concern one tenant', async (t) => {
    const { origin, token, answers } = await open(t, ENTRA)
    const [red, green] = [await token(nameOf(RED)), await token(nameOf(GREEN))]
    const acts = ACTS.filter(([name]) => name !== 'revokeTokenId')
    for (const tenant of [RED, GREEN]) for (const [, run] of acts) await run(origin, { issuer: nameOf(tenant) })
    const known = { issuedAt: now() - 10, expiresAt: now() + 300 }
    assert.equal(origin.refuses('acme', { ...known, issuer: nameOf(RED), subject: 'alice' }), 'user_revoked')
    assert.throws(() => origin.refuses('acme', { ...known, subject: 'alice' }), {
      code: 'invalid_event',
      detail: 'issuer_needed',
    })
    assert.ok(origin.userNotBefore('acme', 'alice', { issuer: nameOf(RED) }) > 0)
    assert.ok(origin.grantNotBefore('acme', 'alice', 'demo', { issuer: nameOf(RED) }) > 0)
    assert.equal(origin.minimumVersion('acme', 'alice', { issuer: nameOf(RED) }), 2)
    const corrections: Correction[] = [
      { kind: 'user', subject: 'alice' },
      { kind: 'session', session: 's1' },
      { kind: 'clientSession', session: 's1', authorizedParty: 'demo' },
      { kind: 'grant', subject: 'alice', client: 'demo' },
      { kind: 'tokenVersion', subject: 'alice', minimum: 0 },
    ]
    for (const correction of corrections)
      await origin.correct('acme', correction, { reason: 'a mistake', issuer: nameOf(RED) })
    assert.deepEqual([await answers(red), await answers(green)], ['accepted', 'user_revoked'])
    assert.deepEqual(
      [RED, GREEN].map((tenant) => origin.userNotBefore('acme', 'alice', { issuer: nameOf(tenant) }) > 0),
      [false, true],
    )
    assert.equal(origin.minimumVersion('acme', 'alice', { issuer: nameOf(RED) }), 0)
    assert.equal(origin.userNotBefore('acme', 'bob', { issuer: nameOf(RED) }), 0)
  })

  test('an act without a tenant, or with one that is not allowed, records nothing', async (t) => {
    const { origin, stage } = await open(t, ENTRA)
    const before = stage.sequence()
    for (const [act, run] of ACTS) {
      await assert.rejects(run(origin, {}), { code: 'invalid_event', detail: 'issuer_needed' }, act)
      for (const issuer of [nameOf(BLUE), PATTERN, RED, '', 1 as never]) {
        await assert.rejects(run(origin, { issuer }), { code: 'invalid_event', detail: 'unknown_issuer' }, act)
      }
    }
    const common = [
      () => origin.logoutRealm('acme', { issuer: nameOf(RED) }),
      () => origin.setClientNotBefore('acme', 'demo', undefined, { issuer: nameOf(RED) }),
      () => origin.correct('acme', { kind: 'client', client: 'demo' }, { reason: 'a mistake', issuer: nameOf(RED) }),
    ]
    for (const run of common) await assert.rejects(run(), { code: 'invalid_event', detail: 'issuer_not_taken' })
    assert.equal(stage.sequence(), before)
  })

  test('acts on what all tenants share apply under every name', async (t) => {
    const { origin, token, answers } = await open(t, ENTRA)
    await origin.setClientNotBefore('acme', 'demo')
    for (const tenant of [RED, GREEN]) assert.equal(await answers(await token(nameOf(tenant))), 'client_revoked')
  })

  test("a tenant's administrators are not administrators here", async (t) => {
    const { stage, token } = await open(t, ENTRA)
    for (const tenant of [RED, GREEN, BLUE]) {
      const authorization = `Bearer ${await token(nameOf(tenant), ADMINISTRATOR)}`
      const issuer = encodeURIComponent(nameOf(tenant))
      const response = await stage.get(`/admin/realms/acme/users/alice/logout?issuer=${issuer}`, {
        method: 'POST',
        headers: { authorization },
      })
      assert.equal(response.status, tenant === BLUE ? 401 : 403)
    }
  })

  test('a gate with fewer tenants than the origin agrees with it, and enforces the same', async (t) => {
    const { origin, gate, token, answers } = await open(t, ENTRA, {}, { tenants: [GREEN] })
    const green = await token(nameOf(GREEN))
    assert.deepEqual([await answers(green), await answers(await token(nameOf(RED)))], ['accepted', 'wrong_issuer'])
    assert.equal(gate.status()[0]?.policy, origin.status()[0]?.policy)
    await origin.logoutUser('acme', 'alice', { issuer: nameOf(RED) })
    assert.equal(await answers(green), 'accepted')
    await origin.logoutUser('acme', 'alice', { issuer: nameOf(GREEN) })
    assert.equal(await answers(green), 'user_revoked')
  })

  test('a gate with another pattern, or with sameSubjects, does not agree', async (t) => {
    for (const other of [{ issuer: PATTERN.replace('v2.0', 'v1.0') }, { sameSubjects: true }]) {
      const { gate, origin } = await open(t, ENTRA, {}, other)
      assert.notEqual(gate.status()[0]?.policy, origin.status()[0]?.policy)
    }
  })

  test('a restarted origin keeps everything, also for a tenant that is no longer allowed', async (t) => {
    const { stage, issuer, origin } = await open(t, ENTRA)
    for (const tenant of [RED, GREEN]) await origin.logoutUser('acme', 'alice', { issuer: nameOf(tenant) })
    await origin.close()
    const realms = [{ ...issuer.realm, ...ENTRA, tenants: [GREEN] }]
    const restarted = await createOrigin({
      store: stage.reopenStore(),
      signingKey: stage.signingKey,
      realms,
      onReport: () => undefined,
    })
    t.after(() => restarted.close())
    assert.ok(restarted.userNotBefore('acme', 'alice', { issuer: nameOf(GREEN) }) > 0)
    assert.throws(() => restarted.userNotBefore('acme', 'alice', { issuer: nameOf(RED) }), { detail: 'unknown_issuer' })
  })

  test('the audit log names the tenant', async (t) => {
    const { origin, stage, token } = await open(t, ENTRA)
    await origin.logoutUser('acme', 'alice', { issuer: nameOf(GREEN) })
    await origin.endGrant('acme', 'alice', 'demo', { issuer: nameOf(RED) })
    await stage.revoke(await token(nameOf(RED)))
    const lines = await origin.audit.list({ realm: 'acme', limit: 3 })
    assert.deepEqual(
      lines.map(({ detail }) => detail),
      [`issuer ${nameOf(RED)}`, `issuer ${nameOf(RED)} client demo`, `issuer ${nameOf(GREEN)}`],
    )
  })

  test("a logout token ends only its own tenant's subjects", async (t) => {
    const { stage, issuer, token, answers } = await open(t, ENTRA, { connectors: [oidcConnector({ realm: 'acme' })] })
    const send = async (iss: string): Promise<number> => {
      const claims = {
        iss,
        aud: 'demo',
        sid: 's1',
        jti: 'logout',
        iat: now(),
        exp: now() + 120,
        events: { [LOGOUT_EVENT]: {} },
      }
      const body = new URLSearchParams({ logout_token: await issuer.sign(claims, { typ: 'logout+jwt' }) })
      return (await stage.get('/realms/acme/backchannel-logout', { method: 'POST', body })).status
    }
    const [red, green] = [await token(nameOf(RED)), await token(nameOf(GREEN))]
    assert.deepEqual([await send(nameOf(BLUE)), await send(PATTERN)], [400, 400])
    assert.equal(await send(nameOf(GREEN)), 200)
    assert.deepEqual([await answers(red), await answers(green)], ['accepted', 'session_revoked'])
    // From another issuer, the same id identifies another message.
    assert.equal(await send(nameOf(RED)), 200)
    assert.equal(await answers(red), 'session_revoked')
  })
})

describe('an issuer of two names', () => {
  const NAMES = { issuer: [FIRST, SECOND] }

  test('each has its own users, and the first keeps the records from when it was the only one', async (t) => {
    const { stage, issuer, origin } = await open(t, { issuer: FIRST })
    await origin.logoutUser('acme', 'alice')
    await origin.close()
    const realms = [{ ...issuer.realm, ...NAMES }]
    const renamed = await createOrigin({
      store: stage.reopenStore(),
      signingKey: stage.signingKey,
      realms,
      onReport: () => undefined,
    })
    t.after(() => renamed.close())
    assert.deepEqual(
      [FIRST, SECOND].map((name) => renamed.userNotBefore('acme', 'alice', { issuer: name }) > 0),
      [true, false],
    )
  })

  test('every act concerns one of them', async (t) => {
    for (const [act, run, reason] of ACTS) {
      for (const [own, other] of [
        [FIRST, SECOND],
        [SECOND, FIRST],
      ] as const) {
        const { origin, token, answers } = await open(t, NAMES)
        await run(origin, { issuer: own })
        assert.deepEqual(
          [await answers(await token(own)), await answers(await token(other))],
          [reason, 'accepted'],
          act,
        )
      }
    }
  })

  test("the first one's administrators select the name in the query", async (t) => {
    const { stage, origin, token, answers } = await open(t, NAMES)
    const ask = async (name: string, method: string, path: string, body?: unknown): Promise<[number, string]> => {
      const credential = await token(name, { ...ADMINISTRATOR, sid: 'admin', jti: 'admin' })
      const headers = { authorization: `Bearer ${credential}`, 'content-type': 'application/json' }
      const init = { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) }
      const response = await stage.get(`/admin/realms/acme/${path}`, init)
      return [response.status, await response.text()]
    }
    const query = `issuer=${encodeURIComponent(SECOND)}`
    assert.equal((await ask(SECOND, 'POST', `users/alice/logout?${query}`))[0], 403)
    const routes: readonly [string, string, unknown?][] = [
      ['POST', 'users/alice/logout'],
      ['POST', 'users/logout', { id: 'bob' }],
      ['PUT', 'users/alice/token-version', { minimum: 2 }],
      ['DELETE', 'sessions/s1'],
      ['POST', 'sessions/end', { sid: 's2', client: 'demo' }],
      ['DELETE', 'users/alice/grants/demo'],
      ['POST', 'grants/end', { user: 'bob', client: 'demo' }],
    ]
    for (const [method, path, body] of routes) {
      const before = stage.sequence()
      for (const wrong of ['', '?issuer=', '?issuer=https%3A%2F%2Felsewhere.test', `?${query}&${query}`]) {
        const [status, text] = await ask(FIRST, method, path + wrong, body)
        assert.equal(status, 400, path)
        assert.ok(text.includes('issuer') && !text.includes('elsewhere'), text)
      }
      assert.equal(stage.sequence(), before, path)
      assert.equal((await ask(FIRST, method, `${path}?${query}`, body))[0], 204, path)
      assert.equal(stage.sequence(), before + 1, path)
    }
    assert.deepEqual(
      [await answers(await token(FIRST)), await answers(await token(SECOND))],
      ['accepted', 'user_revoked'],
    )
    assert.match((await ask(FIRST, 'GET', `users/alice/grants?${query}`))[1], /"clientId":"demo"/)
    assert.equal((await ask(FIRST, 'GET', `users/alice/grants?issuer=${encodeURIComponent(FIRST)}`))[1], '[]')
    const correction = { kind: 'user', subject: 'alice' }
    assert.equal((await ask(FIRST, 'POST', `corrections?reason=mistake&${query}`, correction))[0], 204)
    assert.equal(origin.userNotBefore('acme', 'alice', { issuer: SECOND }), 0)
  })

  test('with sameSubjects an act concerns both, and stating a name is optional', async (t) => {
    for (const act of [{}, { issuer: FIRST }, { issuer: SECOND }]) {
      const { origin, token, answers } = await open(t, { ...NAMES, sameSubjects: true })
      await origin.logoutUser('acme', 'alice', act)
      for (const name of [FIRST, SECOND]) assert.equal(await answers(await token(name)), 'user_revoked')
      await assert.rejects(origin.logoutUser('acme', 'alice', { issuer: 'https://elsewhere.test' }), {
        detail: 'unknown_issuer',
      })
      assert.equal((await origin.audit.list({ realm: 'acme', limit: 1 }))[0]?.detail, undefined)
    }
  })

  test('with one name nothing changes: it may be stated, and no other', async (t) => {
    const { origin } = await open(t, { issuer: FIRST })
    assert.equal((await origin.logoutUser('acme', 'alice', { issuer: FIRST })).changed, true)
    await assert.rejects(origin.logoutUser('acme', 'alice', { issuer: SECOND }), {
      code: 'invalid_event',
      detail: 'unknown_issuer',
    })
  })

  test('a name belongs to one realm, and an issuer beside the origin has only one', async () => {
    const issuer = await createTestIssuer()
    const { signingKey } = await (await import('./index.ts')).generateFeedKey()
    const other = { ...issuer.realm, name: 'other', issuer: SECOND }
    const taken = createOrigin({ store: freshStore(), signingKey, realms: [{ ...issuer.realm, ...NAMES }, other] })
    await assert.rejects(taken, { code: 'invalid_option', message: /realms\[1\]\.issuer/ })
    const methods = ['users', 'sessions', 'keys', 'addKey', 'retireKey', 'refreshToken', 'sessionEnded']
    const administration = Object.fromEntries(methods.map((method) => [method, () => undefined])) as never
    const beside = createOrigin({
      store: freshStore(),
      signingKey,
      realms: [{ ...issuer.realm, ...NAMES, administration }],
    })
    await assert.rejects(beside, { code: 'invalid_option', message: /administration/ })
  })
})
