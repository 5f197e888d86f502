// The token endpoint apart from its grants: lifetimes, reuse, claims, the audit log, limits, browsers.

import assert from 'node:assert/strict'
import { decodeJwt, decodeProtectedHeader } from 'jose'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, before, describe, test } from 'node:test'
import {
  createOrigin,
  generateFeedKey,
  type JWK,
  type Origin,
  type RequestSource,
  type StoredAuditEntry,
} from '../../entry/origin/node.ts'
import { openDatabase } from '../../origin/store/sqlite/database.ts'
import { sqliteStore } from '../../origin/store/sqlite/index.ts'
import { createDevIssuer, type DevIssuer, type DevIssuerOptions } from './index.ts'

const ISSUER = 'http://localhost:8780/realms/acme'
const ROOT = `${ISSUER}/protocol/openid-connect`
const SOURCE: RequestSource = { address: '127.0.0.1' }

interface Tokens {
  access_token: string
  refresh_token: string
  refresh_expires_in: number
  id_token?: string
}

let folder: string
let signingKey: JWK
let issuer: DevIssuer
let origin: Origin
let files = 0

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'portcullis-grants-'))
  signingKey = (await generateFeedKey()).signingKey
})
after(() => rm(folder, { recursive: true }))
afterEach(async () => {
  await issuer.close()
  await origin.close()
})

async function open(options: Partial<DevIssuerOptions> = {}, path = join(folder, `${(files += 1)}.db`)): Promise<void> {
  // ES256, whose keys are generated quickly.
  issuer = await createDevIssuer({ path, issuer: ISSUER, algorithm: 'ES256', ...options })
  origin = await createOrigin({
    store: sqliteStore({ path }),
    signingKey,
    realms: [issuer.realm],
    clients: issuer.clients,
  })
  issuer.attach(origin)
}

async function ask(url: string, init: RequestInit = {}, source = SOURCE): Promise<Response> {
  const request = new Request(url, init)
  return (await issuer.fetch(request, source)) ?? origin.fetch(request, source)
}

function post(endpoint: string, parameters: Record<string, string>, source = SOURCE): Promise<Response> {
  return ask(`${ROOT}/${endpoint}`, { method: 'POST', body: new URLSearchParams(parameters) }, source)
}

async function logIn(username = 'alice', more: Record<string, string> = {}, source = SOURCE): Promise<Tokens> {
  const parameters = { grant_type: 'password', client_id: 'demo', username, password: `${username}-password`, ...more }
  const response = await post('token', parameters, source)
  assert.equal(response.status, 200)
  return (await response.json()) as Tokens
}

function refresh(token: string): Promise<Response> {
  return post('token', { grant_type: 'refresh_token', client_id: 'demo', refresh_token: token })
}

async function errorOf(response: Response): Promise<[number, string]> {
  return [response.status, ((await response.json()) as { error: string }).error]
}

/** Judges as the origin's own gate does, which decides like every edge. */
async function isAccepted(access: string): Promise<boolean> {
  const url = 'http://localhost:8780/admin/realms/acme/users/nobody/logout'
  const { status } = await origin.fetch(
    new Request(url, { method: 'POST', headers: { authorization: `Bearer ${access}` } }),
    SOURCE,
  )
  // 403: a valid token of a user who is not an administrator.
  assert.ok(status === 401 || status === 403)
  return status === 403
}

function log(more: { action?: StoredAuditEntry['action'] } = {}): Promise<StoredAuditEntry[]> {
  return origin.audit.list({ realm: 'acme', limit: 100, ...more })
}

describe('a reused refresh token', () => {
  test("ends its session: refresh and access tokens are refused, and the user's other sessions continue", async () => {
    await open()
    const [stolen, other] = [await logIn(), await logIn()]
    const next = (await (await refresh(stolen.refresh_token)).json()) as Tokens
    assert.ok(await isAccepted(next.access_token))
    assert.deepEqual(await errorOf(await refresh(stolen.refresh_token)), [400, 'invalid_grant'])
    assert.equal(await isAccepted(next.access_token), false)
    assert.equal(await isAccepted(stolen.access_token), false)
    assert.deepEqual(await errorOf(await refresh(next.refresh_token)), [400, 'invalid_grant'])
    assert.ok(await isAccepted(other.access_token))
    assert.equal((await refresh(other.refresh_token)).status, 200)
    const { sub = '', sid } = decodeJwt(other.access_token)
    assert.deepEqual(
      (await issuer.realm.administration?.sessions(sub))?.map(({ id }) => id),
      [sid],
    )
  })

  for (const [reuseGraceSeconds, fate] of [
    [0, 'ends'],
    [10, 'lives'],
  ] as const) {
    test(`two at once: one succeeds; with ${reuseGraceSeconds} s of grace the session ${fate}`, async () => {
      await open({ reuseGraceSeconds })
      for (let round = 0; round < 20; round += 1) {
        const { refresh_token: token } = await logIn()
        const answers = await Promise.all([refresh(token), refresh(token)])
        assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 400])
        const won = (await answers.find(({ status }) => status === 200)?.json()) as Tokens
        assert.equal(await isAccepted(won.access_token), fate === 'lives')
        assert.equal((await refresh(won.refresh_token)).status, fate === 'lives' ? 200 : 400)
      }
    })
  }
})

test('a session ends after too long a time unused or in total', async () => {
  const path = join(folder, 'lifetimes.db')
  await open({ refreshTokenSeconds: 600, sessionSeconds: 3_000 }, path)
  const first = await logIn()
  assert.equal(first.refresh_expires_in, 600)
  const { exp = 0, iat = 0, auth_time: authTime } = decodeJwt(first.refresh_token)
  assert.equal(exp - iat, 600)
  // Long enough ago that little is left of the session, while its last use is recent.
  const ago = (seconds: number): void => {
    const database = openDatabase(path)
    database.prepare('UPDATE refresh_families SET started_at = started_at - ?').run(seconds)
    database.close()
  }
  ago(2_900)
  const second = (await (await refresh(first.refresh_token)).json()) as Tokens
  assert.equal(decodeJwt(second.access_token)['auth_time'], authTime)
  ago(100)
  assert.deepEqual(await errorOf(await refresh(second.refresh_token)), [400, 'invalid_grant'])
  const [line] = await log({ action: 'refresh_refused' })
  assert.equal(line?.detail, 'expired')
})

test('after a logout everywhere tokens contain its time; before it they do not', async () => {
  await open()
  const { sub = '', ...claims } = decodeJwt((await logIn()).access_token)
  assert.equal(claims['last_logout_time'], undefined)
  assert.equal(claims['auth_time'], claims.iat)
  await origin.logoutUser('acme', sub)
  const next = decodeJwt((await logIn()).access_token)
  assert.equal(next['last_logout_time'], origin.userNotBefore('acme', sub))
  assert.ok(Number(next['last_logout_time']) < (next.iat ?? 0))
  assert.equal(next['rsq'], origin.status()[0]?.sequence)
})

test('a client revokes its tokens; a revoked refresh token ends the session (RFC 7009)', async () => {
  await open()
  const [one, two] = [await logIn(), await logIn()]
  assert.equal((await post('revoke', { client_id: 'demo', token: one.access_token })).status, 200)
  assert.equal(await isAccepted(one.access_token), false)
  assert.equal((await refresh(one.refresh_token)).status, 200)
  assert.deepEqual(
    await errorOf(
      await post('revoke', { client_id: 'backend', client_secret: 'backend-secret', token: two.refresh_token }),
    ),
    [400, 'invalid_request'],
  )
  assert.equal((await post('revoke', { client_id: 'demo', token: two.refresh_token })).status, 200)
  assert.equal(await isAccepted(two.access_token), false)
  assert.deepEqual(await errorOf(await refresh(two.refresh_token)), [400, 'invalid_grant'])
  const id = (await logIn('alice', { scope: 'openid' })).id_token ?? ''
  assert.deepEqual(await errorOf(await post('revoke', { client_id: 'demo', token: id })), [
    400,
    'unsupported_token_type',
  ])
  const { revocation_endpoint: endpoint } = (await (
    await ask(`${ISSUER}/.well-known/openid-configuration`)
  ).json()) as Record<string, string>
  assert.equal(endpoint, `${ROOT}/revoke`)
})

test('when the last valid key is banned, a new one signs, and the audit log records it', async () => {
  await open()
  const kidOf = (tokens: Tokens): string => decodeProtectedHeader(tokens.access_token).kid ?? ''
  const old = await logIn()
  await origin.banKey('acme', kidOf(old), { force: true })
  const fresh = await Promise.all([logIn(), logIn('bob')])
  const [kid, same] = fresh.map(kidOf)
  assert.ok(kid !== kidOf(old) && kid === same)
  assert.ok(await isAccepted(fresh[0].access_token))
  assert.equal(await isAccepted(old.access_token), false)
  assert.deepEqual(await errorOf(await refresh(old.refresh_token)), [400, 'invalid_grant'])
  assert.equal((await log({ action: 'key_added' }))[0]?.subject, kid)
})

test('the audit log has every action, without tokens, passwords or made-up names', async () => {
  await open()
  const tokens = await logIn('alice', { scope: 'openid' })
  const { sub, sid } = decodeJwt(tokens.access_token)
  const next = (await (await refresh(tokens.refresh_token)).json()) as Tokens
  await refresh('made up')
  await post('token', { grant_type: 'password', client_id: 'demo', username: 'alice', password: 'wrong-password' })
  await post('token', {
    grant_type: 'password',
    client_id: 'demo',
    username: 'made-up-name',
    password: 'wrong-password',
  })
  await post('token', {
    grant_type: 'password',
    client_id: 'backend',
    client_secret: 'wrong-secret',
    username: 'alice',
  })
  await post('logout', { refresh_token: tokens.refresh_token, client_id: 'made-up-client' })
  await post('logout', { id_token_hint: tokens.id_token ?? '' })
  await refresh(next.refresh_token)
  const two = await logIn('bob')
  await refresh(two.refresh_token)
  await refresh(two.refresh_token)
  const lines = (await log())
    .reverse()
    .map(({ action, actor, subject, detail, address }) => [action, actor, subject, detail, address])
  const at = SOURCE.address
  const { sub: bob, sid: stolen } = decodeJwt(two.access_token)
  assert.deepEqual(
    lines.filter(([action]) => action !== 'session_ended' && action !== 'keys_published'),
    [
      ['login', `user:${sub}`, sid, undefined, at],
      ['refresh', 'client:demo', sid, undefined, at],
      ['refresh_refused', 'client:demo', undefined, 'unknown_token', at],
      ['login_refused', 'client:demo', sub, 'invalid_grant', at],
      ['login_refused', 'client:demo', undefined, 'invalid_grant', at],
      ['refused', undefined, '/realms/{realm}/protocol/openid-connect/token', 'invalid_client', at],
      ['refused', undefined, '/realms/{realm}/protocol/openid-connect/logout', 'invalid_client', at],
      ['logout', `user:${sub}`, sid, undefined, at],
      ['refresh_refused', 'client:demo', sid, 'session_ended', at],
      ['login', `user:${bob}`, stolen, undefined, at],
      ['refresh', 'client:demo', stolen, undefined, at],
      ['refresh_reused', 'client:demo', stolen, 'reused', at],
    ],
  )
  const text = JSON.stringify(await log())
  for (const secret of [
    tokens.refresh_token,
    tokens.access_token,
    'wrong-password',
    'wrong-secret',
    'made-up',
    'made up',
  ])
    assert.ok(!text.includes(secret))
})

describe('failed logins', () => {
  const wrong = { grant_type: 'password', client_id: 'demo', username: 'alice', password: 'wrong' }

  test('wait after too many from one address with one user; others do not', async () => {
    await open({ maxFailuresPerMinute: 3 })
    for (let attempt = 0; attempt < 3; attempt += 1) {
      assert.deepEqual(await errorOf(await post('token', wrong)), [400, 'invalid_grant'])
      await logIn('bob')
    }
    const refused = await post('token', { ...wrong, password: 'alice-password' })
    assert.match(refused.headers.get('retry-after') ?? '', /^\d+$/)
    assert.deepEqual(await errorOf(refused), [429, 'too_many_failures'])
    await logIn('bob')
    await logIn('alice', {}, { address: '::1' })
  })

  test('that arrive at once are refused beyond the limit, including the correct one', async () => {
    await open({ maxFailuresPerMinute: 3 })
    const answers = await Promise.all(Array.from({ length: 12 }, () => post('token', wrong)))
    assert.equal(answers.filter(({ status }) => status === 400).length, 3)
    assert.equal(answers.filter(({ status }) => status === 429).length, 9)
  })

  test('of a client wait too', async () => {
    await open({ maxFailuresPerMinute: 3 })
    const guess = { ...wrong, password: 'alice-password', client_id: 'backend', client_secret: 'wrong' }
    for (let attempt = 0; attempt < 3; attempt += 1)
      assert.deepEqual(await errorOf(await post('token', guess)), [401, 'invalid_client'])
    assert.equal((await post('token', { ...guess, client_secret: 'backend-secret' })).status, 429)
    await logIn('alice')
    const elsewhere = { address: '::1' }
    const atOnce = await Promise.all(Array.from({ length: 12 }, () => post('token', guess, elsewhere)))
    assert.equal(atOnce.filter(({ status }) => status === 401).length, 3)
  })
})

describe('browsers', () => {
  const APP = 'https://app.example'
  const preflight = { method: 'OPTIONS', headers: { origin: APP, 'access-control-request-method': 'POST' } }

  test('of a listed origin may send requests and read responses, including refusals', async () => {
    await open({ corsOrigins: [APP] })
    const allowed = await ask(`${ROOT}/token`, preflight)
    assert.equal(allowed.status, 204)
    assert.equal(allowed.headers.get('access-control-allow-origin'), APP)
    assert.equal(allowed.headers.get('access-control-allow-methods'), 'POST')
    const body = new URLSearchParams({
      grant_type: 'password',
      client_id: 'demo',
      username: 'alice',
      password: 'wrong',
    })
    const refused = await ask(`${ROOT}/token`, { method: 'POST', body, headers: { origin: APP } })
    assert.equal(refused.status, 400)
    assert.equal(refused.headers.get('access-control-allow-origin'), APP)
    const other = await ask(`${ROOT}/certs`, { headers: { origin: 'https://other.example' } })
    assert.equal(other.headers.get('access-control-allow-origin'), null)
    assert.equal(
      (await ask(`${ROOT}/token`, { ...preflight, headers: { ...preflight.headers, origin: 'https://other.example' } }))
        .status,
      405,
    )
  })

  test('of no origin if none is listed', async () => {
    await open()
    assert.equal((await ask(`${ROOT}/token`, preflight)).status, 405)
    assert.equal(
      (await ask(`${ROOT}/certs`, { headers: { origin: APP } })).headers.get('access-control-allow-origin'),
      null,
    )
  })
})

test('plain http is only for this machine unless configured', async () => {
  const outside = { address: '203.0.113.7' }
  await open()
  assert.deepEqual(await errorOf(await ask(`${ROOT}/certs`, {}, outside)), [403, 'https_required'])
  assert.equal((await ask(`${ROOT.replace('http:', 'https:')}/certs`, {}, outside)).status, 200)
  await issuer.close()
  await origin.close()
  await open({ plainHttp: 'anywhere' })
  assert.equal((await ask(`${ROOT}/certs`, {}, outside)).status, 200)
})

test('a file of version 1 keeps its keys, users and sessions', async () => {
  const path = join(folder, 'version-1.db')
  await open({}, path)
  const [used, live, ended] = [await logIn(), await logIn(), await logIn('bob')]
  const kid = decodeProtectedHeader(live.access_token).kid
  await issuer.close()
  await origin.close()
  toVersion1(path, {
    used: String(decodeJwt(used.access_token)['sid']),
    ended: String(decodeJwt(ended.access_token)['sid']),
  })
  await open({}, path)
  const next = (await (await refresh(live.refresh_token)).json()) as Tokens
  assert.equal(decodeProtectedHeader(next.access_token).kid, kid)
  assert.equal(decodeJwt(next.access_token).sub, decodeJwt(live.access_token).sub)
  assert.deepEqual(await errorOf(await refresh(ended.refresh_token)), [400, 'invalid_grant'])
  assert.deepEqual(await errorOf(await refresh(used.refresh_token)), [400, 'invalid_grant'])
  assert.equal(await isAccepted(used.access_token), false)
  assert.ok(await isAccepted(next.access_token))
  const database = openDatabase(path)
  const tables = database
    .prepare("SELECT name FROM sqlite_schema WHERE name LIKE 'dev_issuer%' AND type = 'table'")
    .all()
  database.close()
  assert.deepEqual(tables.map(({ name }) => name).sort(), ['dev_issuer_keys', 'dev_issuer_users'])
})

/** Converts the file to version 1; one session is ended and the token of another used. */
function toVersion1(path: string, { used, ended }: { used: string; ended: string }): void {
  const database = openDatabase(path)
  database.exec(
    `CREATE TABLE dev_issuer_sessions (
       sid TEXT PRIMARY KEY, realm TEXT NOT NULL, sub TEXT NOT NULL, client TEXT NOT NULL, started_at INTEGER NOT NULL, ended_at INTEGER
     ) STRICT, WITHOUT ROWID;
     CREATE INDEX dev_issuer_sessions_sub ON dev_issuer_sessions (realm, sub);
     CREATE TABLE dev_issuer_refresh_tokens (
       hash TEXT PRIMARY KEY, sid TEXT NOT NULL REFERENCES dev_issuer_sessions ON DELETE CASCADE, expires_at INTEGER NOT NULL, used_at INTEGER
     ) STRICT, WITHOUT ROWID;
     CREATE INDEX dev_issuer_refresh_tokens_sid ON dev_issuer_refresh_tokens (sid);
     CREATE INDEX dev_issuer_refresh_tokens_expires_at ON dev_issuer_refresh_tokens (expires_at);
     INSERT INTO dev_issuer_sessions SELECT session, realm, subject, client, started_at, NULL FROM refresh_families;
     INSERT INTO dev_issuer_refresh_tokens
       SELECT t.hash, f.session, t.issued_at + 1800, NULL FROM refresh_tokens t JOIN refresh_families f ON f.id = t.family;
     DROP TABLE refresh_tokens;
     DROP TABLE refresh_families;
     ALTER TABLE dev_issuer_keys DROP COLUMN number;
     DELETE FROM portcullis_schema WHERE component = 'refresh-tokens';
     UPDATE portcullis_schema SET version = 1 WHERE component = 'dev-issuer'`,
  )
  const now = Math.floor(Date.now() / 1000)
  database.prepare('UPDATE dev_issuer_refresh_tokens SET used_at = ? WHERE sid = ?').run(now, used)
  database.prepare('UPDATE dev_issuer_sessions SET ended_at = ? WHERE sid = ?').run(now, ended)
  database.close()
}

test('a refresh or login overtaken by a raise of the token version leaves no valid token', async () => {
  await open()
  const { access_token: access, refresh_token: token } = await logIn()
  const sub = decodeJwt(access).sub ?? ''
  // The version is raised after the refresh token is spent and before the access token is signed.
  const { note } = origin.audit
  let raised: Promise<unknown> | undefined
  origin.audit.note = async (entry) => {
    await (raised = origin.raiseTokenVersion('acme', sub, origin.minimumVersion('acme', sub) + 1))
    return note.call(origin.audit, entry)
  }
  const refreshed = (await (await refresh(token)).json()) as Tokens
  assert.ok(raised !== undefined)
  assert.equal(await isAccepted(refreshed.access_token), false)
  assert.equal((await refresh(refreshed.refresh_token)).status, 400)
  const login = await logIn()
  assert.equal(await isAccepted(login.access_token), false)
  assert.equal((await refresh(login.refresh_token)).status, 400)
})
