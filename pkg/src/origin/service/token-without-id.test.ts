// Tokens without an id: which tokens may be revoked, the effect of that, and that a repetition changes nothing.

import assert from 'node:assert/strict'
import { afterEach, describe, test } from 'node:test'
import { CLOCK } from '../../timing/clock.ts'
import type { OriginOptions, OriginRealm } from '../index.ts'
import { createTestIssuer, openStage, type Stage, type TestIssuer } from '../testing/stage.ts'

let stage: Stage
let acme: TestIssuer

afterEach(() => stage.close())

async function open(realm: Partial<OriginRealm>, more: Partial<OriginOptions> = {}): Promise<void> {
  acme = await createTestIssuer()
  stage = await openStage({
    realms: [{ ...acme.realm, ...realm }],
    clients: [{ id: 'demo' }, { id: 'other' }],
    ...more,
  })
}

function unixSeconds(): number {
  return Math.floor(Date.now() / 1000)
}

function tokenWithoutId(claims: Record<string, unknown> = {}): Promise<string> {
  return acme.token({ jti: undefined, ...claims })
}

async function revoked(token: string): Promise<[number, unknown]> {
  const response = await stage.revoke(token)
  return [response.status, await response.json()]
}

/** Returns the response of the RFC 7009 route. */
async function revokedByClient(token: string, client = 'demo'): Promise<[number, string]> {
  const body = new URLSearchParams({ client_id: client, token })
  const response = await stage.get('/realms/acme/protocol/openid-connect/revoke', { method: 'POST', body })
  return [response.status, await response.text()]
}

/** Whether the administrators' route accepts a token, which shows that the origin's gate accepts it. */
async function isAccepted(claims: Record<string, unknown>): Promise<boolean> {
  const token = await acme.token({ realm_access: { roles: ['portcullis-admin'] }, ...claims })
  return (await stage.get('/admin/realms/acme/edges', { headers: { authorization: `Bearer ${token}` } })).status === 200
}

describe("withoutTokenId 'refuse', the default", () => {
  test('refuses to revoke a token without an id, and treats others as before', async () => {
    await open({})
    assert.deepEqual(await revoked(await tokenWithoutId()), [
      400,
      { error: 'invalid_request', error_description: 'the token has no jti, so it cannot be revoked by itself' },
    ])
    assert.equal((await revokedByClient(await tokenWithoutId()))[0], 400)
    await assert.rejects(stage.origin.revokeToken(await tokenWithoutId()), {
      code: 'invalid_event',
      detail: 'missing_token_id',
    })
    assert.deepEqual(await revoked(await acme.token()), [200, { revoked: true }])
    assert.equal((await stage.origin.revokeToken(await acme.token())).ended, 'token')
  })
})

describe("withoutTokenId 'session'", () => {
  test('ends the session once; a new login survives a thousand repetitions', async () => {
    await open({ withoutTokenId: 'session' })
    const token = await tokenWithoutId()
    assert.equal(await isAccepted({ jti: undefined }), true)
    const first = await stage.origin.revokeToken(token)
    assert.deepEqual([first.changed, first.ended], [true, 'session'])
    assert.equal(await isAccepted({ jti: undefined }), false)
    const { sequence } = first
    for (let round = 0; round < 2; round += 1) {
      const again = await Promise.all(Array.from({ length: 500 }, () => stage.origin.revokeToken(token)))
      assert.ok(again.every(({ changed, ended }) => !changed && ended === 'session'))
      // A login in between.
      assert.equal(await isAccepted({ jti: undefined, sid: 's2' }), true)
    }
    assert.equal(stage.sequence(), sequence)
    assert.equal(await isAccepted({ jti: undefined, sid: 's2' }), true)
    assert.deepEqual(await revoked(token), [200, { revoked: true, ended: 'session' }])
  })

  test('records one of fifty simultaneous ones, with one line in the audit log', async () => {
    await open({ withoutTokenId: 'session' })
    const [token, before] = [await tokenWithoutId(), stage.sequence()]
    const all = await Promise.all(Array.from({ length: 50 }, () => stage.origin.revokeToken(token)))
    assert.deepEqual([all.filter(({ changed }) => changed).length, stage.sequence()], [1, before + 1])
    const lines = await stage.origin.audit.list({ realm: 'acme', action: 'session_ended', limit: 100 })
    assert.deepEqual(
      lines.map(({ actor, subject, detail }) => [actor, subject, detail]),
      [['user:alice', 's1', 'token_without_id']],
    )
  })

  test('its end does not move if the clock advances between the check and the record', async () => {
    let passed = 0
    const clock: object = { [CLOCK]: () => Date.now() + (passed += 1) * 500 }
    await open({ withoutTokenId: 'session' }, clock)
    const [token, before] = [await tokenWithoutId({ exp: unixSeconds() + 3_600 }), stage.sequence()]
    await Promise.all(Array.from({ length: 20 }, () => stage.origin.revokeToken(token)))
    assert.equal(stage.sequence(), before + 1)
  })

  test('other tokens of the session with another iat change nothing either', async () => {
    await open({ withoutTokenId: 'session' })
    await stage.origin.revokeToken(await tokenWithoutId({ iat: unixSeconds() - 100 }))
    const { sequence } = await stage.origin.revokeToken(await tokenWithoutId())
    assert.equal((await stage.origin.revokeToken(await tokenWithoutId({ iat: unixSeconds() + 1 }))).sequence, sequence)
  })

  test('a token with an id is revoked only by its id', async () => {
    await open({ withoutTokenId: 'session' })
    assert.deepEqual(await revoked(await acme.token()), [200, { revoked: true, ended: 'token' }])
    assert.equal(await isAccepted({}), true)
  })

  test('a token that also lacks a session is refused at the gate and cannot be revoked', async () => {
    await open({ withoutTokenId: 'session' })
    assert.equal(await isAccepted({ jti: undefined, sid: undefined }), false)
    const token = await tokenWithoutId({ sid: undefined })
    const [status, body] = await revoked(token)
    assert.deepEqual([status, (body as { error: string }).error], [400, 'invalid_request'])
    assert.equal((await revokedByClient(token))[0], 400)
  })

  test('the issuer beside the origin ends the session too', async () => {
    const ended: string[] = []
    const none = async (): Promise<never> => assert.fail()
    const issuer = {
      users: none,
      sessions: none,
      keys: none,
      addKey: none,
      retireKey: none,
      refreshToken: async () => undefined,
    }
    const administration = { ...issuer, sessionEnded: async (sid: string) => void ended.push(sid) }
    await open({ withoutTokenId: 'session', administration })
    const token = await tokenWithoutId()
    for (let index = 0; index < 3; index += 1) await stage.origin.revokeToken(token)
    assert.deepEqual(ended, ['s1'])
  })

  test('it may wait for the edges', async () => {
    await open({ withoutTokenId: 'session' })
    const response = await stage.post('/v1/auth/token/revoke?wait=enforced&timeoutMs=0', {
      token: await tokenWithoutId(),
    })
    const { ended, total } = (await response.json()) as { ended: string; total: number }
    assert.deepEqual([response.status, ended, total], [200, 'session', 0])
  })
})

describe("withoutTokenId 'user'", () => {
  test("records the token's own iat, exactly, so that a login in the next second survives a thousand repetitions", async () => {
    await open({ withoutTokenId: 'user', issuerSkewSeconds: 60, sourceSkewSeconds: 60 })
    const iat = unixSeconds() - 30
    const token = await tokenWithoutId({ iat, sid: undefined })
    const first = await stage.origin.revokeToken(token)
    assert.deepEqual([first.changed, first.ended], [true, 'user'])
    assert.equal(stage.origin.userNotBefore('acme', 'alice'), iat)
    for (let round = 0; round < 2; round += 1) {
      const again = await Promise.all(Array.from({ length: 500 }, () => stage.origin.revokeToken(token)))
      assert.ok(
        again.every(({ changed, ended, sequence }) => !changed && ended === 'user' && sequence === first.sequence),
      )
      assert.equal(await isAccepted({ jti: undefined, iat: iat + 1 }), true)
    }
    assert.equal(await isAccepted({ jti: undefined, iat }), false)
    assert.equal(stage.origin.userNotBefore('acme', 'alice'), iat)
    assert.deepEqual(await revoked(token), [200, { revoked: true, ended: 'user' }])
    assert.deepEqual(await revokedByClient(token), [200, ''])
  })

  test('an older token of the user adds nothing, a newer one does', async () => {
    await open({ withoutTokenId: 'user' })
    const now = unixSeconds()
    await stage.origin.revokeToken(await tokenWithoutId({ iat: now - 10 }))
    assert.equal((await stage.origin.revokeToken(await tokenWithoutId({ iat: now - 20 }))).changed, false)
    assert.equal(stage.origin.userNotBefore('acme', 'alice'), now - 10)
    assert.equal((await stage.origin.revokeToken(await tokenWithoutId({ iat: now - 5 }))).changed, true)
    assert.equal(stage.origin.userNotBefore('acme', 'alice'), now - 5)
    assert.equal(stage.origin.userNotBefore('acme', 'bob'), 0)
  })

  test('records one of fifty simultaneous ones', async () => {
    await open({ withoutTokenId: 'user' })
    const [token, before] = [await tokenWithoutId(), stage.sequence()]
    const all = await Promise.all(Array.from({ length: 50 }, () => stage.origin.revokeToken(token)))
    assert.deepEqual([all.filter(({ changed }) => changed).length, stage.sequence()], [1, before + 1])
    assert.equal((await stage.origin.audit.list({ realm: 'acme', action: 'user_logged_out', limit: 100 })).length, 1)
  })

  test('rounds a fractional iat down, as the gate does, and uses one slightly ahead unchanged', async () => {
    await open({ withoutTokenId: 'user' })
    const now = unixSeconds()
    const fractional = await tokenWithoutId({ iat: now - 2.25 })
    await stage.origin.revokeToken(fractional)
    assert.equal(stage.origin.userNotBefore('acme', 'alice'), now - 3)
    assert.equal((await stage.origin.revokeToken(fractional)).changed, false)
    const ahead = await tokenWithoutId({ iat: now + 2, exp: now + 302 })
    assert.equal((await stage.origin.revokeToken(ahead)).changed, true)
    assert.equal(stage.origin.userNotBefore('acme', 'alice'), now + 2)
    assert.deepEqual(stage.reports, [])
    assert.equal((await stage.origin.revokeToken(ahead)).changed, false)
  })

  test('with compare authTime also refuses a token whose login is later than its iat', async () => {
    await open({ withoutTokenId: 'user', compare: 'authTime' })
    const now = unixSeconds()
    const token = await tokenWithoutId({ iat: now - 10, auth_time: now - 8 })
    assert.equal((await stage.origin.revokeToken(token)).changed, true)
    assert.equal((await stage.origin.revokeToken(token)).ended, 'user')
    assert.equal(stage.origin.userNotBefore('acme', 'alice'), now - 8)
    const usual = await tokenWithoutId({ sub: 'bob', iat: now - 10, auth_time: now - 500 })
    await stage.origin.revokeToken(usual)
    assert.equal(stage.origin.userNotBefore('acme', 'bob'), now - 10)
  })

  test('a client revokes only its own', async () => {
    await open({ withoutTokenId: 'user' })
    const token = await tokenWithoutId()
    assert.equal((await revokedByClient(token, 'other'))[0], 400)
    assert.equal(stage.origin.userNotBefore('acme', 'alice'), 0)
    assert.deepEqual(await revokedByClient(token), [200, ''])
    assert.ok(stage.origin.userNotBefore('acme', 'alice') > 0)
    assert.equal((await stage.origin.revokeOAuthToken('acme', 'demo', token)).ended, 'user')
    const [line] = await stage.origin.audit.list({ realm: 'acme', action: 'user_logged_out', limit: 1 })
    assert.equal(line?.actor, 'client:demo')
  })
})

test("the token's own issuer name determines whose session or user is ended", async () => {
  const [one, two] = ['https://one.test', 'https://two.test']
  const ends: ['session' | 'user', Record<string, unknown>][] = [
    ['session', { sid: 's1' }],
    ['user', { sub: 'alice' }],
  ]
  for (const [withoutTokenId, claims] of ends) {
    await open({ withoutTokenId, issuer: [one, two] })
    const token = await tokenWithoutId({ ...claims, iss: two })
    const other = {
      issuer: one,
      subject: 'alice',
      session: 's1',
      issuedAt: unixSeconds(),
      expiresAt: unixSeconds() + 300,
    }
    assert.deepEqual(await revoked(token), [200, { revoked: true, ended: withoutTokenId }])
    assert.deepEqual(await revoked(token), [200, { revoked: true, ended: withoutTokenId }])
    assert.equal((await stage.origin.revokeToken(token)).changed, false)
    assert.equal(stage.origin.refuses('acme', other), undefined)
    assert.equal(
      stage.origin.refuses('acme', { ...other, issuer: two, issuedAt: other.issuedAt - 60 }),
      `${withoutTokenId}_revoked`,
    )
    if (withoutTokenId === 'session') await stage.close()
  }
})

describe('a token that is not accepted here ends nothing', () => {
  const now = unixSeconds
  const cases: [string, () => Record<string, unknown>][] = [
    ["another API's", () => ({ aud: 'other-api' })],
    ['one without an audience', () => ({ aud: undefined })],
    ['one from the future', () => ({ iat: now() + 60, exp: now() + 360 })],
    ['one that is not valid yet', () => ({ nbf: now() + 120 })],
    ['one with too long a lifetime', () => ({ exp: now() + 200_000 })],
    ['one without an expiry', () => ({ exp: undefined })],
    ['one without a time', () => ({ iat: undefined })],
  ]
  for (const withoutTokenId of ['session', 'user'] as const) {
    for (const [name, claims] of cases) {
      test(`${name}, with '${withoutTokenId}': 401, or 200 for a client, and nothing is recorded`, async () => {
        await open({ withoutTokenId })
        const [token, before] = [await tokenWithoutId(claims()), stage.sequence()]
        assert.deepEqual(await revoked(token), [401, { error: 'invalid token' }])
        await assert.rejects(stage.origin.revokeToken(token), { code: 'invalid_token' })
        const unknown = (): number => stage.reports.filter(({ kind }) => kind === 'unknown_token').length
        assert.equal(unknown(), 0)
        assert.deepEqual(await revokedByClient(token), [200, ''])
        assert.equal(unknown(), 1)
        assert.equal(stage.sequence(), before)
      })
    }

    test(`an ID token or one of another key, with '${withoutTokenId}': 401`, async () => {
      await open({ withoutTokenId })
      const before = stage.sequence()
      assert.deepEqual(await revoked(await tokenWithoutId({ token_use: 'id' })), [
        401,
        { error: 'unexpected token use' },
      ])
      const [head, claims] = (await tokenWithoutId()).split('.')
      const [, , signature] = (await (await createTestIssuer()).token()).split('.')
      assert.deepEqual(await revoked(`${head}.${claims}.${signature}`), [401, { error: 'invalid token' }])
      assert.equal(stage.sequence(), before)
    })

    test(`one that is already refused, with '${withoutTokenId}': 200, nothing is recorded, and the response names the level`, async () => {
      await open({ withoutTokenId, issuerSkewSeconds: 0 })
      const ended: [() => Promise<unknown>, string][] = [
        [() => stage.origin.endSession('acme', 's1'), 'session'],
        [() => stage.origin.logoutUser('acme', 'carol'), 'user'],
        [() => stage.origin.setClientNotBefore('acme', 'app'), 'token'],
      ]
      const others = [
        { sub: 'carol', sid: 's3' },
        { azp: 'app', sid: 's4', sub: 'dave' },
      ]
      const tokens = [await tokenWithoutId(), ...(await Promise.all(others.map(tokenWithoutId)))]
      for (const [index, [end, level]] of ended.entries()) {
        await end()
        const before = stage.sequence()
        assert.deepEqual(await revoked(tokens[index] ?? ''), [200, { revoked: true, ended: level }])
        assert.equal(stage.sequence(), before)
      }
      assert.equal(stage.origin.userNotBefore('acme', 'dave'), 0)
      const expired = await tokenWithoutId({
        sub: 'erin',
        sid: 's5',
        iat: unixSeconds() - 400,
        exp: unixSeconds() - 100,
      })
      const before = stage.sequence()
      assert.deepEqual(await revoked(expired), [200, { revoked: true, ended: 'token' }])
      assert.equal(stage.sequence(), before)
      assert.equal(stage.origin.userNotBefore('acme', 'erin'), 0)
    })
  }
})
