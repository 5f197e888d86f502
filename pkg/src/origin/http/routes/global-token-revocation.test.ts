import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { after, afterEach, before, beforeEach, describe, test } from 'node:test'
import { exportJWK, exportSPKI, generateKeyPair, type JWTPayload, SignJWT } from 'jose'
import { json, TestServer } from '../../../test-fixtures/server.ts'
import type { Connector } from '../../connectors/connector.ts'
import type { Forwarder } from '../../connectors/forwarder.ts'
import type { FoundSubjects } from '../../connectors/global-revocation.ts'
import type { GlobalTokenRevocationOptions, JWK, OriginRealm, RevocationCaller, SubjectResolvers } from '../../index.ts'
import { ADMINISTRATOR, createTestIssuer, ISSUER, openStage, type Stage, type TestIssuer } from '../../testing/stage.ts'

const OKTA = 'https://acme.okta.example'
const APP = '0oa1example'
const SECRET = 'a-security-tool-of-acme'
const OTHER_SECRET = 'a-security-tool-of-other'
/** The header's type in Okta's documentation. */
const TYPE = 'global-token-revocation+jwt'
const ALICE = { format: 'iss_sub', iss: ISSUER, sub: 'alice' }

/** An identity provider that signs its requests, in the shape that Okta documents (Build Universal Logout for your app). */
interface Provider {
  jwk: JWK
  publicPem: string
  jwt(claims?: JWTPayload, header?: Record<string, unknown>): Promise<string>
}

async function createProvider(): Promise<Provider> {
  const { publicKey, privateKey } = await generateKeyPair('RS256', { extractable: true })
  const kid = crypto.randomUUID()
  return {
    jwk: { ...(await exportJWK(publicKey)), kid, alg: 'RS256', use: 'sig' } as JWK,
    publicPem: await exportSPKI(publicKey),
    async jwt(claims = {}, header = {}) {
      const now = unixSeconds()
      const good = { jti: crypto.randomUUID(), iss: OKTA, sub: APP, aud: urlOf('acme'), exp: now + 300, nbf: now - 300, iat: now }
      const all = Object.entries({ ...good, ...claims }).filter(([, value]) => value !== undefined)
      const parts = Object.entries({ typ: TYPE, kid, ...header }).filter(([, value]) => value !== undefined)
      return new SignJWT(Object.fromEntries(all))
        .setProtectedHeader({ alg: 'RS256', ...Object.fromEntries(parts) })
        .sign(privateKey, { crit: { x: true } })
    },
  }
}

function urlOf(realm: string): string {
  return `https://origin.example/realms/${realm}/global-token-revocation`
}

let okta: Provider
let stranger: Provider
let acme: TestIssuer
let other: TestIssuer
let stage: Stage

before(async () => {
  ;[okta, stranger] = [await createProvider(), await createProvider()]
  ;[acme, other] = [await createTestIssuer(), await createTestIssuer('other', 'https://issuer.test/realms/other')]
})

function callerOf(realm: string): RevocationCaller {
  return { issuer: OKTA, jwks: { keys: [okta.jwk] }, audience: urlOf(realm), subject: APP }
}

async function open(globalTokenRevocation: GlobalTokenRevocationOptions, more: Partial<Parameters<typeof openStage>[0]> = {}): Promise<Stage> {
  const realms: OriginRealm[] = [
    { ...acme.realm, issuerSkewSeconds: 0, globalTokenRevocation },
    { ...other.realm, globalTokenRevocation: { secrets: [OTHER_SECRET], callers: [callerOf('other')] } },
    { ...(await createTestIssuer('quiet', 'https://issuer.test/realms/quiet')).realm },
  ]
  return openStage({ realms, ...more })
}

interface CallOptions {
  realm?: string
  query?: string
  type?: string
}

async function call(credential: string | undefined, body: unknown, given: CallOptions = {}): Promise<Response> {
  const { realm = 'acme', query = '', type = 'application/json' } = given
  const headers = { 'content-type': type, ...(credential === undefined ? {} : { authorization: `Bearer ${credential}` }) }
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  return stage.get(`/realms/${realm}/global-token-revocation${query}`, { method: 'POST', headers, body: text })
}

async function statusOf(credential: string | undefined, body: unknown, realm = 'acme'): Promise<number> {
  const response = await call(credential, body, { realm })
  await response.arrayBuffer()
  return response.status
}

function unixSeconds(): number {
  return Math.floor(Date.now() / 1000)
}

/** Whether a token of alice's is refused that was issued then. */
function refusesAlice(issuedAt: number): boolean {
  return stage.origin.refuses('acme', { subject: 'alice', issuedAt, expiresAt: issuedAt + 300 }) === 'user_revoked'
}

function sequences(): number[] {
  return stage.origin.status().map(({ sequence }) => sequence)
}

describe('a caller', () => {
  beforeEach(async () => {
    stage = await open({ secrets: [SECRET], callers: [callerOf('acme')] })
  })
  afterEach(() => stage.close())

  test('with a JWT as Okta sends it has all tokens of a user revoked, and the next login works', async () => {
    const token = await acme.token()
    const before = unixSeconds()
    assert.equal(refusesAlice(before), false)
    const response = await call(await okta.jwt(), { sub_id: ALICE })
    assert.deepEqual([response.status, await response.text(), response.headers.get('cache-control')], [204, '', 'no-store'])
    assert.equal(refusesAlice(before), true)
    assert.equal(refusesAlice(unixSeconds() + 1), false)
    assert.equal(stage.origin.refuses('acme', { subject: 'bob', issuedAt: 1, expiresAt: 2 }), undefined)
    assert.equal(stage.origin.userNotBefore('other', 'alice'), 0)
    assert.equal((await stage.revoke(token)).status, 200)
  })

  test('with a secret likewise; the member may have its older name, and opaque names the sub', async () => {
    const opaque = { format: 'opaque', id: 'alice' }
    for (const body of [{ sub_id: ALICE }, { subject: ALICE }, { sub_id: opaque }, { subject: opaque }]) {
      await stage.close()
      stage = await open({ secrets: ['one-more-secret-of-acme', SECRET] })
      const before = unixSeconds()
      assert.equal(await statusOf(SECRET, body), 204)
      assert.equal(refusesAlice(before), true)
    }
  })

  test('is in the audit log, under an action of its own', async () => {
    assert.equal(await statusOf(await okta.jwt(), { sub_id: ALICE }), 204)
    assert.equal(await statusOf(SECRET, { sub_id: { format: 'opaque', id: 'bob' } }), 204)
    const lines = await stage.origin.audit.list({ realm: 'acme', action: 'tokens_revoked_globally', limit: 10 })
    assert.deepEqual(
      lines.map(({ actor, subject, detail }) => [actor, subject, detail]),
      [
        ['connector:global-token-revocation', 'bob', 'secret'],
        ['connector:global-token-revocation', 'alice', `caller ${OKTA}`],
      ],
    )
    assert.ok(lines.every(({ sequence, address }) => sequence !== undefined && address !== undefined))
  })

  test('may wait for the edges', async () => {
    const response = await call(SECRET, { sub_id: ALICE }, { query: '?wait=enforced&timeoutMs=0' })
    assert.equal(response.status, 200)
    assert.equal(((await response.json()) as { sequence: number }).sequence, sequences()[0])
    assert.equal((await call(SECRET, { sub_id: ALICE }, { query: '?wait=nonsense' })).status, 400)
  })

  test('is told that the identity server is to end its sessions too', async () => {
    const told: string[] = []
    const forwarder: Forwarder = {
      messageFor(event) {
        told.push(event.action)
        return { entry: { queue: 'kept', at: event.now, payload: new Uint8Array() } }
      },
      stored: async () => 'queued',
      withdrawn: () => undefined,
    }
    const connector: Connector = { name: 'kept', realm: 'acme', connect: () => ({ receivers: {}, forwarder, start() {}, async close() {} }) }
    await stage.close()
    stage = await open({ secrets: [SECRET], subjectsOf: { opaque: () => ['alice', 'bob'] } }, { connectors: [connector] })
    const response = await call(SECRET, { sub_id: { format: 'opaque', id: 'family' } })
    assert.deepEqual([response.status, response.headers.get('portcullis-upstream')], [204, 'queued'])
    assert.deepEqual(told, ['tokens_revoked_globally', 'tokens_revoked_globally'])
  })

  test('needs no query in its audience, and a user of another realm is out of its reach', async () => {
    assert.equal((await call(await okta.jwt(), { sub_id: { ...ALICE, iss: 'https://issuer.test/realms/other' } })).status, 404)
    assert.equal(stage.origin.userNotBefore('other', 'alice'), 0)
  })
})

describe('a credential that does not open the route', () => {
  before(async () => {
    stage = await open({ secrets: [SECRET], callers: [callerOf('acme')] }, { maxFailuresPerMinute: 10_000 })
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
    ['a JWT whose issuer has a slash more', () => okta.jwt({ iss: `${OKTA}/` })],
    ['a JWT for another URL', () => okta.jwt({ aud: 'https://elsewhere.example/global-token-revocation' })],
    ['a JWT for the URL with a query', () => okta.jwt({ aud: `${urlOf('acme')}?a=b` })],
    ['a JWT without an audience', () => okta.jwt({ aud: undefined as never })],
    ['a JWT without an id', () => okta.jwt({ jti: undefined as never })],
    ['a JWT with an empty id', () => okta.jwt({ jti: '' })],
    ['a JWT with a number as its id', () => okta.jwt({ jti: 7 as never })],
    ['a JWT with an endless id', () => okta.jwt({ jti: 'x'.repeat(257) })],
    ['a JWT without a subject', () => okta.jwt({ sub: undefined as never })],
    ['a JWT without a time', () => okta.jwt({ iat: undefined as never })],
    ['a JWT without an end', () => okta.jwt({ exp: undefined as never })],
    ['an expired JWT', () => okta.jwt({ exp: now() - 61 })],
    ['a JWT of tomorrow', () => okta.jwt({ iat: now() + 86_400, exp: now() + 86_700 })],
    ['a JWT that is not valid yet', () => okta.jwt({ nbf: now() + 120 })],
    ['a JWT that lives two hours', () => okta.jwt({ exp: now() + 7_200 })],
    ['a JWT that is an ID token of the same key', () => okta.jwt({}, { typ: 'JWT' })],
    ['a JWT that is an access token of the same key', () => okta.jwt({}, { typ: 'at+jwt' })],
    ['a JWT without a type', () => okta.jwt({}, { typ: undefined })],
    ['a JWT that is signed with the public key as an HMAC secret', () => hmac(okta.publicPem, header(), claims())],
    ['a JWT that is signed with the JWK as an HMAC secret', () => hmac(JSON.stringify(okta.jwk), header(), claims())],
    ['a JWT without a signature', async () => `${encoded({ alg: 'none', typ: TYPE })}.${(await okta.jwt()).split('.')[1]}.`],
    ['a JWT with a signature of nothing', async () => `${encoded({ alg: 'none', typ: TYPE })}.${(await okta.jwt()).split('.')[1]}.AA`],
    ['a JWT with other claims under its signature', async () => {
      const [head, , signature] = (await okta.jwt()).split('.')
      return `${head}.${encoded(claims())}.${signature}`
    }],
    ['a JWT with an extension that must be understood', () => okta.jwt({}, { crit: ['x'], x: 1 })],
    ['garbage in three parts', () => 'a.b.c'],
    ['a number as header', () => `${encoded(1)}.${encoded(1)}.AA`],
  ]
  for (const [name, make] of unknown) {
    test(`${name}: 401, and nothing is recorded`, async () => {
      const before = sequences()
      const response = await call(await make(), { sub_id: ALICE })
      const text = await response.text()
      assert.equal(response.status, 401, text)
      assert.match(response.headers.get('www-authenticate') ?? '', /^Bearer error="invalid_token"/)
      assert.doesNotMatch(text, /alice|guess|okta\.example/)
      assert.deepEqual(sequences(), before)
    })
  }

  test('none: 401 with a bare challenge, before the body is looked at', async () => {
    for (const body of [{ sub_id: ALICE }, 'nonsense', '']) {
      const response = await call(undefined, body)
      assert.deepEqual([response.status, response.headers.get('www-authenticate')], [401, 'Bearer'])
    }
    assert.equal(await statusOf('guess', 'nonsense'), 401)
  })

  const known: [string, () => string | Promise<string>][] = [
    ["another realm's secret", () => OTHER_SECRET],
    ["the provider's JWT for another realm", () => okta.jwt({ aud: urlOf('other') })],
    ["another app's JWT", () => okta.jwt({ sub: '0oa2example' })],
  ]
  for (const [name, make] of known) {
    test(`${name}: 403, and nothing is recorded`, async () => {
      const before = sequences()
      const response = await call(await make(), { sub_id: ALICE })
      assert.deepEqual([response.status, response.headers.get('www-authenticate')], [403, 'Bearer error="insufficient_scope"'])
      assert.deepEqual(sequences(), before)
    })
  }

  test('a realm without callers, and an unknown one: 404', async () => {
    for (const realm of ['quiet', 'nowhere']) assert.equal(await statusOf(SECRET, { sub_id: ALICE }, realm), 404)
  })

  test('refusals are in the audit log', async () => {
    await stage.origin.audit.list({ realm: 'acme', limit: 1 })
    assert.equal(await statusOf(OTHER_SECRET, { sub_id: ALICE }), 403)
    await new Promise((resolve) => setTimeout(resolve, 50))
    const [line] = await stage.origin.audit.list({ realm: 'acme', action: 'refused', limit: 1 })
    assert.deepEqual([line?.subject, line?.detail], ['/realms/{realm}/global-token-revocation', 'insufficient_scope'])
  })

  test('a genuine JWT that does not fit is reported, and the report ends with one that does', async () => {
    await statusOf(await okta.jwt(), { sub_id: ALICE })
    stage.reports.length = 0
    for (let index = 0; index < 3; index += 1) await statusOf(await okta.jwt({ aud: 'https://elsewhere.example/' }), { sub_id: ALICE })
    await statusOf(await stranger.jwt({}, { kid: okta.jwk.kid }), { sub_id: ALICE })
    await statusOf(await okta.jwt(), { sub_id: ALICE })
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

  test('serves for one request, also of fifty that come at the same time', async () => {
    stage = await open({ callers: [callerOf('acme')] })
    const once = await okta.jwt()
    const statuses = await Promise.all(Array.from({ length: 50 }, () => statusOf(once, { sub_id: ALICE })))
    assert.deepEqual([statuses.filter((status) => status === 204).length, statuses.filter((status) => status === 401).length], [1, 49])
    assert.equal(await statusOf(once, { sub_id: { ...ALICE, sub: 'bob' } }), 401)
    assert.equal(stage.origin.userNotBefore('acme', 'bob'), 0)
  })

  test('is used up by a request that finds nobody, but not by a failure of ours', async () => {
    let works = false
    const email = (): string | undefined => {
      if (!works) throw new Error('database is away')
      return undefined
    }
    stage = await open({ callers: [callerOf('acme')], subjectsOf: { email } })
    const jwt = await okta.jwt()
    const body = { sub_id: { format: 'email', email: 'alice@example.com' } }
    assert.equal(await statusOf(jwt, body), 500)
    works = true
    assert.equal(await statusOf(jwt, body), 404)
    assert.equal(await statusOf(jwt, body), 401)
  })

  test('may lack its type if the options say so, but have no other one', async () => {
    stage = await open({ callers: [{ ...callerOf('acme'), untyped: 'accept' }] })
    for (const typ of [undefined, 'JWT', 'jwt', 'application/jwt', 'global-token-revocation+jwt', 'application/Global-Token-Revocation+jwt']) {
      assert.equal(await statusOf(await okta.jwt({}, { typ }), { sub_id: ALICE }), 204, typ)
    }
    for (const typ of ['at+jwt', 'logout+jwt', 'secevent+jwt']) assert.equal(await statusOf(await okta.jwt({}, { typ }), { sub_id: ALICE }), 401, typ)
  })

  test('is verified by keys at a URL; without them it is 503 and reported, until they can be fetched', async (t) => {
    const server = await TestServer.start((_, response) => response.writeHead(500).end())
    t.after(() => server.close())
    stage = await open({ callers: [{ ...callerOf('acme'), jwks: `${server.url}/keys` }] })
    const jwt = await okta.jwt()
    const response = await call(jwt, { sub_id: ALICE })
    assert.deepEqual([response.status, response.headers.get('retry-after')], [503, '2'])
    server.listener = json({ keys: [okta.jwk] })
    assert.equal(await statusOf(jwt, { sub_id: ALICE }), 204)
    assert.equal(await statusOf(await okta.jwt(), { sub_id: ALICE }), 204)
    assert.deepEqual(server.hits, ['/keys', '/keys'])
    const reports = stage.reports.filter(({ condition }) => condition === 'caller_keys')
    assert.deepEqual(reports.map(({ error }) => error?.code), ['connector_failed', undefined])
  })
})

describe('an identifier', () => {
  before(async () => {
    stage = await open({ secrets: [SECRET] })
  })
  after(() => stage.close())

  const malformed: [string, unknown][] = [
    ['no body', ''],
    ['no JSON', '{'],
    ['a list', []],
    ['null', 'null'],
    ['no identifier', {}],
    ['an identifier that is null', { sub_id: null }],
    ['an identifier that is a string', { sub_id: 'alice' }],
    ['an identifier that is a list', { sub_id: [ALICE] }],
    ['both names of it', { sub_id: ALICE, subject: ALICE }],
    ['a member besides', { sub_id: ALICE, reason: 'x' }],
    ['no format', { sub_id: { iss: ISSUER, sub: 'alice' } }],
    ['a format that is a number', { sub_id: { ...ALICE, format: 1 } }],
    ['an unknown format', { sub_id: { format: 'uid', id: 'alice' } }],
    ['a format that every object has', { sub_id: { format: 'constructor', id: 'alice' } }],
    ['several', { sub_id: { format: 'aliases', identifiers: [ALICE] } }],
    ['a format that nobody resolves', { sub_id: { format: 'email', email: 'alice@example.com' } }],
    ['a telephone that nobody resolves', { sub_id: { format: 'phone_number', phone_number: '+12065550100' } }],
    ['no issuer', { sub_id: { format: 'iss_sub', sub: 'alice' } }],
    ['a member of another format', { sub_id: { ...ALICE, email: 'alice@example.com' } }],
    ['an empty name', { sub_id: { ...ALICE, sub: '' } }],
    ['a name that is an object', { sub_id: { ...ALICE, sub: { $gt: '' } } }],
    ['a name that is too long', { sub_id: { ...ALICE, sub: 'ä'.repeat(513) } }],
    ['a name with half a character', { sub_id: { ...ALICE, sub: '\ud800' } }],
    ['a member twice', `{"sub_id":{"format":"opaque","id":"bob","id":"alice"}}`],
    ['an identifier twice', `{"sub_id":{"format":"opaque","id":"bob"},"sub_id":{"format":"opaque","id":"alice"}}`],
  ]
  for (const [name, body] of malformed) {
    test(`${name}: 400, and nothing is recorded`, async () => {
      const before = sequences()
      const response = await call(SECRET, body)
      const { error } = (await response.json()) as { error: string }
      assert.deepEqual([response.status, error], [400, 'invalid_request'])
      assert.deepEqual(sequences(), before)
    })
  }

  test('in a form, or of 100 KB: 400 and 413', async () => {
    assert.equal((await call(SECRET, 'sub_id=alice', { type: 'application/x-www-form-urlencoded' })).status, 400)
    assert.equal(await statusOf(SECRET, { sub_id: { format: 'opaque', id: 'x'.repeat(100_000) } }), 413)
  })

  test('of a foreign issuer: 404', async () => {
    for (const iss of ['https://elsewhere.example', `${ISSUER}/`, ISSUER.toUpperCase()]) {
      const response = await call(SECRET, { sub_id: { ...ALICE, iss } })
      assert.deepEqual([response.status, ((await response.json()) as { error: string }).error], [404, 'user_not_found'])
    }
  })
})

describe('a resolver', () => {
  afterEach(() => stage.close())
  const mail = (email: string): object => ({ sub_id: { format: 'email', email } })

  async function openWith(subjectsOf: SubjectResolvers): Promise<void> {
    stage = await open({ secrets: [SECRET], callers: [callerOf('acme')], subjectsOf })
  }

  test('gets what was sent, unchanged, and who calls; all users that it returns are logged out', async () => {
    const seen: unknown[] = []
    await openWith({
      async email(identifier, request) {
        seen.push([identifier, request])
        return ['alice', 'bob', 'alice']
      },
    })
    const address = ' ÄLICE+x@Example.COM'
    assert.equal(await statusOf(SECRET, mail(address)), 204)
    assert.equal(await statusOf(await okta.jwt(), mail('"a@b"@example.com')), 204)
    assert.deepEqual(seen, [
      [{ format: 'email', email: address }, { caller: undefined }],
      [{ format: 'email', email: '"a@b"@example.com' }, { caller: OKTA }],
    ])
    for (const sub of ['alice', 'bob']) assert.ok(stage.origin.userNotBefore('acme', sub) > 0)
    for (const email of ['alice', '@', 'alice@', '@example.com', 'alice@exa\nmple.com', 'a\u0000@b']) {
      assert.equal(await statusOf(SECRET, mail(email)), 400, email)
    }
    assert.equal(seen.length, 2)
  })

  test('may take any format, also instead of what it means by default', async () => {
    await openWith({
      account: ({ uri }) => uri.slice('acct:'.length),
      did: ({ url }) => url,
      iss_sub: ({ iss, sub }, { caller }) => (iss === 'https://upstream.example' && caller === undefined ? `upstream|${sub}` : undefined),
      opaque: ({ id }) => (id === 'alice' ? 'a1' : undefined),
      phone_number: ({ phone_number }) => phone_number,
      uri: async ({ uri }) => [uri],
    })
    const found: [object, string][] = [
      [{ format: 'account', uri: 'acct:alice@example.com' }, 'alice@example.com'],
      [{ format: 'did', url: 'did:example:123' }, 'did:example:123'],
      [{ format: 'iss_sub', iss: 'https://upstream.example', sub: '7' }, 'upstream|7'],
      [{ format: 'opaque', id: 'alice' }, 'a1'],
      [{ format: 'phone_number', phone_number: '+12065550100' }, '+12065550100'],
      [{ format: 'uri', uri: 'urn:alice' }, 'urn:alice'],
    ]
    for (const [identifier, sub] of found) {
      assert.equal(await statusOf(SECRET, { sub_id: identifier }), 204)
      assert.ok(stage.origin.userNotBefore('acme', sub) > 0, sub)
    }
    assert.equal(await statusOf(SECRET, { sub_id: ALICE }), 404)
    assert.equal(await statusOf(await okta.jwt(), { sub_id: { format: 'iss_sub', iss: 'https://upstream.example', sub: '8' } }), 404)
  })

  const outcomes: [string, () => unknown, number, string?][] = [
    ['nobody', () => undefined, 404],
    ['null', () => null, 404],
    ['an empty list', () => [], 404],
    ['a promise of nobody', async () => undefined, 404],
    ['an empty name', () => '', 422, 'cannot_revoke'],
    ['a number', () => 7, 422, 'cannot_revoke'],
    ['a user of a foreign issuer', () => ({ iss: 'https://elsewhere.example', sub: 'alice' }), 422, 'cannot_revoke'],
    ['an object without a name', () => ({ id: 'alice' }), 422, 'cannot_revoke'],
    ['a set', () => new Set(['alice']), 422, 'cannot_revoke'],
    ['half a character', () => 'alice\udc00', 422, 'cannot_revoke'],
    ['a name of 2 KB', () => 'x'.repeat(2_048), 422, 'cannot_revoke'],
    ['one good name and one bad', () => ['alice', ''], 422, 'cannot_revoke'],
    ['101 names', () => Array.from({ length: 101 }, (_, index) => `user${index}`), 422, 'cannot_revoke'],
    ['a million names', () => Array.from({ length: 1_000_000 }, (_, index) => `user${index}`), 422, 'cannot_revoke'],
    ['an error', () => { throw new Error('alice is not to be told') }, 500, 'resolver_failed'],
    ['a rejection', () => Promise.reject(new Error('alice is not to be told')), 500, 'resolver_failed'],
  ]
  for (const [name, email, status, reported] of outcomes) {
    test(`that returns ${name}: ${status}, and nothing is recorded`, async () => {
      await openWith({ email: email as () => string })
      const before = sequences()
      const response = await call(SECRET, mail('alice@example.com'))
      assert.equal(response.status, status)
      assert.doesNotMatch(await response.text(), /alice|told/)
      assert.deepEqual(sequences(), before)
      const reports = stage.reports.filter(({ condition }) => condition === 'subjectsOf')
      assert.deepEqual(reports.map(({ error }) => error?.detail), reported === undefined ? [] : [reported])
      assert.ok(reports.every(({ error }) => !/alice/.test(error?.message ?? '')))
    })
  }

  test('that never answers: 503 after five seconds, and other callers do not wait for it', async () => {
    await openWith({ email: () => new Promise(() => undefined) })
    const before = sequences()
    const began = performance.now()
    const waiting = Promise.all(Array.from({ length: 20 }, () => call(SECRET, mail('alice@example.com'))))
    assert.equal(await statusOf(SECRET, { sub_id: { format: 'opaque', id: 'bob' } }), 204)
    assert.ok(performance.now() - began < 4_000)
    for (const { status, headers } of await waiting) assert.deepEqual([status, headers.get('retry-after')], [503, '2'])
    assert.ok(performance.now() - began >= 4_900)
    assert.equal(sequences()[0], (before[0] ?? 0) + 1)
  })
})

test('where users of tenants are told apart, a user is one of the tenant that is named', async () => {
  const pattern = 'https://issuer.test/{tid}/v2.0'
  const [one, two] = ['one', 'two'].map((tenant) => pattern.replace('{tid}', tenant)) as [string, string]
  const both = [one, two].map((iss) => ({ iss, sub: 'bob' }))
  const email = ({ email }: { email: string }): FoundSubjects => (email === 'both@example.com' ? both : 'bob')
  const globalTokenRevocation: GlobalTokenRevocationOptions = { secrets: [SECRET], subjectsOf: { email } }
  stage = await openStage({ realms: [{ ...acme.realm, issuer: pattern, tenants: ['one', 'two'], globalTokenRevocation }] })
  const notBefore = (issuer: string, sub: string): number => stage.origin.userNotBefore('acme', sub, { issuer })
  try {
    assert.equal(await statusOf(SECRET, { sub_id: { ...ALICE, iss: one } }), 204)
    assert.deepEqual([notBefore(one, 'alice') > 0, notBefore(two, 'alice')], [true, 0])
    assert.equal(await statusOf(SECRET, { sub_id: { ...ALICE, iss: pattern.replace('{tid}', 'three') } }), 404)
    assert.equal(await statusOf(SECRET, { sub_id: { ...ALICE, iss: pattern } }), 404)
    assert.equal(await statusOf(SECRET, { sub_id: { format: 'opaque', id: 'alice' } }), 400)
    assert.equal(await statusOf(SECRET, { sub_id: { format: 'email', email: 'bob@example.com' } }), 422)
    assert.deepEqual([notBefore(one, 'bob'), notBefore(two, 'bob')], [0, 0])
    assert.equal(await statusOf(SECRET, { sub_id: { format: 'email', email: 'both@example.com' } }), 204)
    assert.ok(notBefore(one, 'bob') > 0 && notBefore(two, 'bob') > 0)
  } finally {
    await stage.close()
  }
})

test('guesses of one address are limited, and a good secret from there goes on', async () => {
  stage = await open({ secrets: [SECRET] }, { maxFailuresPerMinute: 5 })
  try {
    const statuses: number[] = []
    for (let index = 0; index < 8; index += 1) statuses.push(await statusOf(`guess-${index}`, { sub_id: ALICE }))
    assert.deepEqual(statuses, [401, 401, 401, 401, 401, 429, 429, 429])
    assert.equal(await statusOf(SECRET, { sub_id: ALICE }), 204)
  } finally {
    await stage.close()
  }
})

describe('options', () => {
  const wrong: [string, unknown, RegExp][] = [
    ['nobody', {}, /needs secrets or callers/],
    ['empty lists', { secrets: [], callers: [] }, /needs secrets or callers/],
    ['a short secret', { secrets: ['short'] }, /16 characters or more/],
    ["another realm's secret", { secrets: [OTHER_SECRET] }, /give every realm its own/],
    ['a caller without keys', { callers: [{ issuer: OKTA, audience: 'x' }] }, /callers/],
    ['a caller without audience', { callers: [{ issuer: OKTA, jwks: { keys: [] } }] }, /callers/],
    ['a private key', { callers: [{ issuer: OKTA, audience: 'x', jwks: { keys: [{ kty: 'RSA', d: 'x' }] } }] }, /callers/],
    ['keys by http: from elsewhere', { callers: [{ issuer: OKTA, audience: 'x', jwks: 'http://keys.example/' }] }, /must be fetched by https:/],
    ['untyped JWTs of any app', { callers: [{ issuer: OKTA, audience: 'x', jwks: 'https://keys.example/', untyped: 'accept' }] }, /needs subject/],
    ['an unknown option', { secret: SECRET }, /did you mean 'secrets'/],
    ['a resolver of an unknown format', { secrets: [SECRET], subjectsOf: { mail: () => undefined } }, /unknown option 'mail'/],
    ['a resolver that is no function', { secrets: [SECRET], subjectsOf: { email: 'alice' } }, /must be a function/],
  ]
  for (const [name, options, message] of wrong) {
    test(`${name}: invalid_option`, async () => {
      await assert.rejects(open(options as GlobalTokenRevocationOptions), (error: Error & { code: string }) => {
        assert.equal(error.code, 'invalid_option')
        assert.match(error.message, message)
        assert.doesNotMatch(error.message, new RegExp(OTHER_SECRET))
        return true
      })
    })
  }
})
