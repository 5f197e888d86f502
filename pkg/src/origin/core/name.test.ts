// Names that a gate accepts can be revoked, by the API and by the routes, with any characters.

import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { createGate } from '../../entry/edge/node.ts'
import { ADMINISTRATOR, openStage, type Stage, until } from '../testing/stage.ts'

const LEGAL: Readonly<Record<string, string>> = {
  'a control character': 'a\u0000b\n',
  'a dot segment': '../..',
  'dot segments': '../../etc/passwd',
  'a C1 control character': '\u0085',
  'an escape sequence': '\u001b[2J',
  'the name of a route': 'end',
  'a percent sign': '%2e%2e',
  '1,024 bytes': 'x'.repeat(1_024),
  '1,024 bytes in 512 characters': 'é'.repeat(512),
  '1,024 bytes in 256 characters': '😀'.repeat(256),
}
const ILLEGAL: Readonly<Record<string, unknown>> = {
  nothing: '',
  '1,025 bytes': 'x'.repeat(1_025),
  '1,026 bytes in 342 characters': '€'.repeat(342),
  '1,028 bytes in 257 characters': '😀'.repeat(257),
  'half a surrogate pair': 'a\ud800',
  'the other half': '\udc00b',
  'a pair the wrong way round': '\udc00\ud800',
  'a number': 1,
  null: null,
}

/** A new stage for each test, because events already in force are not recorded again. */
let stage: Stage
beforeEach(async () => void (stage = await openStage({ edges: [{ name: 'edge-1', ackSecret: 'secret-1' }] })))
afterEach(() => stage.close())

function refuses(subject: Parameters<Stage['origin']['refuses']>[1] | object): string | undefined {
  const now = Math.floor(Date.now() / 1000)
  return stage.origin.refuses('acme', { issuedAt: now - 10, expiresAt: now + 300, ...subject })
}

describe('the API', () => {
  for (const [what, name] of Object.entries(LEGAL)) {
    test(`accepts ${what}`, async () => {
      const { origin } = stage
      await origin.endClientSession('acme', name, name)
      assert.equal(refuses({ session: name, authorizedParty: name }), 'session_revoked')
      assert.equal(refuses({ session: name, authorizedParty: 'other' }), undefined)
      await origin.endSession('acme', name)
      assert.equal(refuses({ session: name }), 'session_revoked')
      await origin.logoutUser('acme', name)
      assert.equal(refuses({ subject: name }), 'user_revoked')
      await origin.endGrant('acme', name, name)
      await origin.correct('acme', { kind: 'user', subject: name }, { reason: 'a test' })
      assert.equal(refuses({ subject: name, authorizedParty: name }), 'grant_revoked')
      assert.equal(refuses({ subject: name, clientId: name }), 'grant_revoked')
      assert.equal(refuses({ subject: name, authorizedParty: 'other' }), undefined)
      assert.equal(refuses({ subject: 'other', authorizedParty: name }), undefined)
      await origin.correct('acme', { kind: 'grant', subject: name, client: name }, { reason: 'a test' })
      assert.equal(refuses({ subject: name, authorizedParty: name }), undefined)
      await origin.setClientNotBefore('acme', name)
      assert.equal(refuses({ authorizedParty: name }), 'client_revoked')
      assert.equal(refuses({ subject: name }), undefined)
      await origin.raiseTokenVersion('acme', name, 2)
      assert.equal(refuses({ subject: name, tokenVersion: 1 }), 'version_revoked')
    })
  }

  for (const [what, value] of Object.entries(ILLEGAL)) {
    test(`refuses ${what}`, async () => {
      const { origin } = stage
      const name = value as string
      const before = stage.sequence()
      for (const call of [
        () => origin.endSession('acme', name),
        () => origin.endClientSession('acme', 's', name),
        () => origin.logoutUser('acme', name),
        () => origin.endGrant('acme', name, 'demo'),
        () => origin.endGrant('acme', 'alice', name),
        () => origin.setClientNotBefore('acme', name),
        () => origin.raiseTokenVersion('acme', name, 1),
        () => origin.correct('acme', { kind: 'session', session: name }, { reason: 'a test' }),
        () => origin.correct('acme', { kind: 'grant', subject: 'alice', client: name }, { reason: 'a test' }),
      ]) {
        await assert.rejects(call, {
          code: 'invalid_event',
          detail: 'invalid_name',
          message: /1 to 1024 bytes of UTF-8/,
        })
      }
      assert.equal(stage.sequence(), before)
    })
  }
})

describe('routes that take the name in their body', () => {
  const routes = [
    { path: 'users/logout', body: (name: unknown) => ({ id: name }), status: 204, action: 'user_logged_out' },
    { path: 'sessions/end', body: (name: unknown) => ({ sid: name }), status: 204, action: 'session_ended' },
    {
      path: 'sessions/end',
      body: (name: unknown) => ({ sid: name, client: name }),
      status: 204,
      action: 'client_session_ended',
    },
    { path: 'grants/end', body: (name: unknown) => ({ user: name, client: name }), status: 204, action: 'grant_ended' },
    {
      path: 'grants/end',
      body: (name: unknown) => ({ user: 'alice', client: name }),
      status: 204,
      action: 'grant_ended',
    },
    {
      path: 'clients/push-revocation',
      body: (name: unknown) => ({ client: name }),
      status: 200,
      action: 'client_not_before_set',
    },
  ] as const

  for (const { path, body, status, action } of routes) {
    test(`${path}: ${action}`, async () => {
      for (const [what, name] of Object.entries(LEGAL)) {
        const answer = await stage.administer('POST', `/admin/realms/acme/${path}?reason=${action}`, body(name))
        assert.equal(answer.status, status, what)
        const [line] = await stage.origin.audit.list({ realm: 'acme', action, limit: 1 })
        assert.deepEqual([line?.actor, line?.reason, line?.sequence], ['admin:admin', action, stage.sequence()], what)
      }
      const before = stage.sequence()
      for (const [what, name] of Object.entries(ILLEGAL)) {
        assert.equal((await stage.administer('POST', `/admin/realms/acme/${path}`, body(name))).status, 400, what)
      }
      assert.equal(stage.sequence(), before)
      const waited = await stage.administer(
        'POST',
        `/admin/realms/acme/${path}?wait=enforced&timeoutMs=0`,
        body('waited'),
      )
      const { missing } = (await waited.json()) as { missing: string[] }
      assert.deepEqual([waited.status, missing], [200, ['edge-1']])
    })
  }

  test('a not-before may be given with the client', async () => {
    const path = '/admin/realms/acme/clients/push-revocation'
    const notBefore = Math.floor(Date.now() / 1000) - 100
    assert.equal((await stage.administer('POST', path, { client: 'dated/..', notBefore })).status, 200)
    assert.equal(refuses({ authorizedParty: 'dated/..', issuedAt: notBefore }), 'client_revoked')
    assert.equal(refuses({ authorizedParty: 'dated/..', issuedAt: notBefore + 1 }), undefined)
    assert.equal((await stage.administer('POST', path, { notBefore })).status, 400)
  })

  test('exist besides those that take it in the path', async () => {
    assert.equal((await stage.administer('DELETE', '/admin/realms/acme/sessions/ended')).status, 204)
    assert.equal((await stage.administer('DELETE', '/admin/realms/acme/users/alice/grants/end')).status, 204)
    assert.equal((await stage.administer('DELETE', '/admin/realms/acme/users/alice/grants/..%2f')).status, 400)
    const other = await stage.administer('DELETE', '/admin/realms/acme/sessions/end')
    assert.deepEqual([other.status, other.headers.get('allow')], [405, 'POST'])
    assert.equal((await stage.administer('POST', '/admin/realms/acme/users/a%00b/logout')).status, 400)
  })
})

test('a gate accepts no name that cannot be revoked, and enforces revocations of the others', async (t) => {
  const gate = createGate({
    realms: [
      {
        name: 'acme',
        issuer: stage.issuer.realm.issuer,
        audience: 'api',
        feed: { url: `${stage.server.url}/feed/acme`, keys: [stage.publicKey] },
      },
    ],
    firstLoadTimeoutMs: 5_000,
  })
  t.after(() => gate.close())
  const claims = ['sub', 'sid', 'azp', 'client_id', 'jti']
  for (const [what, name] of Object.entries(ILLEGAL)) {
    if (typeof name !== 'string' || name === '' || /\p{Surrogate}/u.test(name)) continue
    for (const claim of claims) {
      const token = await stage.issuer.token({ [claim]: name })
      const verdict = await gate.check(token)
      assert.equal(verdict.ok ? 'accepted' : verdict.reason, 'malformed', `${what} as ${claim}`)
      const failed = (await gate.explain(token)).find(({ outcome }) => outcome === 'failed')
      assert.deepEqual([failed?.check, failed?.detail], ['claims', `${claim}: expected at most 1024 bytes; found more`])
      assert.equal((await stage.revoke(token)).status, 401, `${what} as ${claim}`)
    }
  }
  for (const [what, name] of Object.entries(LEGAL)) {
    const token = await stage.issuer.token({ sub: name, sid: name, jti: name, azp: name, client_id: name })
    assert.equal((await gate.check(token)).ok, true, what)
    assert.equal((await stage.administer('POST', '/admin/realms/acme/users/logout', { id: name })).status, 204)
    await until(async () => {
      await gate.refresh()
      return !(await gate.check(token)).ok
    }, `${what} is refused`)
  }
  // Also as an administrator.
  const odd = await stage.issuer.token({ ...ADMINISTRATOR, sub: '..\u0000' })
  const headers = { authorization: `Bearer ${odd}` }
  assert.equal((await stage.get('/admin/realms/acme/edges', { headers })).status, 200)
  assert.equal((await stage.administer('POST', '/admin/realms/acme/users/logout', { id: '..\u0000' })).status, 204)
  assert.equal((await stage.get('/admin/realms/acme/edges', { headers })).status, 401)
})
