import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import type { PortcullisError } from '../../../../errors.ts'
import { openScene } from '../testing/scene.ts'
import type { FailureDetail } from './failure.ts'
import { KeycloakHttp } from './keycloak-http.ts'
import { RealmClient } from './realm-client.ts'

const EVENTS = { right: 'view-events' }

async function assertFails(promise: Promise<unknown>, detail: FailureDetail): Promise<void> {
  await assert.rejects(promise, (error: PortcullisError) => {
    assert.deepEqual([error.code, error.detail], ['connector_failed', detail])
    assert.match(error.message, /^[^\n]{20,300}$/)
    assert.doesNotMatch(error.message, /bridge-secret|eyJ|made-up/)
    return true
  })
}

const replyWith =
  (status: number, headers: Record<string, string>, body: string) =>
  (_: unknown, response: ServerResponse): boolean => {
    response.writeHead(status, headers).end(body)
    return true
  }

test('one token serves requests that begin together, and is renewed before it expires', async (context) => {
  let nowMs = Date.now()
  const { fake, client } = await openScene(context, {}, () => nowMs)
  await Promise.all(Array.from({ length: 10 }, () => client.get(['events'], EVENTS)))
  const tokens = (): number => fake.requests.filter(({ url }) => url.endsWith('/token')).length
  assert.equal(tokens(), 1)
  nowMs += 200_000
  await client.get(['events'], EVENTS)
  assert.equal(tokens(), 1)
  nowMs += 30_000
  await client.get(['events'], EVENTS)
  assert.equal(tokens(), 2)
  const [request] = fake.requests
  // Never at the realm `master`.
  assert.equal(request?.url, '/realms/acme/protocol/openid-connect/token')
  assert.equal(new URLSearchParams(request?.body).get('grant_type'), 'client_credentials')
})

test('renews a refused token once, even for ten simultaneous requests', async (context) => {
  const { fake, client } = await openScene(context)
  await client.get(['events'], EVENTS)
  fake.revokeTokens()
  const answers = await Promise.all(Array.from({ length: 10 }, () => client.get(['events'], EVENTS)))
  assert.ok(answers.every(({ status }) => status === 200))
  assert.equal(fake.requests.filter(({ url }) => url.endsWith('/token')).length, 2)
})

test('fails after two attempts if a new token is refused', async (context) => {
  const { fake, client } = await openScene(context)
  fake.intercept = (request, response) =>
    request.url?.startsWith('/admin') === true && replyWith(401, {}, '<html>')(request, response)
  await assertFails(client.get(['events'], EVENTS), 'wrong_credentials')
  assert.equal(fake.requests.length, 4)
})

test('methods send JSON below the realm, and return what the caller has to judge', async (context) => {
  const { fake, client } = await openScene(context)
  const answer = await client.put(
    ['users', 'a/b?c', 'x'],
    { enabled: false },
    { right: 'manage-users', query: [['isOffline', 'true']] },
  )
  assert.deepEqual([answer.status, answer.body], [404, { error: 'User not found' }])
  const { method, url, body, authorization } = fake.requests.at(-1) ?? assert.fail()
  assert.deepEqual(
    [method, url, body],
    ['PUT', '/admin/realms/acme/users/a%2Fb%3Fc/x?isOffline=true', '{"enabled":false}'],
  )
  assert.match(authorization ?? '', /^Bearer /)
  await client.post(['logout-all'], undefined, { right: 'manage-users' })
  await client.delete(['sessions', 's1'], { right: 'manage-users' })
  assert.deepEqual(
    fake.requests.slice(-2).map((request) => [request.method, request.url, request.body]),
    [
      ['POST', '/admin/realms/acme/logout-all', ''],
      ['DELETE', '/admin/realms/acme/sessions/s1', ''],
    ],
  )
})

test('does not send a segment that a path cannot contain', async (context) => {
  const { fake, client } = await openScene(context)
  await client.get(['events'], EVENTS)
  const before = fake.requests.length
  for (const segment of ['..', '.', '', 'lone \ud800', 'x/../y', 'x/..', '../y', 'x\\..\\y', 'x/./y', 'x/..;y']) {
    assert.equal((await client.delete(['users', segment, 'x'], EVENTS)).status, 404, segment)
  }
  assert.equal(fake.requests.length, before)
  await client.delete(['users', 'https://app.example/a..b/.c', 'x'], EVENTS)
  assert.equal(fake.requests.length, before + 1)
})

test('the error names the missing right and its client', async (context) => {
  const { fake, client } = await openScene(context)
  fake.rights.clear()
  await assertFails(client.get(['events'], EVENTS), 'missing_right')
  await assert.rejects(
    client.get(['clients'], { right: 'view-clients' }),
    /client 'bridge' lacks the role 'view-clients' of the client realm-management/,
  )
})

test('distinguishes wrong credentials from a renamed realm, even if the token is still valid', async (context) => {
  const { fake, client, realm } = await openScene(context)
  await client.get(['events'], EVENTS)
  fake.realm = 'renamed'
  await assertFails(client.get(['events'], EVENTS), 'unknown_realm')
  fake.revokeTokens()
  await assertFails(client.get(['events'], EVENTS), 'unknown_realm')
  await assertFails(realm.notBefore(), 'unknown_realm')
  fake.realm = 'acme'
  fake.accounts.set('bridge', 'another-secret')
  await assertFails(client.get(['events'], EVENTS), 'wrong_credentials')
})

test('a login page, a redirect, a long body and a failing server are distinct failures', async (context) => {
  const { fake, client, realm } = await openScene(context)
  await client.get(['events'], EVENTS)
  const page = '<!doctype html><title>made-up</title>'
  fake.intercept = replyWith(200, { 'content-type': 'text/html' }, page)
  await assertFails(client.get(['events'], EVENTS), 'not_json')
  await assertFails(realm.notBefore(), 'not_json')
  fake.intercept = replyWith(404, { 'content-type': 'text/html' }, page)
  await assertFails(client.get(['users', 'u1'], EVENTS), 'not_json')
  fake.intercept = replyWith(200, { 'content-type': 'application/json' }, '{"another":"document"}')
  await assertFails(realm.notBefore(), 'not_json')
  await assertFails(realm.issuer(), 'not_json')
  fake.intercept = replyWith(200, {}, `"${'x'.repeat(5 * 1024 * 1024)}"`)
  await assertFails(client.get(['events'], EVENTS), 'too_large')
  fake.intercept = replyWith(503, {}, page)
  await assertFails(client.get(['events'], EVENTS), 'server_error')
  fake.intercept = () => true
  await assertFails(
    new RealmClient(
      new KeycloakHttp({ baseUrl: fake.baseUrl, fetch, plainHttp: 'loopback', timeoutMs: 50 }),
      'acme',
    ).notBefore(),
    'timeout',
  )
})

test('accepts a token only if a header can carry it', async (context) => {
  const { fake, client } = await openScene(context)
  for (const body of ['[]', '{}', '{"access_token":7}', '{"access_token":"a b"}', '{"access_token":"a\\r\\nx: y"}']) {
    fake.intercept = replyWith(200, {}, body)
    await assertFails(client.get(['events'], EVENTS), 'not_json')
  }
})

test('sends no credentials to a redirect, and reports a missing server as unreachable', async (context) => {
  const { fake, client } = await openScene(context)
  let reached = 0
  const elsewhere = createServer((_, response) => {
    reached += 1
    response.end('{}')
  })
  await new Promise<void>((resolve) => elsewhere.listen(0, '127.0.0.1', resolve))
  context.after(() => elsewhere.close())
  fake.intercept = replyWith(307, { location: `http://127.0.0.1:${(elsewhere.address() as AddressInfo).port}/` }, '')
  await assertFails(client.get(['events'], EVENTS), 'redirect')
  fake.intercept = undefined
  await client.get(['events'], EVENTS)
  fake.intercept = replyWith(302, { location: '/realms/acme' }, '')
  await assertFails(client.post(['logout-all'], undefined, EVENTS), 'redirect')
  assert.equal(reached, 0)
  await fake.close()
  await assertFails(client.get(['events'], EVENTS), 'unreachable')
})

test('closing aborts requests in progress, and later ones are not sent', async (context) => {
  const { fake, http, realm } = await openScene(context, { timeoutMs: 60_000 })
  fake.intercept = () => true
  const underWay = assert.rejects(realm.notBefore(), { code: 'connector_failed' })
  while (fake.requests.length === 0) await new Promise((resolve) => setTimeout(resolve, 5))
  http.close()
  await underWay
  await assert.rejects(realm.notBefore(), { code: 'connector_failed' })
  assert.equal(fake.requests.length, 1)
})

test('allows http: only for this machine, unless it is allowed anywhere', () => {
  const make = (baseUrl: string, plainHttp: 'loopback' | 'anywhere') =>
    new KeycloakHttp({ baseUrl, fetch, plainHttp, timeoutMs: 1 })
  assert.throws(() => make('http://sso.example', 'loopback'), { code: 'invalid_option' })
  make('http://sso.example', 'anywhere')
  make('https://sso.example', 'loopback')
  make('http://localhost:8080', 'loopback')
})

test("learns Keycloak's clock from the tokens that it issues", async (context) => {
  const { fake, client, clock } = await openScene(context)
  fake.aheadSeconds = 120
  await client.get(['events'], EVENTS)
  const aheadMs = clock.latestMs() - Date.now()
  assert.ok(aheadMs > 119_000 && aheadMs < 124_000, `${aheadMs}`)
})

test('a base path is kept', async (context) => {
  const { fake } = await openScene(context)
  const http = new KeycloakHttp({ baseUrl: `${fake.baseUrl}/auth`, fetch, plainHttp: 'loopback', timeoutMs: 2_000 })
  await assertFails(new RealmClient(http, 'acme').notBefore(), 'unknown_realm')
  assert.equal(fake.requests.at(-1)?.url, '/auth/realms/acme')
})
