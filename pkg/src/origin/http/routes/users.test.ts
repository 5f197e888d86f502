import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { ADMINISTRATOR, createTestIssuer, openStage, type Stage, type TestIssuer } from '../../testing/stage.ts'

let stage: Stage
let acme: TestIssuer
let other: TestIssuer
before(async () => {
  acme = await createTestIssuer('acme', 'https://issuer.test/realms/acme')
  other = await createTestIssuer('other', 'https://issuer.test/realms/other')
  stage = await openStage({ realms: [acme.realm, { ...other.realm, adminRole: 'root' }] })
})
after(() => stage.close())

function logout(user: string, token?: string, realm = 'acme'): Promise<Response> {
  const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` }
  return stage.get(`/admin/realms/${realm}/users/${user}/logout`, { method: 'POST', headers })
}

test('an administrator logs a user out, known or unknown, with any name', async () => {
  const token = await acme.token(ADMINISTRATOR)
  const users = ['alice', 'nobody', 'auth0|5f7c', 'f:8b:名前', 'a/b', '..x', '100%', 'a b']
  for (const user of users) {
    const before = stage.sequence()
    const response = await logout(encodeURIComponent(user), token)
    assert.equal(response.status, 204)
    assert.equal(await response.text(), '')
    assert.equal(stage.sequence(), before + 1)
    const now = Math.floor(Date.now() / 1000)
    const notBefore = stage.origin.userNotBefore('acme', user)
    assert.ok(Math.abs(notBefore - now - 2) <= 1, `not-before of ${user} is ${notBefore - now} s from now`)
  }
})

test('a request without credentials gets a bare challenge', async () => {
  const response = await logout('alice')
  assert.equal(response.status, 401)
  assert.equal(response.headers.get('www-authenticate'), 'Bearer')
})

test('refuses an invalid token before checking anything else', async () => {
  const stranger = await createTestIssuer('acme', 'https://issuer.test/realms/acme')
  const now = Math.floor(Date.now() / 1000)
  const bad = [
    '',
    'x',
    await stranger.token(ADMINISTRATOR),
    await acme.token({ ...ADMINISTRATOR, aud: 'somebody else' }),
    await acme.token({ ...ADMINISTRATOR, iat: now - 400, exp: now - 100 }),
    await acme.token({ ...ADMINISTRATOR, token_use: 'refresh' }),
  ]
  const before = stage.sequence()
  for (const token of bad) {
    for (const user of ['alice', '%ff', 'x'.repeat(5_000)]) {
      const response = await logout(user, token)
      assert.equal(response.status, 401)
      assert.match(response.headers.get('www-authenticate') ?? '', /^Bearer error="invalid_token"/)
    }
  }
  assert.equal(stage.sequence(), before)
})

test('refuses a token without the role, or with a role for another realm', async () => {
  const tokens = [
    await acme.token({ sub: 'bob' }),
    await acme.token({ sub: 'bob', realm_access: { roles: [] } }),
    await acme.token({ sub: 'bob', realm_access: { roles: 'portcullis-admin' } }),
    await acme.token({ sub: 'bob', realm_access: 'portcullis-admin' }),
    await acme.token({ sub: 'bob', roles: ['portcullis-admin'] }),
    await acme.token({ sub: 'bob', realm_access: { roles: ['root'] } }),
    await other.token({ realm_access: { roles: ['portcullis-admin', 'root'] } }),
  ]
  for (const token of tokens) {
    const response = await logout('%ff', token)
    assert.equal(response.status, 403)
    assert.match(response.headers.get('www-authenticate') ?? '', /error="insufficient_scope"/)
  }
  assert.equal((await logout('alice', await acme.token(ADMINISTRATOR), 'missing')).status, 403)
})

test("a realm's own role counts in that realm", async () => {
  assert.equal((await logout('alice', await other.token({ realm_access: { roles: ['root'] } }), 'other')).status, 204)
})

test('a logged-out administrator loses access at once', async () => {
  const token = await acme.token({ ...ADMINISTRATOR, sub: 'leaver' })
  assert.equal((await logout('alice', token)).status, 204)
  assert.equal((await logout('leaver', token)).status, 204)
  assert.equal((await logout('alice', token)).status, 401)
  const another = await acme.token(ADMINISTRATOR)
  assert.equal((await stage.revoke(another)).status, 200)
  assert.equal((await logout('alice', another)).status, 401)
})

test('refuses a name that cannot be recorded', async () => {
  const token = await acme.token(ADMINISTRATOR)
  for (const user of ['%ff', 'x'.repeat(1_025), '%00', '..%2fx', 'a%2F..%5Cb'])
    assert.equal((await logout(user, token)).status, 400)
})

test('names the allowed methods', async () => {
  const response = await stage.get('/admin/realms/acme/users/alice/logout')
  assert.equal(response.status, 405)
  assert.equal(response.headers.get('allow'), 'POST')
})
