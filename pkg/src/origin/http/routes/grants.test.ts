// Administrators disconnect apps and limit keys in time.

import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import type { IssuerAdministration } from '../../index.ts'
import { createTestIssuer, openStage, type Stage } from '../../testing/stage.ts'

const GRANTS = '/admin/realms/acme/users/alice/grants'
const now = (): number => Math.floor(Date.now() / 1000)

let stage: Stage
beforeEach(async () => void (stage = await openStage({ edges: [{ name: 'edge-1', ackSecret: 'secret-1' }] })))
afterEach(() => stage.close())

function refuses(subject: {
  subject?: string
  authorizedParty?: string
  clientId?: string
  keyThumbprint?: string
  issuedAt?: number
}): string | undefined {
  return stage.origin.refuses('acme', { issuedAt: now() - 10, expiresAt: now() + 300, ...subject })
}

async function errorOf(response: Response): Promise<[number, string, string]> {
  const { error, error_description: description = '' } = (await response.json()) as {
    error: string
    error_description?: string
  }
  return [response.status, error, description]
}

describe('an app is disconnected', () => {
  test("by its route: that client's tokens of that user are refused, and no others", async () => {
    const startedAt = now()
    assert.equal((await stage.administer('DELETE', `${GRANTS}/agent`)).status, 204)
    const endedAt = now()
    assert.equal(refuses({ subject: 'alice', authorizedParty: 'agent' }), 'grant_revoked')
    assert.equal(refuses({ subject: 'alice', clientId: 'agent' }), 'grant_revoked')
    assert.equal(refuses({ subject: 'alice', authorizedParty: 'demo' }), undefined)
    assert.equal(refuses({ subject: 'bob', authorizedParty: 'agent' }), undefined)
    assert.equal(refuses({ authorizedParty: 'agent' }), undefined, 'a token without a user is not affected')
    const notBefore = stage.origin.grantNotBefore('acme', 'alice', 'agent')
    assert.ok(startedAt + 2 <= notBefore && notBefore <= endedAt + 2)
    assert.equal(
      refuses({ subject: 'alice', authorizedParty: 'agent', issuedAt: notBefore + 1 }),
      undefined,
      'the next login works',
    )
    assert.equal(stage.origin.userNotBefore('acme', 'alice'), 0)
  })

  test('also an unknown one; a second time changes nothing', async () => {
    for (const path of [
      '/admin/realms/acme/users/nobody/grants/nothing',
      `${GRANTS}/%F0%9F%98%80`,
      `${GRANTS}/a%2Fb`,
    ]) {
      assert.equal((await stage.administer('DELETE', path)).status, 204, path)
    }
    assert.equal(refuses({ subject: 'alice', authorizedParty: 'a/b' }), 'grant_revoked')
    const occurredAt = now() + 60
    assert.equal((await stage.origin.endGrant('acme', 'alice', 'agent', { occurredAt })).changed, true)
    assert.equal((await stage.origin.endGrant('acme', 'alice', 'agent', { occurredAt })).changed, false)
    assert.equal(
      (await stage.origin.endGrant('acme', 'alice', 'agent', { notBefore: now() })).changed,
      false,
      'never moves back',
    )
  })

  test('and the response waits for the edges on request', async () => {
    for (const [method, path, body] of [
      ['DELETE', `${GRANTS}/agent`, undefined],
      ['POST', '/admin/realms/acme/grants/end', { user: 'alice', client: 'agent' }],
    ] as const) {
      const response = await stage.administer(method, `${path}?wait=enforced&timeoutMs=0`, body)
      const { sequence, missing } = (await response.json()) as { sequence: number; missing: string[] }
      assert.deepEqual([response.status, sequence, missing], [200, stage.sequence(), ['edge-1']])
    }
    assert.equal((await stage.administer('DELETE', `${GRANTS}/agent?wait=soon`)).status, 400)
  })

  test('the audit log has actor, user, client and reason, and the finding on the time', async () => {
    await stage.administer('DELETE', `${GRANTS}/agent?reason=lost+phone`)
    await stage.origin.endGrant('acme', 'alice', 'an app', { notBefore: Date.now() })
    await stage.origin.correct('acme', { kind: 'grant', subject: 'alice', client: 'agent' }, { reason: 'found' })
    const lines = (await (await stage.administer('GET', '/admin/realms/acme/events?subject=alice')).json()) as Record<
      string,
      unknown
    >[]
    assert.deepEqual(
      lines.map(({ action, actor, subject, detail, reason }) => [action, actor, subject, detail, reason]),
      [
        ['corrected', 'application', 'alice', 'client agent', 'found'],
        ['grant_ended', 'application', 'alice', 'caller_replaced client an app', undefined],
        ['grant_ended', 'admin:admin', 'alice', 'client agent', 'lost phone'],
      ],
    )
    assert.equal(
      ((await (await stage.administer('GET', '/admin/realms/acme/events?action=grant_ended')).json()) as unknown[])
        .length,
      2,
    )
  })

  test('a mistake is corrected', async () => {
    const path = '/admin/realms/acme/corrections?reason=wrong+app'
    await stage.origin.endGrant('acme', 'alice', 'agent')
    await stage.origin.endGrant('acme', 'alice', 'other')
    for (const wrong of [
      { kind: 'grant', subject: 'alice' },
      { kind: 'grant', client: 'agent' },
      { kind: 'grant', subject: 'alice', client: '' },
      { kind: 'grant', subject: 'alice', client: 'agent', notBefore: Date.now() },
      // The members of a client session.
      { kind: 'grant', session: 's1', authorizedParty: 'agent' },
      { kind: 'grant', subject: 'alice', client: 'agent', session: 's1' },
    ]) {
      assert.equal((await stage.administer('POST', path, wrong)).status, 400, JSON.stringify(wrong))
    }
    assert.equal(refuses({ subject: 'alice', authorizedParty: 'agent' }), 'grant_revoked')
    const notBefore = now() - 100
    assert.equal(
      (await stage.administer('POST', path, { kind: 'grant', subject: 'alice', client: 'agent', notBefore })).status,
      204,
    )
    assert.equal(stage.origin.grantNotBefore('acme', 'alice', 'agent'), notBefore)
    assert.equal(
      (await stage.administer('POST', path, { kind: 'grant', subject: 'alice', client: 'agent' })).status,
      204,
    )
    assert.equal(refuses({ subject: 'alice', authorizedParty: 'agent', issuedAt: notBefore - 1 }), undefined)
    assert.equal(refuses({ subject: 'alice', authorizedParty: 'other' }), 'grant_revoked')
  })

  test('refuses invalid names with an error that states the rule', async () => {
    const path = '/admin/realms/acme/grants/end'
    const before = stage.sequence()
    for (const [body, description] of [
      [{ user: 'alice' }, /^client is missing: it must be a string of 1 to 1024 bytes/],
      [{ client: 'agent' }, /^user is missing/],
      [{ user: 'alice', client: 'x'.repeat(1_025) }, /^client must be a string of 1 to 1024 bytes/],
      [{ sid: 's1', client: 'agent' }, /^the body may have only the members user, client$/],
      [{ user: 'alice', client: 'agent', notBefore: 1 }, /only the members user, client$/],
    ] as const) {
      const [status, error, said] = await errorOf(await stage.administer('POST', path, body))
      assert.deepEqual([status, error], [400, 'invalid_request'])
      assert.match(said, description)
    }
    assert.equal((await stage.administer('DELETE', `${GRANTS}/${'x'.repeat(1_025)}`)).status, 400)
    assert.equal(stage.sequence(), before)
  })

  test('requires an administrator', async () => {
    const path = `${GRANTS}/agent`
    assert.equal((await stage.get(path, { method: 'DELETE' })).status, 401)
    const authorization = `Bearer ${await stage.issuer.token()}`
    assert.equal((await stage.get(path, { method: 'DELETE', headers: { authorization } })).status, 403)
    assert.equal((await stage.get(GRANTS, { headers: { authorization } })).status, 403)
    assert.equal((await stage.get(path)).status, 405)
  })
})

describe("a user's apps are listed", () => {
  async function listed(of: Stage = stage, user = 'alice'): Promise<unknown> {
    const response = await of.administer('GET', `/admin/realms/acme/users/${user}/grants`)
    assert.equal(response.status, 200)
    return response.json()
  }

  test('if the issuer is elsewhere: the disconnected ones, while that is in force', async () => {
    assert.deepEqual(await listed(), [])
    await stage.origin.endGrant('acme', 'alice', 'b')
    await stage.origin.endGrant('acme', 'alice', 'client c')
    await stage.origin.endGrant('acme', 'alice', 'a\u0000..')
    await stage.origin.endGrant('acme', 'bob', 'c')
    await stage.origin.endGrant('acme', 'alice', 'x'.repeat(1_024))
    const notBefore = (client: string): number => stage.origin.grantNotBefore('acme', 'alice', client)
    assert.ok(notBefore('x'.repeat(1_024)) > 0)
    const [b, c] = ['b', 'client c'].map((clientId) => ({ clientId, sessions: 0, notBefore: notBefore(clientId) }))
    assert.deepEqual(await listed(), [b, c], 'omits names that the log truncates')
    await stage.origin.correct('acme', { kind: 'grant', subject: 'alice', client: 'b' }, { reason: 'a test' })
    assert.deepEqual(await listed(), [c])
  })

  test('if it is beside the origin: also those of its sessions', async () => {
    const session = { userId: 'alice', username: 'alice', start: 1 }
    const unused = (): Promise<never> => Promise.reject(new Error('not called'))
    const administration: IssuerAdministration = {
      ...{ users: unused, keys: unused, addKey: unused, retireKey: unused, refreshToken: unused, sessionEnded: unused },
      sessions: async (sub: string) =>
        sub !== 'alice'
          ? undefined
          : [
              { ...session, id: 's1', lastAccess: 5, clients: ['demo', 'agent'] },
              { ...session, id: 's2', lastAccess: 9, clients: ['demo'] },
            ],
    }
    const issuer = await createTestIssuer()
    const beside = await openStage({ realms: [{ ...issuer.realm, administration }] })
    beside.issuer = issuer
    try {
      await beside.origin.endGrant('acme', 'alice', 'gone')
      await beside.origin.endGrant('acme', 'alice', 'agent')
      const headers = {
        authorization: `Bearer ${await issuer.token({ sub: 'admin', realm_access: { roles: ['portcullis-admin'] } })}`,
      }
      const notBefore = (client: string): number => beside.origin.grantNotBefore('acme', 'alice', client)
      assert.deepEqual(await (await beside.get(GRANTS, { headers })).json(), [
        { clientId: 'agent', sessions: 1, lastAccess: 5, notBefore: notBefore('agent') },
        { clientId: 'demo', sessions: 2, lastAccess: 9, notBefore: 0 },
        { clientId: 'gone', sessions: 0, notBefore: notBefore('gone') },
      ])
      assert.equal((await beside.get('/admin/realms/acme/users/nobody/grants', { headers })).status, 404)
    } finally {
      await beside.close()
    }
  })

  test('if grantClaim names apps: none of the sessions, and only that claim counts', async () => {
    const issuer = await createTestIssuer()
    const unused = (): Promise<never> => Promise.reject(new Error('not called'))
    const session = { id: 's1', userId: 'alice', username: 'alice', start: 1, lastAccess: 5, clients: ['demo'] }
    const administration: IssuerAdministration = {
      ...{ users: unused, keys: unused, addKey: unused, retireKey: unused, refreshToken: unused, sessionEnded: unused },
      sessions: async () => [session],
    }
    const named = await openStage({ realms: [{ ...issuer.realm, administration, grantClaim: 'app' }] })
    try {
      await named.origin.endGrant('acme', 'alice', 'agent')
      const headers = {
        authorization: `Bearer ${await issuer.token({ sub: 'admin', realm_access: { roles: ['portcullis-admin'] } })}`,
      }
      const notBefore = named.origin.grantNotBefore('acme', 'alice', 'agent')
      assert.deepEqual(await (await named.get(GRANTS, { headers })).json(), [
        { clientId: 'agent', sessions: 0, notBefore },
      ])
      const asked = (subject: { authorizedParty?: string; grant?: string }): unknown =>
        named.origin.refuses('acme', { subject: 'alice', issuedAt: now() - 10, expiresAt: now() + 300, ...subject })
      assert.deepEqual(
        [
          asked({ grant: 'agent' }),
          asked({ authorizedParty: 'agent' }),
          asked({ grant: 'other', authorizedParty: 'agent' }),
        ],
        ['grant_revoked', undefined, undefined],
      )
    } finally {
      await named.close()
    }
  })
})
