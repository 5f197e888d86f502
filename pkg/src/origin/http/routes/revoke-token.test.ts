import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { createTestIssuer, openStage, type Stage } from '../../testing/stage.ts'

let stage: Stage
before(async () => (stage = await openStage()))
after(() => stage.close())

const PATH = '/v1/auth/token/revoke'

async function answer(response: Response): Promise<{ status: number; body: unknown }> {
  assert.equal(response.headers.get('content-type'), 'application/json')
  assert.equal(response.headers.get('cache-control'), 'no-store')
  return { status: response.status, body: await response.json() }
}

test('revokes a token, also repeatedly', async () => {
  const token = await stage.issuer.token()
  const before = stage.sequence()
  assert.deepEqual(await answer(await stage.revoke(token)), { status: 200, body: { revoked: true } })
  assert.equal(stage.sequence(), before + 1)
  assert.deepEqual(await answer(await stage.revoke(token)), { status: 200, body: { revoked: true } })
  assert.equal(stage.sequence(), before + 1)
})

test('ignores parameters of the content type', async () => {
  const token = await stage.issuer.token()
  const response = await stage.post(PATH, { token }, { 'content-type': 'Application/JSON; charset=utf-8' })
  assert.equal(response.status, 200)
})

test('revokes an expired token; records nothing beyond the margin', async () => {
  const now = Math.floor(Date.now() / 1000)
  const before = stage.sequence()
  const old = await stage.issuer.token({ iat: now - 400, exp: now - 100 })
  assert.deepEqual(await answer(await stage.revoke(old)), { status: 200, body: { revoked: true } })
  assert.equal(stage.sequence(), before)
  const fresh = await stage.issuer.token({ iat: now - 400, exp: now - 2 })
  assert.deepEqual(await answer(await stage.revoke(fresh)), { status: 200, body: { revoked: true } })
  assert.equal(stage.sequence(), before + 1)
})

test('ignores the audience', async () => {
  assert.equal((await stage.revoke(await stage.issuer.token({ aud: 'somebody else' }))).status, 200)
})

test('a token without jti is refused', async () => {
  const { status, body } = await answer(await stage.revoke(await stage.issuer.token({ jti: undefined })))
  assert.equal(status, 400)
  assert.equal((body as { error: string }).error, 'invalid_request')
})

test('a malformed, forged or foreign token is invalid', async () => {
  const good = await stage.issuer.token()
  const stranger = await createTestIssuer()
  const foreign = await createTestIssuer('other', 'https://other.test')
  const bad = [
    'x',
    'a.b.c',
    good.slice(0, -8),
    `${good}\n`,
    `Bearer ${good}`,
    await stranger.token(),
    await stranger.token({}, { kid: stage.issuer.jwk.kid }),
    await foreign.token(),
    'x'.repeat(20_000),
  ]
  const before = stage.sequence()
  for (const token of bad) {
    const response = await stage.revoke(token)
    assert.equal(response.headers.get('www-authenticate'), 'Bearer')
    assert.deepEqual(await answer(response), { status: 401, body: { error: 'invalid token' } })
  }
  assert.equal(stage.sequence(), before)
})

test('a refresh token is not an access token', async () => {
  for (const use of ['refresh', 'id']) {
    const response = await stage.revoke(await stage.issuer.token({ token_use: use }))
    assert.deepEqual(await answer(response), { status: 401, body: { error: 'unexpected token use' } })
  }
})

test('refuses invalid bodies', async () => {
  const json = { 'content-type': 'application/json' }
  const token = await stage.issuer.token()
  const bad: RequestInit[] = [
    { headers: json },
    { headers: json, body: '' },
    { headers: json, body: '{' },
    { headers: json, body: new Uint8Array([0x22, 0xff, 0x22]) },
    { headers: json, body: 'null' },
    { headers: json, body: '"text"' },
    { headers: json, body: JSON.stringify([token]) },
    { headers: json, body: '{}' },
    { headers: json, body: JSON.stringify({ token: '' }) },
    { headers: json, body: JSON.stringify({ token: 7 }) },
    { headers: json, body: JSON.stringify({ token: null }) },
    { headers: json, body: JSON.stringify({ token: [token] }) },
    { headers: json, body: JSON.stringify({ token, extra: 1 }) },
    { headers: json, body: JSON.stringify({ Token: token }) },
    { headers: json, body: `{"token":"${token}","token":"${token}"}` },
    { headers: json, body: `{"token":"x","\\u0074oken":"${token}"}` },
    { headers: json, body: '['.repeat(60_000) },
    { headers: json, body: `{"token":${'['.repeat(30_000)}${']'.repeat(30_000)}}` },
    { headers: json, body: '{"token":1e400}' },
    { headers: { 'content-type': 'text/plain' }, body: JSON.stringify({ token }) },
    { headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: `token=${token}` },
    { headers: { 'content-type': 'application/jsonp' }, body: JSON.stringify({ token }) },
    { body: new Uint8Array(Buffer.from(JSON.stringify({ token }))) },
  ]
  const before = stage.sequence()
  for (const init of bad) {
    const { status, body } = await answer(await stage.get(PATH, { method: 'POST', ...init }))
    assert.equal(status, 400, JSON.stringify(init.body))
    assert.equal((body as { error: string }).error, 'invalid_request')
    assert.ok(!JSON.stringify(body).includes(token.slice(0, 20)))
  }
  assert.equal(stage.sequence(), before)
})

test('refuses a body that is too large, announced or not', async () => {
  const body = JSON.stringify({ token: 'x'.repeat(70_000) })
  assert.equal(
    (await stage.get(PATH, { method: 'POST', headers: { 'content-type': 'application/json' }, body })).status,
    413,
  )
  const stream = new Blob([body]).stream()
  const init = {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: stream,
    duplex: 'half',
  } as RequestInit
  assert.equal((await stage.get(PATH, init)).status, 413)
})

test('names the allowed methods', async () => {
  for (const method of ['GET', 'PUT', 'DELETE', 'OPTIONS']) {
    const response = await stage.get(PATH, { method })
    assert.equal(response.status, 405)
    assert.equal(response.headers.get('allow'), 'POST')
  }
})

test('other paths are not found', async () => {
  for (const path of [
    '/',
    '/v1/auth/token/revoke/',
    '/v1/auth/token',
    '/V1/auth/token/revoke',
    '/v1/auth/token/revoke/x',
  ]) {
    assert.equal((await stage.get(path, { method: 'POST' })).status, 404, path)
  }
})
