import assert from 'node:assert/strict'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { afterEach, beforeEach, test } from 'node:test'
import { decodeJwt, SignJWT } from 'jose'
import { failing, type FailingStore } from '../../../testing/failing.ts'
import { type ActingStage, DOWN, now, openActingStage } from '../testing/acting-stage.ts'

const PATH = '/realms/acme/protocol/openid-connect/revoke'
const BASIC = `Basic ${btoa('web:web-secret')}`

let stage: ActingStage
/** Tokens that Keycloak no longer accepts. */
let dead: Set<string>

let store: FailingStore

beforeEach(async () => {
  store = failing()
  stage = await openActingStage({}, [], store.store)
  dead = new Set()
  const { intercept } = stage.keycloak
  stage.keycloak.intercept = (request, response) =>
    (stage.state.misbehave === undefined && revocation(request, response)) || intercept?.(request, response) === true
})
afterEach(() => stage.close())

/** Responds as Keycloak 26.7.3 does; the client is `web`. */
function revocation(request: IncomingMessage, response: ServerResponse): boolean {
  if (request.url !== PATH) return false
  const form = new URLSearchParams(stage.keycloak.requests.at(-1)?.body ?? '')
  const isWeb =
    request.headers.authorization === BASIC ||
    form.get('client_assertion') === 'of web' ||
    (form.get('client_id') === 'web' && form.get('client_secret') === 'web-secret')
  const answer = (status: number, error?: string): boolean => {
    response
      .writeHead(status, { 'content-type': 'application/json' })
      .end(error === undefined ? '' : JSON.stringify({ error, error_description: 'made-up' }))
    return true
  }
  if (!isWeb) return answer(401, 'unauthorized_client')
  const token = form.get('token') ?? ''
  if (token.split('.').length !== 3 || dead.has(token)) return answer(200, 'invalid_token')
  const { azp, typ } = decodeJwt(token)
  if (azp !== 'web') return answer(400, 'invalid_request')
  if (typ === 'ID') return answer(400, 'unsupported_token_type')
  dead.add(token)
  return answer(200)
}

/** Returns a token for which only Keycloak has the key. */
async function keycloaks(claims: object): Promise<string> {
  const all = { typ: 'Refresh', azp: 'web', sid: 's1', sub: 'alice', iat: now(), jti: crypto.randomUUID(), ...claims }
  return new SignJWT(all).setProtectedHeader({ alg: 'HS512', kid: 'unknown' }).sign(new Uint8Array(64))
}

function revoke(parameters: Record<string, string>, headers: Record<string, string> = {}): Promise<Response> {
  return stage.get(PATH, { method: 'POST', body: new URLSearchParams(parameters), headers })
}

async function assertAnswers(answer: Promise<Response>, status: number, error?: string): Promise<void> {
  const response = await answer
  const text = await response.text()
  assert.deepEqual(
    [response.status, text === '' ? undefined : (JSON.parse(text) as { error: string }).error],
    [status, error],
  )
  assert.doesNotMatch(text, /made-up|web-secret|eyJ/)
}

const refuses = (more: object): string | undefined =>
  stage.origin.refuses('acme', { issuedAt: now() - 1, expiresAt: now() + 300, ...more })

test("a refresh token ends its client's part of the session, also at the edges", async () => {
  for (const typ of ['Refresh', 'Offline']) {
    const sid = `of-${typ}`
    await assertAnswers(revoke({ token: await keycloaks({ typ, sid }) }, { authorization: BASIC }), 200)
    assert.equal(refuses({ session: sid, authorizedParty: 'web' }), 'session_revoked')
    assert.equal(refuses({ session: sid, authorizedParty: 'spa' }), undefined)
  }
  const [line] = await stage.origin.audit.list({ realm: 'acme', limit: 1 })
  assert.deepEqual(
    [line?.action, line?.actor, line?.subject, line?.detail],
    ['refresh_token_revoked', 'client:web', 'of-Offline', 'client web'],
  )
})

test('an access token is revoked here too, by its id', async () => {
  const token = await stage.issuer.token({ azp: 'web' })
  await assertAnswers(revoke({ token, client_id: 'web', client_secret: 'web-secret' }), 200)
  assert.equal(refuses({ tokenId: decodeJwt(token).jti }), 'token_revoked')
  assert.ok(dead.has(token))
})

test('revokes an access token of a client known here, and then at Keycloak if it knows the client', async () => {
  await stage.close()
  stage = await openActingStage({}, [{ id: 'web', secret: 'web-secret' }, { id: 'spa' }])
  const { intercept } = stage.keycloak
  stage.keycloak.intercept = (request, response) =>
    revocation(request, response) || intercept?.(request, response) === true
  for (const [azp, outcome] of [
    ['web', 'done'],
    ['spa', 'refused'],
  ] as const) {
    const token = await stage.issuer.token({ azp })
    const answer = await revoke({ token, client_id: azp, ...(azp === 'web' ? { client_secret: 'web-secret' } : {}) })
    assert.deepEqual([answer.status, answer.headers.get('portcullis-upstream')], [200, outcome])
    assert.equal(refuses({ tokenId: decodeJwt(token).jti }), 'token_revoked')
  }
  await assertAnswers(
    revoke({ token: await keycloaks({ sid: 's9' }), client_id: 'web', client_secret: 'web-secret' }),
    200,
  )
  assert.equal(refuses({ session: 's9', authorizedParty: 'web' }), 'session_revoked')
  await assertAnswers(revoke({ token: 'unknown', client_id: 'spa' }), 200)
})

test('revokes an access token here even if Keycloak no longer accepts it', async () => {
  const token = await stage.issuer.token({ azp: 'web' })
  dead.add(token)
  await assertAnswers(revoke({ token }, { authorization: BASIC }), 200)
  assert.equal(refuses({ tokenId: decodeJwt(token).jti }), 'token_revoked')
})

test('records nothing for a token that Keycloak does not accept, and responds as for a revoked one', async () => {
  const before = stage.sequence()
  const token = await keycloaks({})
  dead.add(token)
  for (const each of [token, 'garbage', 'a.b'])
    await assertAnswers(revoke({ token: each }, { authorization: BASIC }), 200)
  assert.equal(stage.sequence(), before)
})

test('refuses what Keycloak refuses, and records nothing', async () => {
  const before = stage.sequence()
  const token = await stage.issuer.token({ azp: 'web' })
  await assertAnswers(revoke({ token, client_id: 'web', client_secret: 'wrong' }), 401, 'invalid_client')
  await assertAnswers(revoke({ token }), 401, 'invalid_client')
  await assertAnswers(
    revoke({ token: await stage.issuer.token({ azp: 'spa' }) }, { authorization: BASIC }),
    400,
    'invalid_request',
  )
  await assertAnswers(
    revoke({ token: await keycloaks({ typ: 'ID' }) }, { authorization: BASIC }),
    400,
    'unsupported_token_type',
  )
  await assertAnswers(revoke({}, { authorization: BASIC }), 400, 'invalid_request')
  assert.equal(stage.sequence(), before)
})

test('responds with 503 while Keycloak is unreachable, and records nothing', async () => {
  const before = stage.sequence()
  stage.state.misbehave = DOWN
  const response = await revoke({ token: await keycloaks({}) }, { authorization: BASIC })
  assert.deepEqual([response.status, response.headers.get('retry-after')], [503, '2'])
  stage.state.misbehave = { path: /revoke$/, status: 500 }
  await assertAnswers(revoke({ token: await keycloaks({}) }, { authorization: BASIC }), 503, 'temporarily_unavailable')
  assert.equal(stage.sequence(), before)
})

test('the next attempt records the end of a refresh token that Keycloak has already revoked', async () => {
  const token = await keycloaks({})
  store.fail(true)
  await assertAnswers(revoke({ token }, { authorization: BASIC }), 503, 'temporarily_unavailable')
  assert.ok(dead.has(token))
  await assertAnswers(revoke({ token }, { authorization: BASIC }), 503, 'temporarily_unavailable')
  store.fail(false)
  await assertAnswers(revoke({ token, client_id: 'web', client_secret: 'wrong' }), 401, 'invalid_client')
  assert.equal(refuses({ session: 's1', authorizedParty: 'web' }), undefined)
  await assertAnswers(revoke({ token }, { authorization: BASIC }), 200)
  assert.equal(refuses({ session: 's1', authorizedParty: 'web' }), 'session_revoked')
  await stage.origin.correct(
    'acme',
    { kind: 'clientSession', session: 's1', authorizedParty: 'web', notBefore: 1 },
    { reason: 'a mistake' },
  )
  await assertAnswers(revoke({ token }, { authorization: BASIC }), 200)
  assert.equal(refuses({ session: 's1', authorizedParty: 'web' }), undefined, 'it is recorded once')
})

test('also revokes here an access token of a client that authenticates by an assertion', async () => {
  const token = await stage.issuer.token({ azp: 'web' })
  await assertAnswers(
    revoke({
      token,
      client_assertion: 'of web',
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    }),
    200,
  )
  assert.equal(refuses({ tokenId: decodeJwt(token).jti }), 'token_revoked')
  const [line] = await stage.origin.audit.list({ realm: 'acme', limit: 1 })
  assert.equal(line?.actor, 'client:web')
  const other = await stage.issuer.token({ azp: 'web' })
  dead.add(other)
  await assertAnswers(revoke({ token: other, client_assertion: 'of web' }), 200)
  assert.equal(refuses({ tokenId: decodeJwt(other).jti }), undefined, 'no one has stated its owner')
})

test('limits guesses of a secret', async () => {
  const answers = await Promise.all(
    Array.from({ length: 150 }, () => revoke({ token: 'x', client_id: 'web', client_secret: 'wrong' })),
  )
  const refused = answers.filter(({ status }) => status === 401).length
  // Requests in progress when the limit was reached may still be answered.
  assert.ok(refused >= 100 && refused < 120, String(refused))
  assert.equal(answers.filter(({ status }) => status === 429).length, 150 - refused)
})

test('refuses a request that names two clients or authenticates in two ways, without sending it', async () => {
  const token = await stage.issuer.token({ azp: 'spa' })
  const before = stage.sequence()
  const spa = { authorization: `Basic ${btoa('spa:')}` }
  await assertAnswers(revoke({ token, client_id: 'web', client_secret: 'web-secret' }, spa), 400, 'invalid_request')
  await assertAnswers(revoke({ token, client_id: 'web' }, spa), 400, 'invalid_request')
  await assertAnswers(revoke({ token, client_assertion: 'x.y.z' }, spa), 400, 'invalid_request')
  await assertAnswers(
    revoke({ token, client_id: 'web', client_secret: 'web-secret', client_assertion: 'x.y.z' }),
    400,
    'invalid_request',
  )
  assert.equal(stage.sequence(), before)
  assert.deepEqual(
    stage.keycloak.requests.filter(({ url }) => url === PATH),
    [],
  )
})

test('Keycloak gets only the Authorization header of a client', async () => {
  await revoke({ token: 'x', client_id: 'web', client_secret: 'web-secret' }, { authorization: 'Bearer of-somebody' })
  assert.equal(stage.keycloak.requests.at(-1)?.authorization, undefined)
})

test('nothing that the client sent is in the audit log or a report', async () => {
  await revoke({ token: await keycloaks({}) }, { authorization: BASIC })
  await revoke({ token: await keycloaks({}), client_id: 'web', client_secret: 'wrong-secret' })
  const kept = JSON.stringify([await stage.origin.audit.list({ realm: 'acme', limit: 100 }), stage.reports])
  assert.doesNotMatch(kept, /secret|eyJ/)
})
