// Memory really runs out: the origin's core has little of it.

import '../testing/load-small.ts'
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { createOrigin } from '../index.ts'
import { createTestIssuer, openStage, type Stage } from '../testing/stage.ts'

async function started(t: TestContext): Promise<Stage> {
  const stage = await openStage({ heartbeatSeconds: 1 })
  t.after(() => stage.close())
  return stage
}

/** Records many long names at once: more than the core has room for. */
async function exhaust({ origin }: Stage): Promise<PromiseSettledResult<unknown>[]> {
  const long = 'x'.repeat(1000)
  return Promise.allSettled(Array.from({ length: 8000 }, (_, number) => origin.endSession('acme', `${number}-${long}`)))
}

const refusal = { code: 'store_unavailable', detail: 'core_failed' }

test('an origin out of memory answers all requests, refuses events, and reports it', async (t) => {
  const stage = await started(t)
  const token = await stage.issuer.token()
  assert.equal((await stage.revoke(await stage.issuer.token())).status, 200)
  assert.equal((await stage.get('/healthz')).status, 200)

  const settled = await exhaust(stage)
  const failed = settled.filter((outcome) => outcome.status === 'rejected')
  assert.ok(failed.length > 0)
  for (const { reason } of failed) assert.deepEqual({ code: reason.code, detail: reason.detail }, refusal)

  const faults = stage.reports.filter(({ kind }) => kind === 'fault')
  assert.equal(faults.length, 1)
  assert.equal(faults[0]?.error?.detail, 'core_failed')
  await assert.rejects(stage.origin.endSession('acme', 'one more'), refusal)
  const health = await stage.get('/healthz')
  assert.equal(health.status, 503)
  assert.equal(((await health.json()) as { error?: string }).error, 'fault')
  const revoked = await stage.revoke(token)
  assert.equal(revoked.status, 500)
  assert.equal(((await revoked.json()) as { error?: string }).error, 'server_error')
  assert.equal((await stage.administer('DELETE', '/admin/realms/acme/sessions/s1')).status, 500)
  assert.equal(stage.reports.filter(({ kind }) => kind === 'fault').length, 1, 'and not again for every request')
})

test('can be closed, and durable events are present after a restart', async (t) => {
  const stage = await openStage()
  await stage.origin.logoutUser('acme', 'bob')
  await exhaust(stage)
  await stage.origin.close()
  const again = await createOrigin({
    store: stage.reopenStore(),
    signingKey: stage.signingKey,
    realms: [stage.issuer.realm],
    onReport: () => undefined,
  })
  t.after(() => again.close())
  assert.ok(again.userNotBefore('acme', 'bob') > 0)
  await again.logoutUser('acme', 'carol')
  assert.ok(again.userNotBefore('acme', 'carol') > 0)
  await stage.server.close()
})

test('stops every realm of the origin with its feeds and pushes, and leaves no unhandled rejection', async (t) => {
  const other = await createTestIssuer('other', 'https://issuer.test/realms/other')
  const issuer = await createTestIssuer()
  const edges = [{ name: 'edge', pushUrl: 'http://127.0.0.1:9/feed' }]
  const stage = await openStage({ realms: [issuer.realm, other.realm], edges, heartbeatSeconds: 1 })
  t.after(() => stage.close())
  const waiting = stage.get(`/feed/other/manifest?after=${stage.sequence()}&waitSeconds=2`)
  await exhaust(stage)
  await assert.rejects(stage.origin.logoutUser('other', 'bob'), refusal)
  assert.ok([200, 304, 500].includes((await waiting).status))
  const answers = await Promise.all(['acme', 'other'].map((realm) => stage.get(`/feed/${realm}/deltas?after=0`)))
  for (const answer of answers) assert.equal(answer.status, 500)
  // Longer than the heartbeat.
  await pause(1500)
  assert.equal(stage.reports.filter(({ kind }) => kind === 'fault').length, 1)
  assert.equal((await stage.get('/healthz')).status, 503)
})
