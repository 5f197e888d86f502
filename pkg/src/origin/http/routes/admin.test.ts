// Administration, with a development issuer beside the origin.

import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { createDevIssuer, type DevIssuer } from '../../../issuer/dev/index.ts'
import { createTestIssuer, openStage, type Stage } from '../../testing/stage.ts'

const now = (): number => Math.floor(Date.now() / 1000)

interface ShownKey {
  kid?: string
  thumbprint?: string
  algorithm?: string
  status: string
  banned: boolean
}
interface ShownKeys {
  active: Record<string, string>
  keys: ShownKey[]
}

function asked(
  stage: Stage,
  subject: { subject?: string; session?: string; authorizedParty?: string; tokenVersion?: number; issuedAt?: number },
): string | undefined {
  return stage.origin.refuses('acme', { issuedAt: now() - 10, expiresAt: now() + 300, ...subject })
}

async function keysOf(stage: Stage): Promise<ShownKeys> {
  return (await (await stage.administer('GET', '/admin/realms/acme/keys')).json()) as ShownKeys
}

describe('with an issuer of its own', () => {
  let stage: Stage
  before(async () => void (stage = await openStage()))
  after(() => stage.close())

  test('a session is ended, or one client leaves it', async () => {
    assert.equal((await stage.administer('DELETE', '/admin/realms/acme/sessions/x1?client=demo')).status, 204)
    assert.equal(asked(stage, { session: 'x1', authorizedParty: 'demo' }), 'session_revoked')
    assert.equal(asked(stage, { session: 'x1', authorizedParty: 'other' }), undefined)
    assert.equal((await stage.administer('DELETE', '/admin/realms/acme/sessions/x1')).status, 204)
    assert.equal(asked(stage, { session: 'x1', authorizedParty: 'other' }), 'session_revoked')
  })

  test("a user's token version is raised", async () => {
    const path = '/admin/realms/acme/users/bob/token-version'
    assert.equal((await stage.administer('PUT', path, { minimum: 3 })).status, 204)
    assert.equal(asked(stage, { subject: 'bob', tokenVersion: 2 }), 'version_revoked')
    assert.equal(asked(stage, { subject: 'bob', tokenVersion: 3 }), undefined)
    assert.equal((await stage.administer('PUT', path, {})).status, 400)
  })

  test("a client's and the realm's not-before are set to now, or as given; Keycloak sends no body", async () => {
    const path = '/admin/realms/acme/clients/shop/push-revocation'
    for (const body of [undefined, {}, { notBefore: now() - 5 }]) {
      const response = await stage.administer('POST', path, body)
      assert.equal(response.status, 200)
      assert.deepEqual(await response.json(), { successRequests: [], failedRequests: [], sequence: stage.sequence() })
    }
    assert.equal(asked(stage, { authorizedParty: 'shop' }), 'client_revoked')
    assert.equal(asked(stage, { authorizedParty: 'other' }), undefined)
    const before = stage.sequence()
    for (const notBefore of [0, -1, 1.5, '5', null]) {
      assert.equal((await stage.administer('POST', path, { notBefore })).status, 400, String(notBefore))
      assert.equal(
        (await stage.administer('POST', '/admin/realms/acme/push-revocation', { notBefore })).status,
        400,
        String(notBefore),
      )
    }
    assert.equal(stage.sequence(), before)
    for (const notBefore of [Date.now(), now() + 60, Number.MAX_SAFE_INTEGER]) {
      assert.equal((await stage.administer('POST', path, { notBefore })).status, 200, String(notBefore))
      assert.equal(asked(stage, { authorizedParty: 'shop', issuedAt: now() + 4 }), undefined, 'as now, not as given')
    }
    const past = await stage.administer('POST', '/admin/realms/acme/push-revocation', { notBefore: now() - 5 })
    assert.equal(past.status, 200)
    assert.equal(asked(stage, { subject: 'carol' }), 'realm_revoked')
  })

  test('a mistake is corrected, and the audit log has the reason', async () => {
    const path = '/admin/realms/acme/corrections'
    await stage.origin.logoutUser('acme', 'dora')
    await stage.origin.raiseTokenVersion('acme', 'dora', 9)
    await stage.origin.correct('acme', { kind: 'realm' }, { reason: 'an earlier test' })
    assert.equal(asked(stage, { subject: 'dora' }), 'user_revoked')
    assert.equal((await stage.administer('POST', path, { kind: 'user', subject: 'dora' })).status, 400)
    for (const kind of [['user'], [['user']], null, 1, '__proto__']) {
      assert.equal((await stage.administer('POST', `${path}?reason=r`, { kind, subject: 'dora' })).status, 400)
    }
    assert.equal(asked(stage, { subject: 'dora' }), 'user_revoked')
    assert.equal(
      (await stage.administer('POST', `${path}?reason=wrong+user`, { kind: 'user', subject: 'dora' })).status,
      204,
    )
    assert.equal(asked(stage, { subject: 'dora' }), 'version_revoked')
    assert.equal(
      (await stage.administer('POST', `${path}?reason=typo`, { kind: 'tokenVersion', subject: 'dora', minimum: 0 }))
        .status,
      204,
    )
    assert.equal(asked(stage, { subject: 'dora' }), undefined)
    const lines = await stage.origin.audit.list({ realm: 'acme', action: 'corrected', subject: 'dora', limit: 10 })
    assert.deepEqual(
      lines.map(({ actor, reason }) => [actor, reason]),
      [
        ['admin:admin', 'typo'],
        ['admin:admin', 'wrong user'],
      ],
    )
    await assert.rejects(stage.origin.correct('acme', { kind: 'realm' }, {} as { reason: string }), {
      detail: 'missing_reason',
    })
  })

  test('lists keys from the set; banning the last one requires force, and can be undone', async () => {
    const { active, keys } = await keysOf(stage)
    const [key] = keys
    assert.deepEqual(active, { EdDSA: stage.issuer.jwk.kid })
    assert.deepEqual(keys, [
      {
        kid: key?.kid,
        thumbprint: key?.thumbprint,
        algorithm: 'EdDSA',
        use: 'sig',
        status: 'ACTIVE',
        banned: false,
        notBefore: 0,
      },
    ])
    const path = `/admin/realms/acme/keys/${key?.thumbprint}`
    const last = await stage.administer('DELETE', path)
    assert.equal(last.status, 409)
    assert.equal(((await last.json()) as { error: string }).error, 'last_key')
    assert.equal((await stage.administer('DELETE', '/admin/realms/acme/keys/unknown')).status, 404)
    assert.equal((await stage.administer('DELETE', `${path}?force=true`)).status, 204)
    assert.ok(stage.origin.bans('acme', String(key?.thumbprint)))
    // Tokens of that key are refused.
    assert.equal((await stage.administer('GET', '/admin/realms/acme/keys')).status, 401)
    await stage.origin.correct('acme', { kind: 'keyBanned', thumbprint: String(key?.thumbprint) }, { reason: 'a test' })
    assert.deepEqual((await keysOf(stage)).active, active)
  })

  test('does not know which of several keys signs', async () => {
    const [first, second] = [await createTestIssuer(), await createTestIssuer()]
    const several = await openStage({
      realms: [
        {
          ...first.realm,
          jwks: { keys: [first.jwk, second.jwk, { kty: 'oct', kid: 'o', alg: 'HS256', k: 'A'.repeat(43) }] },
        },
      ],
    })
    try {
      const headers = {
        authorization: `Bearer ${await first.token({ sub: 'admin', realm_access: { roles: ['portcullis-admin'] } })}`,
      }
      const { active, keys } = (await (await several.get('/admin/realms/acme/keys', { headers })).json()) as ShownKeys
      assert.deepEqual(active, { HS256: 'o' })
      assert.deepEqual(
        keys.map(({ status }) => status),
        ['PASSIVE', 'PASSIVE', 'ACTIVE'],
      )
      assert.equal(keys[2]?.thumbprint, undefined)
    } finally {
      await several.close()
    }
  })

  test('users, sessions and new keys require an issuer beside the origin', async () => {
    for (const [method, path] of [
      ['GET', 'users'],
      ['GET', 'users/alice/sessions'],
      ['POST', 'keys'],
      ['POST', 'keys/k/retire'],
    ] as const) {
      const response = await stage.administer(method, `/admin/realms/acme/${path}`)
      assert.equal(response.status, 404, path)
      assert.match(await response.text(), /this realm's issuer is not managed here/)
    }
  })

  test('every act is in the audit log with actor and subject', async () => {
    const lines = await stage.origin.audit.list({ realm: 'acme', actor: 'admin:admin', limit: 1_000 })
    const done = new Set(lines.map(({ action, subject }) => `${action} ${subject ?? '-'}`))
    for (const line of [
      'session_ended x1',
      'client_session_ended x1',
      'token_version_raised bob',
      'client_not_before_set shop',
      'realm_not_before_set -',
    ]) {
      assert.ok(done.has(line), `${line} in ${[...done].join(', ')}`)
    }
    assert.ok(lines.every(({ address, sequence }) => address !== undefined && sequence !== undefined))
    const token = await stage.issuer.token({ jti: 'j1', sub: 'erin' })
    await stage.revoke(token)
    const [revoked] = await stage.origin.audit.list({ realm: 'acme', action: 'token_revoked', limit: 1 })
    assert.deepEqual([revoked?.actor, revoked?.subject, revoked?.address !== undefined], ['user:erin', 'j1', true])
    await stage.origin.endSession('acme', 's9')
    assert.equal((await stage.origin.audit.list({ realm: 'acme', subject: 's9', limit: 1 }))[0]?.actor, 'application')
  })
})

describe('with the development issuer beside it', () => {
  let stage: Stage
  let issuer: DevIssuer
  let token = ''
  let folder = ''
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'portcullis-admin-'))
    issuer = await createDevIssuer({
      path: join(folder, 'issuer.db'),
      issuer: 'https://issuer.test/realms/acme',
      algorithm: 'ES256',
    })
    stage = await openStage({ realms: [issuer.realm] })
    issuer.attach(stage.origin)
    token = await login('admin')
  })
  after(async () => {
    await stage.close()
    issuer.close()
    await rm(folder, { recursive: true, force: true })
  })

  async function login(user: string): Promise<string> {
    const body = new URLSearchParams({
      grant_type: 'password',
      client_id: 'demo',
      username: user,
      password: `${user}-password`,
    })
    const answer = await issuer.fetch(
      new Request('https://issuer.test/realms/acme/protocol/openid-connect/token', { method: 'POST', body }),
    )
    assert.ok(answer?.status === 200)
    return ((await answer.json()) as { access_token: string }).access_token
  }

  function administer(method: string, path: string): Promise<Response> {
    return stage.get(`/admin/realms/acme/${path}`, { method, headers: { authorization: `Bearer ${token}` } })
  }

  test('finds users and their sessions', async () => {
    await login('alice')
    const all = (await (await administer('GET', 'users')).json()) as { id: string; username: string }[]
    assert.deepEqual(all.map(({ username }) => username).sort(), ['admin', 'alice', 'bob'])
    assert.equal(((await (await administer('GET', 'users?first=1&max=1')).json()) as unknown[]).length, 1)
    const [alice] = (await (await administer('GET', 'users?search=lic')).json()) as { id: string; username: string }[]
    assert.equal(alice?.username, 'alice')
    const sessions = async (): Promise<{ id: string; clients: string[] }[]> =>
      (await (await administer('GET', `users/${alice?.id}/sessions`)).json()) as { id: string; clients: string[] }[]
    const [session] = await sessions()
    assert.deepEqual(session?.clients, ['demo'])
    assert.equal((await administer('DELETE', `sessions/${session?.id}`)).status, 204)
    assert.deepEqual(await sessions(), [])
    assert.equal((await administer('GET', 'users/nobody/sessions')).status, 404)
    // A session that the ledger refuses is not listed, even if the issuer has not ended it.
    for (const end of [
      () => stage.origin.logoutUser('acme', String(alice?.id)),
      () => stage.origin.raiseTokenVersion('acme', String(alice?.id), 3),
    ]) {
      await login('alice')
      assert.equal((await sessions()).length, 1)
      await end()
      assert.deepEqual(await sessions(), [])
    }
    const [shown] = (await (await administer('GET', 'users?search=lic')).json()) as {
      notBefore: number
      tokenVersion: number
    }[]
    assert.deepEqual(
      [shown?.notBefore, shown?.tokenVersion],
      [stage.origin.userNotBefore('acme', String(alice?.id)), 3],
    )
    assert.ok(Number(shown?.notBefore) > 0)
  })

  test('adds a key and retires the old one; the feed carries the current set', async () => {
    const keys = async (): Promise<ShownKeys> => (await (await administer('GET', 'keys')).json()) as ShownKeys
    const [old] = (await keys()).keys
    const before = stage.sequence()
    const added = await administer('POST', 'keys')
    assert.equal(added.status, 201)
    const { kid } = (await added.json()) as ShownKey
    assert.equal(stage.sequence(), before + 1)
    assert.deepEqual((await keys()).active, { ES256: kid })
    assert.equal((await administer('POST', `keys/${kid}/retire`)).status, 409)
    assert.equal((await administer('POST', 'keys/unknown/retire')).status, 404)
    token = await login('admin')
    assert.equal((await administer('POST', `keys/${old?.kid}/retire`)).status, 204)
    assert.equal(stage.sequence(), before + 2)
    assert.deepEqual(
      (await keys()).keys.map((key) => [key.kid, key.status]),
      [[kid, 'ACTIVE']],
    )
    assert.equal((await administer('POST', 'keys?wait=never')).status, 400)
    assert.equal((await keys()).keys.length, 1)
    const actions = (await stage.origin.audit.list({ realm: 'acme', limit: 20 })).map(({ action }) => action)
    assert.deepEqual(
      actions.filter((action) => action.startsWith('key')),
      ['keys_published', 'key_retired', 'keys_published', 'key_added', 'keys_published'],
    )
  })
})
