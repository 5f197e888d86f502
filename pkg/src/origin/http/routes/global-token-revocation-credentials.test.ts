// POST /realms/{realm}/global-token-revocation: accepted and refused secrets and JWTs.

import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { after, afterEach, before, describe, test } from 'node:test'
import { json, TestServer } from '../../../test-fixtures/server.ts'
import {
  acme,
  ALICE,
  APP,
  call,
  callerOf,
  OKTA,
  okta,
  openRealms,
  OTHER_SECRET,
  SECRET,
  sequencesOf,
  statusOf,
  stranger,
  TYPE,
  unixSeconds,
  urlOf,
} from '../../testing/revocation-callers.ts'
import { ADMINISTRATOR, ISSUER, type Stage } from '../../testing/stage.ts'

let stage: Stage

describe('a credential that is not accepted', () => {
  before(async () => {
    stage = await openRealms({ secrets: [SECRET], callers: [callerOf('acme')] }, { maxFailuresPerMinute: 10_000 })
  })
  after(() => stage.close())

  const now = unixSeconds
  const encoded = (part: unknown): string => Buffer.from(JSON.stringify(part)).toString('base64url')
  const hmac = (key: string, header: object, claims: object): string => {
    const input = [header, claims].map(encoded).join('.')
    return `${input}.${createHmac('sha256', key).update(input).digest('base64url')}`
  }
  const claims = (): object => ({ jti: 'x', iss: OKTA, sub: APP, aud: urlOf('acme'), exp: now() + 300, iat: now() })
  const header = (): object => ({ alg: 'HS256', typ: TYPE, kid: okta.jwk.kid })

  const unknown: [string, () => string | Promise<string>][] = [
    ['an empty one', () => ''],
    ['a guess', () => 'guess'],
    ['the secret with something after it', () => `${SECRET}x`],
    ['the secret in capitals', () => SECRET.toUpperCase()],
    ["an administrator's token", () => acme.token(ADMINISTRATOR)],
    ["an administrator's token for this URL", () => acme.token({ ...ADMINISTRATOR, aud: urlOf('acme') })],
    ["a JWT of the realm's issuer in the caller's shape", () => acme.sign({ ...claims(), iss: ISSUER }, { typ: TYPE })],
    ["a JWT with the caller's name and another key", () => stranger.jwt({}, { kid: okta.jwk.kid })],
    ['a JWT of an unknown key', () => stranger.jwt()],
    ['a JWT of an unknown issuer', () => okta.jwt({ iss: 'https://other.okta.example' })],
    ['a JWT whose issuer has an extra slash', () => okta.jwt({ iss: `${OKTA}/` })],
    ['a JWT for another URL', () => okta.jwt({ aud: 'https://elsewhere.example/global-token-revocation' })],
    ['a JWT for the URL with a query', () => okta.jwt({ aud: `${urlOf('acme')}?a=b` })],
    ['a JWT without an audience', () => okta.jwt({ aud: undefined as never })],
    ['a JWT without an id', () => okta.jwt({ jti: undefined as never })],
    ['a JWT with an empty id', () => okta.jwt({ jti: '' })],
    ['a JWT with a number as its id', () => okta.jwt({ jti: 7 as never })],
    ['a JWT with a very long id', () => okta.jwt({ jti: 'x'.repeat(257) })],
    ['a JWT without a subject', () => okta.jwt({ sub: undefined as never })],
    ['a JWT without a time', () => okta.jwt({ iat: undefined as never })],
    ['a JWT without an expiry', () => okta.jwt({ exp: undefined as never })],
    ['an expired JWT', () => okta.jwt({ exp: now() - 61 })],
    ['a JWT issued tomorrow', () => okta.jwt({ iat: now() + 86_400, exp: now() + 86_700 })],
    ['a JWT that is not valid yet', () => okta.jwt({ nbf: now() + 120 })],
    ['a JWT valid for two hours', () => okta.jwt({ exp: now() + 7_200 })],
    ['a JWT that is an ID token of the same key', () => okta.jwt({}, { typ: 'JWT' })],
    ['a JWT that is an access token of the same key', () => okta.jwt({}, { typ: 'at+jwt' })],
    ['a JWT without a type', () => okta.jwt({}, { typ: undefined })],
    ['a JWT that is signed with the public key as an HMAC secret', () => hmac(okta.publicPem, header(), claims())],
    ['a JWT that is signed with the JWK as an HMAC secret', () => hmac(JSON.stringify(okta.jwk), header(), claims())],
    [
      'a JWT without a signature',
      async () => `${encoded({ alg: 'none', typ: TYPE })}.${(await okta.jwt()).split('.')[1]}.`,
    ],
    [
      'a JWT with an empty signature',
      async () => `${encoded({ alg: 'none', typ: TYPE })}.${(await okta.jwt()).split('.')[1]}.AA`,
    ],
    [
      'a JWT with other claims under its signature',
      async () => {
        const [head, , signature] = (await okta.jwt()).split('.')
        return `${head}.${encoded(claims())}.${signature}`
      },
    ],
    ['a JWT with a critical extension', () => okta.jwt({}, { crit: ['x'], x: 1 })],
    ['garbage in three parts', () => 'a.b.c'],
    ['a number as header', () => `${encoded(1)}.${encoded(1)}.AA`],
  ]
  for (const [name, make] of unknown) {
    test(`${name}: 401, and nothing is recorded`, async () => {
      const before = sequencesOf(stage)
      const response = await call(stage, await make(), { sub_id: ALICE })
      const text = await response.text()
      assert.equal(response.status, 401, text)
      assert.match(response.headers.get('www-authenticate') ?? '', /^Bearer error="invalid_token"/)
      assert.doesNotMatch(text, /alice|guess|okta\.example/)
      assert.deepEqual(sequencesOf(stage), before)
    })
  }

  test('without one: 401 with a bare challenge, before the body is read', async () => {
    for (const body of [{ sub_id: ALICE }, 'nonsense', '']) {
      const response = await call(stage, undefined, body)
      assert.deepEqual([response.status, response.headers.get('www-authenticate')], [401, 'Bearer'])
    }
    assert.equal(await statusOf(stage, 'guess', 'nonsense'), 401)
  })

  const known: [string, () => string | Promise<string>][] = [
    ["another realm's secret", () => OTHER_SECRET],
    ["the provider's JWT for another realm", () => okta.jwt({ aud: urlOf('other') })],
    ["another app's JWT", () => okta.jwt({ sub: '0oa2example' })],
  ]
  for (const [name, make] of known) {
    test(`${name}: 403, and nothing is recorded`, async () => {
      const before = sequencesOf(stage)
      const response = await call(stage, await make(), { sub_id: ALICE })
      assert.deepEqual(
        [response.status, response.headers.get('www-authenticate')],
        [403, 'Bearer error="insufficient_scope"'],
      )
      assert.deepEqual(sequencesOf(stage), before)
    })
  }

  test('a realm without callers, and an unknown one: 404', async () => {
    for (const realm of ['quiet', 'nowhere']) assert.equal(await statusOf(stage, SECRET, { sub_id: ALICE }, realm), 404)
  })

  test('refusals are in the audit log', async () => {
    await stage.origin.audit.list({ realm: 'acme', limit: 1 })
    assert.equal(await statusOf(stage, OTHER_SECRET, { sub_id: ALICE }), 403)
    await new Promise((resolve) => setTimeout(resolve, 50))
    const [line] = await stage.origin.audit.list({ realm: 'acme', action: 'refused', limit: 1 })
    assert.deepEqual([line?.subject, line?.detail], ['/realms/{realm}/global-token-revocation', 'insufficient_scope'])
  })

  test('reports a genuine JWT that is not valid here, and ends the report with one that is', async () => {
    await statusOf(stage, await okta.jwt(), { sub_id: ALICE })
    stage.reports.length = 0
    for (let index = 0; index < 3; index += 1)
      await statusOf(stage, await okta.jwt({ aud: 'https://elsewhere.example/' }), { sub_id: ALICE })
    await statusOf(stage, await stranger.jwt({}, { kid: okta.jwk.kid }), { sub_id: ALICE })
    await statusOf(stage, await okta.jwt(), { sub_id: ALICE })
    assert.deepEqual(
      stage.reports.map(({ kind, connector, condition, error }) => [kind, connector, condition, error?.detail]),
      [
        ['connector', 'global-token-revocation', 'caller', 'wrong_audience'],
        ['connector', 'global-token-revocation', 'caller', undefined],
      ],
    )
  })
})

describe('a JWT', () => {
  afterEach(() => stage.close())

  test('is valid for one request, even among fifty simultaneous ones', async () => {
    stage = await openRealms({ callers: [callerOf('acme')] })
    const once = await okta.jwt()
    const statuses = await Promise.all(Array.from({ length: 50 }, () => statusOf(stage, once, { sub_id: ALICE })))
    assert.deepEqual(
      [statuses.filter((status) => status === 204).length, statuses.filter((status) => status === 401).length],
      [1, 49],
    )
    assert.equal(await statusOf(stage, once, { sub_id: { ...ALICE, sub: 'bob' } }), 401)
    assert.equal(stage.origin.userNotBefore('acme', 'bob'), 0)
  })

  test('is used up by a request that finds no user, but not by one that fails at the origin', async () => {
    let works = false
    const email = (): string | undefined => {
      if (!works) throw new Error('database is away')
      return undefined
    }
    stage = await openRealms({ callers: [callerOf('acme')], subjectsOf: { email } })
    const jwt = await okta.jwt()
    const body = { sub_id: { format: 'email', email: 'alice@example.com' } }
    assert.equal(await statusOf(stage, jwt, body), 500)
    works = true
    assert.equal(await statusOf(stage, jwt, body), 404)
    assert.equal(await statusOf(stage, jwt, body), 401)
  })

  test('may lack its type if the options allow it, but not have another one', async () => {
    stage = await openRealms({ callers: [{ ...callerOf('acme'), untyped: 'accept' }] })
    for (const typ of [
      undefined,
      'JWT',
      'jwt',
      'application/jwt',
      'global-token-revocation+jwt',
      'application/Global-Token-Revocation+jwt',
    ]) {
      assert.equal(await statusOf(stage, await okta.jwt({}, { typ }), { sub_id: ALICE }), 204, typ)
    }
    for (const typ of ['at+jwt', 'logout+jwt', 'secevent+jwt']) {
      assert.equal(await statusOf(stage, await okta.jwt({}, { typ }), { sub_id: ALICE }), 401, typ)
    }
  })

  test('is verified by keys at a URL; without them it gets 503 and is reported, until they can be fetched', async (t) => {
    const server = await TestServer.start((_, response) => response.writeHead(500).end())
    t.after(() => server.close())
    stage = await openRealms({ callers: [{ ...callerOf('acme'), jwks: `${server.url}/keys` }] })
    const jwt = await okta.jwt()
    const response = await call(stage, jwt, { sub_id: ALICE })
    assert.deepEqual([response.status, response.headers.get('retry-after')], [503, '2'])
    server.listener = json({ keys: [okta.jwk] })
    assert.equal(await statusOf(stage, jwt, { sub_id: ALICE }), 204)
    assert.equal(await statusOf(stage, await okta.jwt(), { sub_id: ALICE }), 204)
    assert.deepEqual(server.hits, ['/keys', '/keys'])
    const reports = stage.reports.filter(({ condition }) => condition === 'caller_keys')
    assert.deepEqual(
      reports.map(({ error }) => error?.code),
      ['connector_failed', undefined],
    )
  })
})
