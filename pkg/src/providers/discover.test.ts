// Discovery with documents that are correct, wrong, hostile and slow.

import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { test, type TestContext } from 'node:test'
import type { PortcullisError } from '../errors.ts'
import { json, page, redirect, TestServer } from '../test-fixtures/server.ts'
import { discover, type DiscoverOptions } from './discover.ts'
import { openProviderStage } from './testing/provider-stage.ts'
import { atNow } from './testing/vectors.ts'

const ISSUER = 'https://id.example.com/tenant'
const KEYS = 'https://keys.example.com/jwks'

/** Returns a `fetch` with these documents by URL, and 404 for others. */
function fetchOf(documents: Record<string, unknown>, asked: string[] = []): typeof fetch {
  return async (input, init) => {
    const { url, redirect: redirects } = new Request(input, init)
    assert.equal(redirects, 'manual')
    asked.push(url)
    return url in documents ? Response.json(documents[url]) : new Response('no such page', { status: 404 })
  }
}

function openId(issuer: string): string {
  return `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`
}

async function failureOf(issuer: string, options: Partial<DiscoverOptions>): Promise<string> {
  try {
    await discover(issuer, { audience: 'api', ...options })
  } catch (error) {
    const { code, detail, message } = error as PortcullisError
    assert.doesNotMatch(message, /s3cret|evil/, 'nothing that the server sent')
    return detail === undefined ? code : `${code} ${detail}`
  }
  return 'accepted'
}

async function localServer(t: TestContext): Promise<TestServer> {
  const server = await TestServer.start(page(404))
  t.after(() => server.close())
  return server
}

test('issuer and keys come from the metadata of OpenID Connect', async () => {
  const asked: string[] = []
  const fetch = fetchOf({ [openId(ISSUER)]: { issuer: ISSUER, jwks_uri: KEYS } }, asked)
  assert.deepEqual(await discover(ISSUER, { audience: ['api'], fetch }), {
    name: 'id.example.com',
    issuer: ISSUER,
    audience: ['api'],
    jwks: KEYS,
  })
  assert.deepEqual(asked, ['https://id.example.com/tenant/.well-known/openid-configuration'])
})

test('otherwise they come from the metadata of an OAuth server', async () => {
  const asked: string[] = []
  const fetch = fetchOf(
    { 'https://id.example.com/.well-known/oauth-authorization-server/tenant': { issuer: ISSUER, jwks_uri: KEYS } },
    asked,
  )
  assert.equal((await discover(ISSUER, { audience: 'api', name: 'acme', fetch })).name, 'acme')
  assert.equal(asked.length, 2)
})

test('an issuer keeps its trailing slash', async () => {
  const issuer = 'https://acme.auth0.example.com/'
  const fetch = fetchOf({
    'https://acme.auth0.example.com/.well-known/openid-configuration': { issuer, jwks_uri: KEYS },
  })
  assert.equal((await discover(issuer, { audience: 'api', fetch })).issuer, issuer)
  assert.equal(await failureOf('https://acme.auth0.example.com', { fetch }), 'discovery_failed other_issuer')
})

test('the options serve a gate and an origin', async (t) => {
  const realm = await discover(ISSUER, {
    audience: 'api',
    name: 'acme',
    fetch: fetchOf({ [openId(ISSUER)]: { issuer: ISSUER, jwks_uri: KEYS } }),
  })
  const header = { alg: 'ES256', kid: 'k' }
  const stage = await openProviderStage(t, realm, header)
  const token = await stage.sign({
    header,
    claims: atNow({ iss: ISSUER, aud: 'api', sub: 'alice', jti: 'j', iat: 0, exp: 300 }),
  })
  assert.equal((await stage.check(token)).ok, true)
  await stage.origin.revokeToken(token)
  assert.equal((await stage.check(token)).ok, false)
})

test('metadata of another issuer is refused, even with a similar name', async () => {
  for (const issuer of [
    'https://evil.example.com/tenant',
    `${ISSUER}/`,
    `${ISSUER}?x`,
    'https://ID.example.com/tenant',
    'http://id.example.com/tenant',
    '',
    undefined,
    [ISSUER],
    { a: ISSUER },
  ]) {
    const fetch = fetchOf({ [openId(ISSUER)]: { issuer, jwks_uri: KEYS } })
    assert.equal(await failureOf(ISSUER, { fetch }), 'discovery_failed other_issuer', JSON.stringify(issuer))
  }
})

test('keys must be at a public https: URL', async () => {
  for (const keys of [
    undefined,
    7,
    '',
    'keys',
    'http://keys.example.com/',
    'https://10.0.0.1/',
    'https://localhost/keys',
    'https://a:b@keys.example.com/',
    'data:application/json,{}',
    'file:///etc/passwd',
  ]) {
    const fetch = fetchOf({ [openId(ISSUER)]: { issuer: ISSUER, jwks_uri: keys } })
    assert.equal(await failureOf(ISSUER, { fetch }), 'discovery_failed forbidden_keys', String(keys))
  }
})

test('nothing is fetched for issuers that are not https:, not public, or not issuers', async () => {
  const asked: string[] = []
  for (const issuer of [
    'http://id.example.com',
    'ftp://id.example.com',
    'id.example.com',
    '',
    'https://localhost',
    'https://intranet',
    'https://db.internal',
    'https://127.0.0.1',
    'https://2130706433',
    'https://169.254.169.254/latest',
    'https://[::1]',
    'https://[::ffff:10.0.0.1]',
    'https://user:s3cret@id.example.com',
    'https://id.example.com/?a=b',
    'https://id.example.com/#a',
  ]) {
    assert.equal(await failureOf(issuer, { fetch: fetchOf({}, asked) }), 'invalid_option', issuer)
  }
  for (const issuer of ['http://10.0.0.1', 'http://intranet', 'http://id.example.com']) {
    assert.equal(await failureOf(issuer, { addresses: 'any', fetch: fetchOf({}, asked) }), 'invalid_option', issuer)
  }
  for (const issuer of [undefined, null, 7, new URL(ISSUER), [ISSUER]]) {
    assert.equal(
      await failureOf(issuer as unknown as string, { fetch: fetchOf({}, asked) }),
      'invalid_option',
      String(issuer),
    )
  }
  assert.deepEqual(asked, [])
})

test('options that are missing, wrong or unknown throw', async () => {
  for (const options of [
    { audience: undefined },
    { audience: [] },
    { timeoutMs: -1 },
    { addresses: 'private' },
    { allowPrivate: true },
  ]) {
    assert.equal(
      await failureOf(ISSUER, { fetch: fetchOf({}), ...(options as object) }),
      'invalid_option',
      JSON.stringify(options),
    )
  }
})

test('with addresses any, private networks and this machine are allowed', async (t) => {
  const server = await localServer(t)
  server.listener = json({ issuer: server.url, jwks_uri: `${server.url}/keys` })
  const realm = { name: '127.0.0.1', issuer: server.url, audience: 'api', jwks: `${server.url}/keys` }
  assert.deepEqual(await discover(server.url, { audience: 'api', addresses: 'any' }), realm)
  assert.equal(await failureOf(server.url, {}), 'invalid_option')
})

test('redirects and HTML, oversized, broken and missing responses have a detail each', async (t) => {
  const server = await localServer(t)
  const any = { addresses: 'any' } as const
  for (const [listener, detail] of [
    [redirect('https://evil.example/'), 'redirect'],
    [page(200), 'malformed'],
    [json([]), 'malformed'],
    [json('{}'), 'malformed'],
    [json({ issuer: 'x', padding: 'x'.repeat(70_000) }), 'too_large'],
    [page(404), 'not_found'],
    [page(500), 'not_found'],
  ] as const) {
    server.listener = listener
    assert.equal(await failureOf(server.url, any), `discovery_failed ${detail}`)
  }
  server.listener = (_, response) =>
    void response.writeHead(200, { 'content-length': '100' }).write('{', () => response.destroy())
  assert.equal(await failureOf(server.url, any), 'discovery_failed truncated')
  const { url } = server
  await server.close()
  assert.equal(await failureOf(url, any), 'discovery_failed network')
})

test('times out for a server that never responds or never ends its response', { timeout: 4_000 }, async (t) => {
  const server = await localServer(t)
  for (const listener of [
    () => undefined,
    (_: unknown, response: ServerResponse) => void response.writeHead(200).write('{"issuer":'),
  ]) {
    server.listener = listener
    assert.equal(await failureOf(server.url, { addresses: 'any', timeoutMs: 100 }), 'discovery_failed timeout')
  }
})
