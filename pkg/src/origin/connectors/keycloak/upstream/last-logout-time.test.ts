import assert from 'node:assert/strict'
import { afterEach, beforeEach, test } from 'node:test'
import { until } from '../../../testing/stage.ts'
import { type ActingStage, now, openActingStage } from '../testing/acting-stage.ts'

let stage: ActingStage

beforeEach(async () => void (stage = await openActingStage({ lastLogoutTime: 'write' })))
afterEach(() => stage.close())

const alice = () => stage.state.users.get('alice') ?? assert.fail()
const written = (): number => Number(alice().attributes['last_logout_time']?.[0])
const puts = () => stage.keycloak.requests.filter(({ method, url }) => method === 'PUT' && url.endsWith('/users/alice'))

/** Equals the ledger's time, also after an act that was recorded again. */
async function assertWritten(): Promise<void> {
  await stage.idle()
  assert.equal(written(), stage.origin.userNotBefore('acme', 'alice'))
}

test('a logout writes its time and leaves the rest of the user unchanged', async () => {
  alice().attributes = { token_version: ['3'] }
  assert.equal(await (await stage.origin.logoutUser('acme', 'alice')).upstream, 'done')
  await assertWritten()
  assert.deepEqual([alice().attributes['token_version'], alice()['email']], [['3'], 'alice@example.test'])
  const [put] = puts()
  const sent = JSON.parse(put?.body ?? '') as object
  for (const member of ['enabled', 'credentials', 'requiredActions', 'notBefore']) assert.ok(!(member in sent), member)
})

test("does not undo an administrator's disabling of the user between reading and writing", async () => {
  stage.state.onRequest = (method) => void (method === 'PUT' && (alice().enabled = false))
  assert.equal(await (await stage.origin.logoutUser('acme', 'alice')).upstream, 'done')
  assert.equal(alice().enabled, false)
  await assertWritten()
})

test('is written again if another change has undone it', async () => {
  let undoing = 2
  stage.state.onRequest = (method, path) => {
    if (method === 'GET' && path === 'users/alice' && puts().length > 0 && undoing > 0) {
      alice().attributes = {}
      undoing -= 1
    }
  }
  assert.equal(await (await stage.origin.logoutUser('acme', 'alice')).upstream, 'done')
  await assertWritten()
  assert.equal(undoing, 0)
})

test('reports an attribute that Keycloak does not keep, and performs the logout', async () => {
  stage.state.onRequest = () => void (alice().attributes = {})
  assert.equal(await (await stage.origin.logoutUser('acme', 'alice')).upstream, 'done')
  const reports = () => stage.reports.filter(({ condition }) => condition === 'last_logout_time')
  assert.match(reports()[0]?.error?.message ?? '', /user profile/)
  stage.state.onRequest = undefined
  await (await stage.origin.logoutUser('acme', 'alice')).upstream
  assert.deepEqual(
    reports().map(({ error }) => error?.detail),
    ['act_refused', undefined],
  )
})

test('a logout reported by Keycloak also writes it, once', async () => {
  const occurredAt = now() - 10
  const heard = { upstream: 'skip', actor: 'connector:keycloak', occurredAt } as const
  await stage.origin.logoutUser('acme', 'alice', heard)
  await until(() => written() === occurredAt, 'it is written')
  await stage.origin.logoutUser('acme', 'alice', heard)
  await stage.idle()
  assert.equal(puts().length, 1)
  assert.ok(!stage.state.acts.some((act) => act.endsWith('/logout')))
})
