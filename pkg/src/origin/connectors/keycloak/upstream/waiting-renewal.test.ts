import assert from 'node:assert/strict'
import { test } from 'node:test'
import { until } from '../../../testing/stage.ts'
import { DOWN, now, openActingStage } from '../testing/acting-stage.ts'

/** How long an ended session is refused beyond its time. */
const GRACE_SECONDS = 60

test('refuses the session of a waiting act for as long as it waits', async (context) => {
  const startedMs = Date.now()
  context.mock.timers.enable({ apis: ['Date'], now: startedMs })
  const stage = await openActingStage()
  context.after(() => stage.close())
  stage.state.misbehave = DOWN
  await (await stage.origin.endSession('acme', 's1')).upstream
  const endedAt = now()
  const refuses = (issuedAt: number) =>
    stage.origin.refuses('acme', { session: 's1', issuedAt, expiresAt: issuedAt + 300 })
  for (const passed of [50, 100, 150]) {
    // A refresh after the first record has run out.
    const refreshedAt = endedAt + passed + GRACE_SECONDS - 15
    assert.equal(refuses(refreshedAt), undefined)
    context.mock.timers.setTime(startedMs + passed * 1000)
    await until(() => refuses(refreshedAt) === 'session_revoked', `it is renewed after ${passed} s`)
  }
})

test('a not-before set to an earlier time does not affect tokens issued since', async (context) => {
  const stage = await openActingStage()
  context.after(() => stage.close())
  stage.state.misbehave = DOWN
  const issued = { issuedAt: now() - 10, expiresAt: now() + 290 }
  await (await stage.origin.setRealmNotBefore('acme', now() - 20)).upstream
  await (await stage.origin.setClientNotBefore('acme', 'web', now() - 20)).upstream
  stage.state.misbehave = undefined
  await stage.idle()
  assert.equal(stage.origin.refuses('acme', { ...issued, authorizedParty: 'web' }), undefined)
})

test('renewing a waiting act does not add another act', async (context) => {
  const startedMs = Date.now()
  context.mock.timers.enable({ apis: ['Date'], now: startedMs })
  const stage = await openActingStage({ lastLogoutTime: 'write' })
  context.after(() => stage.close())
  stage.state.misbehave = DOWN
  await (await stage.origin.logoutUser('acme', 'alice')).upstream
  const notBefore = () => stage.origin.userNotBefore('acme', 'alice')
  for (const days of [1, 2]) {
    const before = notBefore()
    context.mock.timers.setTime(startedMs + days * 86_400_000)
    await until(() => notBefore() > before, 'it is renewed')
    assert.equal(await stage.waiting(), 1)
  }
})
