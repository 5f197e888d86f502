// POST /realms/{realm}/global-token-revocation: members that are null, numeric users, and keys that share a kid.

import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose'
import { json, TestServer } from '../../../test-fixtures/server.ts'
import type { GlobalTokenRevocationOptions, JWK, OriginRealm } from '../../index.ts'
import {
  acme,
  ALICE,
  APP,
  call,
  callerOf,
  OKTA,
  okta,
  openRealms,
  SECRET,
  statusOf,
  stranger,
  TYPE,
  unixSeconds,
  urlOf,
} from '../../testing/revocation-callers.ts'
import { ISSUER, openStage, type Stage } from '../../testing/stage.ts'

async function opened(t: TestContext, given: GlobalTokenRevocationOptions): Promise<Stage> {
  const stage = await openRealms(given, { maxFailuresPerMinute: 10_000 })
  t.after(() => stage.close())
  return stage
}

async function openedAs(t: TestContext, realm: Partial<OriginRealm>): Promise<Stage> {
  const stage = await openStage({
    realms: [{ ...acme.realm, issuerSkewSeconds: 0, globalTokenRevocation: { secrets: [SECRET] }, ...realm }],
  })
  t.after(() => stage.close())
  return stage
}

test("a JWT's members that are null count as absent", async (t) => {
  const stage = await opened(t, { callers: [{ ...callerOf('acme'), untyped: 'accept' }] })
  const absent: [string, JWTPayload, Record<string, unknown>][] = [
    ['nbf', { nbf: null } as unknown as JWTPayload, {}],
    ['typ', {}, { typ: null }],
    ['kid', {}, { kid: null }],
    ['claims that are not read', { auth_time: null, azp: null, events: null }, { x5t: null, cty: null }],
  ]
  for (const [name, claims, header] of absent)
    assert.equal(await statusOf(stage, await okta.jwt(claims, header), { sub_id: ALICE }), 204, name)
  for (const name of ['iss', 'sub', 'aud', 'jti', 'iat', 'exp']) {
    assert.equal(await statusOf(stage, await okta.jwt({ [name]: null }), { sub_id: ALICE }), 401, name)
  }
  const now = unixSeconds()
  for (const nbf of [now + 120, String(now), {}])
    assert.equal(await statusOf(stage, await okta.jwt({ nbf } as JWTPayload), { sub_id: ALICE }), 401)
})

test('a type that is null counts as absent: refused without untyped', async (t) => {
  const stage = await opened(t, { callers: [callerOf('acme')] })
  assert.equal(await statusOf(stage, await okta.jwt({}, { typ: null }), { sub_id: ALICE }), 401)
  assert.equal(await statusOf(stage, await okta.jwt({ nbf: null } as unknown as JWTPayload), { sub_id: ALICE }), 204)
})

test('refuses extensions with any value', async (t) => {
  const stage = await opened(t, { callers: [callerOf('acme')] })
  for (const b64 of [null, true])
    assert.equal(await statusOf(stage, await okta.jwt({}, { b64 }), { sub_id: ALICE }), 401)
})

async function keyOf(
  kid: string | undefined,
  alg: 'ES256' | 'RS256' = 'ES256',
): Promise<{ jwk: JWK; jwt: (header?: object) => Promise<string> }> {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true })
  const now = unixSeconds()
  return {
    jwk: { ...(await exportJWK(publicKey)), ...(kid === undefined ? {} : { kid }) } as JWK,
    jwt: (header = { kid }) =>
      new SignJWT({ jti: crypto.randomUUID(), iss: OKTA, sub: APP, aud: urlOf('acme'), exp: now + 300, iat: now })
        .setProtectedHeader({ alg, typ: TYPE, ...header })
        .sign(privateKey),
  }
}

test('tries all keys with one kid, up to four, from a set and from a URL', async (t) => {
  const keys = await Promise.all(Array.from({ length: 5 }, () => keyOf('same')))
  const set = { keys: keys.map(({ jwk }) => jwk) }
  const server = await TestServer.start(json(set))
  t.after(() => server.close())
  for (const jwks of [set, `${server.url}/keys`]) {
    const stage = await opened(t, { callers: [{ ...callerOf('acme'), jwks }] })
    const statuses = await Promise.all(keys.map(async ({ jwt }) => statusOf(stage, await jwt(), { sub_id: ALICE })))
    assert.deepEqual(statuses, [204, 204, 204, 204, 401])
    assert.equal(
      await statusOf(stage, await (keys[1] ?? assert.fail()).jwt({}), { sub_id: ALICE }),
      204,
      'without a kid',
    )
    assert.equal(await statusOf(stage, await stranger.jwt({}, { kid: 'same' }), { sub_id: ALICE }), 401)
  }
})

test("treats null members, other representations and unreadable keys as in an issuer's set", async (t) => {
  const { jwk, jwt } = await keyOf('k')
  const server = await TestServer.start((_, response) =>
    response.end(`\ufeff${JSON.stringify({ keys: [null, 'x', { kty: 'EC' }, odd] })}`),
  )
  t.after(() => server.close())
  const odd = { ...jwk, use: null, alg: null, key_ops: null, x5c: null, d: null, x: `${jwk.x}=` }
  for (const jwks of [{ keys: [odd as unknown as JWK] }, `${server.url}/keys`]) {
    const stage = await opened(t, { callers: [{ ...callerOf('acme'), jwks }] })
    assert.equal(await statusOf(stage, await jwt(), { sub_id: ALICE }), 204)
  }
})

test('null members of body and identifier count as absent, and the rules for the others still apply', async (t) => {
  const stage = await opened(t, { secrets: [SECRET] })
  for (const body of [
    { sub_id: ALICE, subject: null },
    { sub_id: null, subject: ALICE },
    { sub_id: { ...ALICE, email: null, uri: null } },
  ]) {
    assert.equal(await statusOf(stage, SECRET, body), 204, JSON.stringify(body))
  }
  for (const body of [
    { sub_id: null, subject: null },
    { sub_id: { ...ALICE, sub: null } },
    { sub_id: { ...ALICE, format: null } },
    { sub_id: ALICE, reason: null },
  ]) {
    assert.equal(await statusOf(stage, SECRET, body), 400, JSON.stringify(body))
  }
})

test("a numeric user follows the realm's numericIds", async (t) => {
  const now = unixSeconds()
  const refuses = (stage: Stage, subject: string): unknown =>
    stage.origin.refuses('acme', { subject, issuedAt: now - 10, expiresAt: now + 300 })
  const iss = JSON.stringify(ISSUER)
  const bodyOf = (sub: string): string => `{"sub_id":{"format":"iss_sub","iss":${iss},"sub":${sub}}}`
  const accepting = await openedAs(t, { numericIds: 'accept' })
  for (const [sub, id] of [
    ['42', '42'],
    ['-7', '-7'],
    ['9007199254740991', '9007199254740991'],
  ] as const) {
    assert.equal((await call(accepting, SECRET, bodyOf(sub))).status, 204, sub)
    assert.equal(refuses(accepting, id), 'user_revoked', sub)
  }
  assert.equal((await call(accepting, SECRET, '{"sub_id":{"format":"opaque","id":43}}')).status, 204)
  assert.equal(refuses(accepting, '43'), 'user_revoked')
  for (const sub of ['1.0', '1e2', '-0', '9007199254740992', '[42]', 'true', 'null']) {
    assert.equal((await call(accepting, SECRET, bodyOf(sub))).status, 400, sub)
  }
  assert.equal(
    (await call(accepting, SECRET, '{"sub_id":{"format":"phone_number","phone_number":12065550100}}')).status,
    400,
  )
  const refusing = await openedAs(t, {})
  assert.equal((await call(refusing, SECRET, bodyOf('42'))).status, 400)
  assert.equal(refuses(refusing, '42'), undefined)
})
