import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { openStage, type Stage, until } from '../testing/stage.ts'
import type { Enforcement } from '../api.ts'

let stage: Stage
before(async () => {
  stage = await openStage({
    edges: [{ name: 'edge-1', ackSecret: 'secret-1' }, { name: 'edge-2', ackSecret: 'secret-2' }, { name: 'mute' }],
  })
})
after(() => stage.close())

function acknowledge(number: 1 | 2, query = ''): Promise<Response> {
  const { sequence, chain } = stage.origin.status()[0] ?? { sequence: 0, chain: '' }
  const body = { edge: `edge-${number}`, sequence, chain, issuedAt: Math.floor(Date.now() / 1000) }
  return stage.post(`/feed/acme/acks${query}`, body, { authorization: `Bearer secret-${number}` })
}

test('responds once all edges that can acknowledge have done so', async () => {
  const before = stage.sequence()
  const answer = stage.administer('DELETE', '/admin/realms/acme/sessions/x1?wait=enforced&timeoutMs=20000')
  await until(() => stage.sequence() === before + 1, 'the session is ended')
  for (const number of [1, 2] as const) assert.equal((await acknowledge(number)).status, 204)
  const response = await answer
  assert.equal(response.status, 200)
  const { elapsedMs, ...enforcement } = (await response.json()) as Enforcement
  assert.deepEqual(enforcement, { sequence: before + 1, enforced: 2, total: 3, missing: ['mute'] })
  assert.ok(elapsedMs >= 0 && elapsedMs < 20_000)
})

test('an edge with an older form counts for the events that the form covers', async () => {
  for (const record of [
    () => stage.origin.endGrant('acme', 'erin', 'app'),
    () => stage.origin.logoutUser('acme', 'erin'),
  ]) {
    const recorded = await record()
    assert.equal(recorded.leastMinor, undefined)
    await acknowledge(1)
    await acknowledge(2, '?minor=1')
    assert.deepEqual(
      stage.origin.status()[0]?.edges.map(({ minor }) => minor),
      [0, 1, undefined],
    )
    assert.deepEqual((await stage.origin.enforced(recorded, { timeoutMs: 0 })).missing, ['mute'])
    // As for an event that form 1.0 omits.
    assert.deepEqual((await stage.origin.enforced({ ...recorded, leastMinor: 1 }, { timeoutMs: 0 })).missing, [
      'edge-1',
      'mute',
    ])
  }
})

test('names the missing edges after the timeout', async () => {
  const before = stage.sequence()
  const answer = stage.post('/v1/auth/token/revoke?wait=enforced&timeoutMs=300', { token: await stage.issuer.token() })
  await until(() => stage.sequence() === before + 1, 'the token is revoked')
  await acknowledge(1)
  const enforcement = (await (await answer).json()) as Enforcement
  assert.deepEqual([enforcement.enforced, enforcement.total, enforcement.missing], [1, 3, ['edge-2', 'mute']])
  assert.ok(enforcement.elapsedMs >= 300 - 2)
})

test('can also be queried without waiting', async () => {
  const recorded = await stage.origin.logoutUser('acme', 'alice')
  assert.deepEqual((await stage.origin.enforced(recorded, { timeoutMs: 0 })).missing, ['edge-1', 'edge-2', 'mute'])
  await acknowledge(1)
  assert.deepEqual((await stage.origin.enforced(recorded, { timeoutMs: 0 })).missing, ['edge-2', 'mute'])
  await assert.rejects(stage.origin.enforced({ ...recorded, realm: 'other' }, { timeoutMs: 0 }), {
    code: 'unknown_realm',
  })
  for (const timeoutMs of [-1, 30_001, Number.NaN]) {
    await assert.rejects(stage.origin.enforced(recorded, { timeoutMs }), { code: 'invalid_option' })
  }
})

test('refuses an invalid wait before anything is recorded', async () => {
  const before = stage.sequence()
  const bad = [
    'wait=',
    'wait=true',
    'wait=enforced&wait=enforced',
    'wait=enforced&timeoutMs=-1',
    'wait=enforced&timeoutMs=30001',
    'wait=enforced&timeoutMs=1e3',
    'wait=enforced&timeoutMs=',
    'wait=enforced&timeoutMs=1&timeoutMs=2',
    'timeoutMs=100',
  ]
  for (const query of bad) {
    assert.equal((await stage.administer('POST', `/admin/realms/acme/users/alice/logout?${query}`)).status, 400, query)
    assert.equal(
      (await stage.post(`/v1/auth/token/revoke?${query}`, { token: await stage.issuer.token() })).status,
      400,
      query,
    )
  }
  assert.equal(stage.sequence(), before)
})

test('stops waiting for a client that has gone', async () => {
  const gone = new AbortController()
  const before = stage.sequence()
  const answer = stage.get('/v1/auth/token/revoke?wait=enforced&timeoutMs=30000', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ token: await stage.issuer.token() }),
    signal: gone.signal,
  })
  await until(() => stage.sequence() === before + 1, 'the token is revoked')
  gone.abort()
  await assert.rejects(answer)
})
