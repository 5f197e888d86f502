// A key's not-before: tokens that it signed up to a time are refused.

import assert from 'node:assert/strict'
import { afterEach, beforeEach, test } from 'node:test'
import { calculateJwkThumbprint } from 'jose'
import { openStage, type Stage } from '../../testing/stage.ts'

const now = (): number => Math.floor(Date.now() / 1000)

let stage: Stage
let kid: string
let keyThumbprint: string
beforeEach(async () => {
  stage = await openStage({ edges: [{ name: 'edge-1', ackSecret: 'secret-1' }] })
  kid = String(stage.issuer.jwk.kid)
  keyThumbprint = await calculateJwkThumbprint(stage.issuer.jwk as object)
})
afterEach(() => stage.close())

const routeOf = (key: string): string => `/admin/realms/acme/keys/${key}/not-before`

function refuses(issuedAt: number, thumbprint = keyThumbprint): string | undefined {
  return stage.origin.refuses('acme', { keyThumbprint: thumbprint, issuedAt, expiresAt: issuedAt + 300 })
}

test('is set to a time, by kid or thumbprint, and never goes back', async () => {
  const notBefore = now() - 100
  for (const [key, given, inForce] of [
    [kid, notBefore - 10, notBefore - 10],
    [keyThumbprint, notBefore, notBefore],
    [kid, notBefore - 20, notBefore],
  ] as const) {
    assert.equal((await stage.administer('PUT', routeOf(key), { notBefore: given })).status, 204)
    assert.equal(stage.origin.keyNotBefore('acme', keyThumbprint), inForce)
  }
  assert.deepEqual([refuses(notBefore), refuses(notBefore + 1)], ['banned_key', undefined])
  assert.equal(refuses(notBefore, 'A'.repeat(43)), undefined, 'another key is not affected')
  assert.equal(stage.origin.bans('acme', keyThumbprint), false)
  const { keys } = (await (await stage.administer('GET', '/admin/realms/acme/keys')).json()) as {
    keys: { status: string; notBefore: number }[]
  }
  assert.deepEqual(
    keys.map((key) => [key.status, key.notBefore]),
    [['ACTIVE', notBefore]],
  )
})

test("defaults to now without a body; refuses the request's own token, but not a later login", async () => {
  const headers = {
    authorization: `Bearer ${await stage.issuer.token({ sub: 'admin', realm_access: { roles: ['portcullis-admin'] } })}`,
  }
  const startedAt = now()
  assert.equal((await stage.get(routeOf(kid), { method: 'PUT', headers })).status, 204)
  const endedAt = now()
  const notBefore = stage.origin.keyNotBefore('acme', keyThumbprint)
  assert.ok(startedAt + 2 <= notBefore && notBefore <= endedAt + 2)
  assert.equal((await stage.get('/admin/realms/acme/keys', { headers })).status, 401)
  assert.equal(refuses(notBefore + 1), undefined)
})

test('replaces milliseconds by now, and reports it', async () => {
  assert.equal((await stage.administer('PUT', routeOf(kid), { notBefore: Date.now() })).status, 204)
  assert.ok(stage.origin.keyNotBefore('acme', keyThumbprint) <= now() + 3)
  assert.deepEqual(
    stage.reports.map(({ kind, error }) => [kind, error?.detail]),
    [['clock', 'caller_replaced']],
  )
  const [line] = await stage.origin.audit.list({ realm: 'acme', action: 'key_not_before_raised', limit: 10 })
  assert.deepEqual([line?.actor, line?.subject, line?.detail], ['admin:admin', keyThumbprint, 'caller_replaced'])
})

test('an unknown key, or an invalid time, is refused', async () => {
  const before = stage.sequence()
  assert.equal((await stage.administer('PUT', routeOf('unknown'), {})).status, 404)
  for (const body of [{ notBefore: 0 }, { notBefore: 1.5 }, { notBefore: '5' }, { notBefore: null }, { until: 5 }]) {
    assert.equal((await stage.administer('PUT', routeOf(kid), body)).status, 400, JSON.stringify(body))
  }
  await assert.rejects(stage.origin.raiseKeyNotBefore('acme', 'unknown'), {
    code: 'invalid_event',
    detail: 'unknown_key',
  })
  await assert.rejects(stage.origin.raiseKeyNotBefore('acme', kid, { notBefore: now(), occurredAt: now() }), {
    detail: 'invalid_time',
  })
  await assert.rejects(stage.origin.endGrant('acme', 'alice', 'demo', { notBefore: now(), occurredAt: now() }), {
    detail: 'invalid_time',
  })
  assert.equal(stage.sequence(), before)
})

test('waits for the edges, and can be corrected', async () => {
  const notBefore = now() - 100
  const response = await stage.administer('PUT', `${routeOf(kid)}?wait=enforced&timeoutMs=0&reason=clock+was+wrong`, {
    notBefore,
  })
  const { missing } = (await response.json()) as { missing: string[] }
  assert.deepEqual([response.status, missing], [200, ['edge-1']])
  const path = '/admin/realms/acme/corrections?reason=typo'
  assert.equal((await stage.administer('POST', path, { kind: 'keyNotBefore', thumbprint: 'short' })).status, 400)
  assert.equal(
    (
      await stage.administer('POST', path, {
        kind: 'keyNotBefore',
        thumbprint: keyThumbprint,
        notBefore: notBefore - 50,
      })
    ).status,
    204,
  )
  assert.deepEqual([refuses(notBefore - 50), refuses(notBefore)], ['banned_key', undefined])
  assert.equal((await stage.administer('POST', path, { kind: 'keyNotBefore', thumbprint: keyThumbprint })).status, 204)
  assert.equal(stage.origin.keyNotBefore('acme', keyThumbprint), 0)
  assert.equal(refuses(notBefore - 50), undefined)
  const lines = await stage.origin.audit.list({ realm: 'acme', subject: keyThumbprint, limit: 10 })
  assert.deepEqual(
    lines.map(({ action, reason }) => [action, reason]),
    [
      ['corrected', 'typo'],
      ['corrected', 'typo'],
      ['key_not_before_raised', 'clock was wrong'],
    ],
  )
})

test('has room for 4,096 of them, and for one more after one is removed', { timeout: 120_000 }, async () => {
  const thumbprintOf = (index: number): string => `${String(index).padStart(42, '0')}A`
  const set = (index: number, notBefore?: number): Promise<unknown> =>
    stage.origin.correct(
      'acme',
      { kind: 'keyNotBefore', thumbprint: thumbprintOf(index), ...(notBefore === undefined ? {} : { notBefore }) },
      { reason: 'a test' },
    )
  const notBefore = now() - 100
  await Promise.all(Array.from({ length: 4_096 }, (_, index) => set(index, notBefore)))
  const before = stage.sequence()
  await assert.rejects(set(4_096, notBefore), {
    code: 'invalid_event',
    detail: 'too_many',
    message: /the feed cannot carry more events of this kind/,
  })
  const full = await stage.administer('PUT', routeOf(kid), { notBefore })
  assert.deepEqual([full.status, ((await full.json()) as { error: string }).error], [409, 'too_many'])
  assert.equal(stage.sequence(), before)
  await stage.origin.raiseTokenVersion('acme', 'alice', 1)
  await set(7)
  assert.equal((await stage.administer('PUT', routeOf(kid), { notBefore })).status, 204)
})
