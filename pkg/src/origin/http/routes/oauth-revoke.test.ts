import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { decodeJwt, generateKeyPair, SignJWT } from 'jose'
import { after, before, describe, test } from 'node:test'
import { createOrigin, generateFeedKey, type IssuerAdministration, type Origin } from '../../index.ts'
import { failing } from '../../testing/failing.ts'
import { createTestIssuer, openStage, type Stage, type TestIssuer } from '../../testing/stage.ts'
import { freshStore } from '../../testing/stores.ts'

const PATH = '/realms/acme/protocol/openid-connect/revoke'
const CLIENTS = [
  { id: 'demo' },
  { id: 'backend', secret: 'backend-secret' },
  { id: 'hashed', secretSha256: createHash('sha256').update('hashed secret/ü').digest('hex') },
]

let stage: Stage
let other: TestIssuer

/** Refresh tokens are `refresh:<client>:<session>`; this lists the ended sessions. */
const ended: string[] = []
const administration: IssuerAdministration = {
  users: async () => [],
  sessions: async () => undefined,
  keys: async () => [],
  addKey: () => Promise.reject(new Error('this issuer adds no keys')),
  retireKey: async () => 'unknown',
  async refreshToken(token) {
    const [word, client, session] = token.split(':')
    return word === 'refresh' && client !== undefined && session !== undefined
      ? { client, session, subject: 'alice' }
      : undefined
  },
  sessionEnded: async (sid) => void ended.push(sid),
}

before(async () => {
  const acme = await createTestIssuer()
  other = await createTestIssuer('other', 'https://issuer.test/realms/other')
  stage = await openStage({
    clients: [...CLIENTS, { id: 'elsewhere', realms: ['other'] }],
    realms: [{ ...acme.realm, administration }, other.realm],
  })
  stage.issuer = acme
})
after(() => stage.close())

function revoke(
  parameters: Record<string, string> | URLSearchParams,
  headers: Record<string, string> = {},
  path = PATH,
): Promise<Response> {
  return stage.get(path, { method: 'POST', body: new URLSearchParams(parameters), headers })
}

async function errorOf(response: Response): Promise<[number, string]> {
  return [response.status, ((await response.json()) as { error: string }).error]
}

/** Asserts a 200 with an empty body, and this many new records. */
async function assertDone(answer: Promise<Response>, records: number): Promise<void> {
  const before = stage.sequence()
  const response = await answer
  assert.equal(response.status, 200)
  assert.equal(await response.text(), '')
  assert.equal(response.headers.get('cache-control'), 'no-store')
  assert.equal(stage.sequence() - before, records)
}

/** Asserts the refusal, and that nothing was recorded. */
async function assertRefused(answer: Promise<Response>, status: number, error: string): Promise<void> {
  const before = stage.sequence()
  assert.deepEqual(await errorOf(await answer), [status, error])
  assert.equal(stage.sequence(), before)
}

function isRevoked(token: string): boolean {
  const { jti = '', sub = '', iat = 0, exp = 0 } = decodeJwt(token)
  return stage.origin.refuses('acme', { tokenId: jti, subject: sub, issuedAt: iat, expiresAt: exp }) === 'token_revoked'
}

describe('an access token', () => {
  test('of the client is revoked by its id, also repeatedly', async () => {
    const token = await stage.issuer.token()
    await assertDone(revoke({ client_id: 'demo', token }), 1)
    assert.ok(isRevoked(token))
    await assertDone(revoke({ client_id: 'demo', token }), 0)
  })

  test('is revoked with any hint', async () => {
    for (const hint of ['refresh_token', 'access_token', 'nonsense', 'x'.repeat(5_000)]) {
      await assertDone(revoke({ client_id: 'demo', token: await stage.issuer.token(), token_type_hint: hint }), 1)
    }
  })

  test('belongs to its azp, else to its client_id', async () => {
    await assertRefused(
      revoke({ client_id: 'demo', token: await stage.issuer.token({ azp: 'backend' }) }),
      400,
      'invalid_request',
    )
    await assertRefused(
      revoke({ client_id: 'demo', token: await stage.issuer.token({ azp: 'backend', client_id: 'demo' }) }),
      400,
      'invalid_request',
    )
    await assertRefused(
      revoke({ client_id: 'demo', token: await stage.issuer.token({ azp: undefined }) }),
      400,
      'invalid_request',
    )
    await assertDone(
      revoke({ client_id: 'demo', token: await stage.issuer.token({ azp: undefined, client_id: 'demo' }) }),
      1,
    )
  })

  test('without an id cannot be revoked', async () => {
    await assertRefused(
      revoke({ client_id: 'demo', token: await stage.issuer.token({ jti: undefined }) }),
      400,
      'unsupported_token_type',
    )
  })
})

test('the audit log has a revocation with its client', async () => {
  const token = await stage.issuer.token()
  await assertDone(revoke({ client_id: 'demo', token }), 1)
  const sequence = stage.sequence()
  await assertDone(revoke({ client_id: 'demo', token: 'refresh:demo:s-audited' }), 1)
  const [second, first] = await stage.origin.audit.list({ realm: 'acme', actor: 'client:demo', limit: 2 })
  const { jti } = decodeJwt(token)
  const { id: _id, at: _at, address, ...line } = first ?? assert.fail()
  assert.deepEqual(line, { realm: 'acme', action: 'token_revoked', actor: 'client:demo', subject: jti, sequence })
  assert.match(address ?? '', /127\.0\.0\.1/)
  assert.deepEqual(
    [second?.action, second?.subject, second?.sequence],
    ['refresh_token_revoked', 's-audited', sequence + 1],
  )
})

test('can wait until the edges enforce it; an unknown token gets the same response', async () => {
  const wait = `${PATH}?wait=enforced&timeoutMs=0`
  for (const token of [await stage.issuer.token(), 'unknown']) {
    const response = await revoke({ client_id: 'demo', token }, {}, wait)
    const { elapsedMs: _elapsedMs, ...enforcement } = (await response.json()) as Record<string, unknown>
    assert.deepEqual(enforcement, { sequence: stage.sequence(), enforced: 0, total: 0, missing: [] })
  }
  await assertRefused(
    revoke({ client_id: 'demo', token: await stage.issuer.token() }, {}, `${PATH}?wait=never`),
    400,
    'invalid_request',
  )
})

test('unknown, malformed, expired and foreign tokens get the same response as a revoked one', async () => {
  const past = Math.floor(Date.now() / 1000) - 1_000
  const { privateKey } = await generateKeyPair('EdDSA')
  const forged = new SignJWT({
    aud: 'api',
    sub: 'a',
    jti: 'j',
    azp: 'demo',
    iat: past,
    exp: past + 9_000,
    token_use: 'access',
  })
    .setProtectedHeader({ alg: 'EdDSA', kid: stage.issuer.jwk.kid ?? '', typ: 'JWT' })
    .setIssuer(stage.issuer.realm.issuer)
  const tokens = [
    'x',
    'a.b.c',
    '\0',
    'refresh:demo',
    'x'.repeat(30_000),
    await stage.issuer.token({ iat: past, exp: past + 300 }),
    await stage.issuer.token({ iat: past, exp: past + 300, azp: 'backend' }),
    await stage.issuer.token({ iss: 'https://unknown.test' }),
    await other.token(),
    await other.token({ token_use: 'id' }),
    await forged.sign(privateKey),
    await forged.setIssuedAt().sign(privateKey),
    `${await stage.issuer.token({ token_use: 'id' })}x`,
  ]
  for (const token of tokens) await assertDone(revoke({ client_id: 'demo', token }), 0)
})

test('a genuine token of another kind cannot be revoked', async () => {
  for (const kind of ['id', 'logout', 'refresh']) {
    await assertRefused(
      revoke({ client_id: 'demo', token: await stage.issuer.token({ token_use: kind }) }),
      400,
      'unsupported_token_type',
    )
  }
})

describe('a refresh token of the issuer beside the origin', () => {
  test('ends its session', async () => {
    await assertDone(revoke({ client_id: 'demo', token: 'refresh:demo:s-77', token_type_hint: 'access_token' }), 1)
    assert.ok(ended.includes('s-77'))
    const now = Math.floor(Date.now() / 1000)
    assert.equal(
      stage.origin.refuses('acme', { session: 's-77', issuedAt: now, expiresAt: now + 300 }),
      'session_revoked',
    )
  })

  test('of another client is refused', async () => {
    await assertRefused(revoke({ client_id: 'demo', token: 'refresh:backend:s-78' }), 400, 'invalid_request')
    assert.ok(!ended.includes('s-78'))
  })
})

describe('the client', () => {
  const basic = (id: string, secret: string): Record<string, string> => ({
    authorization: `Basic ${btoa(`${id}:${secret}`)}`,
  })
  const good = async (azp: string): Promise<string> => stage.issuer.token({ azp })

  test('authenticates by form or HTTP Basic', async () => {
    await assertDone(revoke({ client_id: 'backend', client_secret: 'backend-secret', token: await good('backend') }), 1)
    await assertDone(revoke({ token: await good('backend') }, basic('backend', 'backend-secret')), 1)
    await assertDone(
      revoke({ client_id: 'backend', token: await good('backend') }, basic('backend', 'backend-secret')),
      1,
    )
    await assertDone(revoke({ token: await good('hashed') }, basic('hashed', 'hashed+secret%2F%C3%BC')), 1)
    await assertDone(revoke({ client_id: 'elsewhere', token: 'x' }, {}, PATH.replace('acme', 'other')), 0)
  })

  test('is refused without valid credentials', async () => {
    const token = await good('backend')
    const forms: Record<string, string>[] = [
      { token },
      { token, client_id: 'backend' },
      { token, client_id: 'backend', client_secret: 'wrong' },
      { token, client_id: 'unknown' },
      { token, client_id: 'unknown', client_secret: 'x' },
      { token, client_id: 'demo', client_secret: 'a public client has no credentials' },
      { token, client_id: 'hashed', client_secret: 'backend-secret' },
      { token, client_id: 'elsewhere' },
      { token: '', client_id: 'x'.repeat(5_000) },
    ]
    for (const each of forms) {
      const answer = await revoke(each)
      assert.equal(answer.headers.get('www-authenticate'), null)
      await assertRefused(Promise.resolve(answer), 401, 'invalid_client')
    }
    for (const authorization of [
      'Basic',
      'basic !!!',
      'Basic JQ==',
      `Basic ${btoa('backend:wrong')}`,
      `Basic ${btoa('%ff:%')}`,
    ]) {
      const answer = await revoke({ token }, { authorization })
      assert.match(answer.headers.get('www-authenticate') ?? '', /^Basic realm=/)
      await assertRefused(Promise.resolve(answer), 401, 'invalid_client')
    }
  })

  test('authenticates in one way at a time', async () => {
    const token = await good('backend')
    await assertRefused(
      revoke({ token, client_secret: 'x' }, basic('backend', 'backend-secret')),
      400,
      'invalid_request',
    )
    await assertRefused(
      revoke({ token, client_id: 'demo' }, basic('backend', 'backend-secret')),
      400,
      'invalid_request',
    )
  })

  test('may not guess in parallel: beyond the limit even the correct secret is refused', async () => {
    const origin = await createOrigin({
      store: freshStore(),
      signingKey: stage.signingKey,
      realms: [stage.issuer.realm],
      clients: CLIENTS,
      maxFailuresPerMinute: 3,
    })
    const guess = async (secret: string): Promise<number> => {
      const body = new URLSearchParams({ client_id: 'backend', client_secret: secret, token: 'x' })
      const request = new Request(`https://origin.example${PATH}`, { method: 'POST', body })
      return (await origin.fetch(request, { address: '203.0.113.7' })).status
    }
    try {
      const wrong = Array.from({ length: 20 }, () => 'wrong')
      const statuses = await Promise.all([...wrong, 'backend-secret'].map(guess))
      assert.deepEqual(
        [401, 429].map((status) => statuses.filter((each) => each === status).length),
        [3, 18],
      )
    } finally {
      await origin.close()
    }
  })

  test('is locked out after too many guesses; another client from the same address is not', async () => {
    const origin = await createOrigin({
      store: freshStore(),
      signingKey: stage.signingKey,
      realms: [stage.issuer.realm],
      clients: CLIENTS,
      maxFailuresPerMinute: 3,
    })
    const ask = (parameters: Record<string, string>): Promise<Response> =>
      origin.fetch(
        new Request(`https://origin.example${PATH}`, { method: 'POST', body: new URLSearchParams(parameters) }),
        { address: '203.0.113.7' },
      )
    try {
      const wrong = { client_id: 'backend', client_secret: 'wrong', token: 'x' }
      for (let attempt = 0; attempt < 3; attempt += 1) assert.equal((await ask(wrong)).status, 401)
      const refused = await ask({ ...wrong, client_secret: 'backend-secret' })
      assert.equal(refused.status, 429)
      assert.match(refused.headers.get('retry-after') ?? '', /^\d+$/)
      assert.equal((await ask({ client_id: 'demo', token: 'x' })).status, 200)
    } finally {
      await origin.close()
    }
  })
})

test('refuses invalid forms, and the response repeats no input', async () => {
  const token = await stage.issuer.token()
  const send = (
    body: string | Uint8Array<ArrayBuffer>,
    type = 'application/x-www-form-urlencoded',
    path = PATH,
  ): Promise<Response> => stage.get(path, { method: 'POST', body, headers: { 'content-type': type } })
  const cases: [number, string, Promise<Response>][] = [
    [400, 'invalid_request', revoke({ client_id: 'demo' })],
    [400, 'invalid_request', revoke({ client_id: 'demo', token: '' })],
    [400, 'invalid_request', send(`client_id=demo&token=${token}&token=${token}`)],
    [400, 'invalid_request', send(`client_id=demo&client_id=demo&token=${token}`)],
    [400, 'invalid_request', send(`client_id=demo&token=${token}&token_type_hint=a&token_type_hint=`)],
    [400, 'invalid_request', send(JSON.stringify({ client_id: 'demo', token }), 'application/json')],
    [400, 'invalid_request', send(`client_id=demo&token=${token}`, 'text/plain')],
    [401, 'invalid_client', send('')],
    [401, 'invalid_client', send(new Uint8Array([0xff, 0xfe, 0x00, 0x3d, 0x26]))],
    [413, 'invalid_request', send(`client_id=demo&token=${'x'.repeat(70_000)}`)],
    [404, 'not_found', send(`client_id=demo&token=${token}`, undefined, PATH.replace('acme', 'nowhere'))],
    [400, 'invalid_request', send(`client_id=demo&token=${token}`, undefined, PATH.replace('acme', 'x'.repeat(5_000)))],
    [400, 'invalid_request', send(`client_id=demo&token=${token}`, undefined, PATH.replace('acme', '%00'))],
    [400, 'invalid_request', send(`client_id=demo&token=${token}`, undefined, PATH.replace('acme', '%ff'))],
    [405, 'method_not_allowed', stage.get(PATH)],
  ]
  const before = stage.sequence()
  for (const [index, [status, error, answer]] of cases.entries()) {
    const text = await (await answer).clone().text()
    assert.deepEqual(await errorOf(await answer), [status, error], String(index))
    assert.ok(!text.includes(token) && !text.includes('nowhere'))
  }
  assert.equal(stage.sequence(), before)
})

test('responds with 503 while the store fails: the token still exists, and the client retries', async () => {
  const broken = failing()
  const { signingKey } = await generateFeedKey()
  const origin: Origin = await createOrigin({
    store: broken.store,
    signingKey,
    realms: [{ ...stage.issuer.realm, administration }],
    clients: CLIENTS,
    onReport: () => undefined,
  })
  const ask = (token: string): Promise<Response> =>
    origin.fetch(
      new Request(`https://origin.example${PATH}`, {
        method: 'POST',
        body: new URLSearchParams({ client_id: 'demo', token }),
      }),
    )
  try {
    const token = await stage.issuer.token()
    broken.fail(true)
    for (const each of [token, 'refresh:demo:s-99']) {
      const answer = await ask(each)
      assert.match(answer.headers.get('retry-after') ?? '', /^\d+$/)
      assert.deepEqual(await errorOf(answer), [503, 'temporarily_unavailable'])
    }
    assert.ok(!ended.includes('s-99'))
    broken.fail(false)
    assert.equal((await ask(token)).status, 200)
    assert.equal((await ask('refresh:demo:s-99')).status, 200)
    assert.ok(ended.includes('s-99'))
  } finally {
    await origin.close()
  }
})

test('names invalid clients', async () => {
  const { signingKey } = await generateFeedKey()
  const options = { store: freshStore(), signingKey, realms: [stage.issuer.realm] }
  const bad: [RegExp, object][] = [
    [/clients\[0\] must have secret or secretSha256, not both/, { id: 'a', secret: 's', secretSha256: '0'.repeat(64) }],
    [/clients\[0\].secretSha256 must be/, { id: 'a', secretSha256: 'abc' }],
    [/clients\[0\].realms names a realm/, { id: 'a', realms: ['elsewhere'] }],
  ]
  for (const [message, client] of bad) {
    await assert.rejects(createOrigin({ ...options, clients: [client as { id: string }] }), {
      code: 'invalid_option',
      message,
    })
  }
})
