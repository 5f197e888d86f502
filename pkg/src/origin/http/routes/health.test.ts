import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openStage } from '../../testing/stage.ts'
import { failing } from '../../testing/failing.ts'

test("health states each realm's sequence, and recovers with the store", async () => {
  const store = failing()
  const stage = await openStage({ store: store.store })
  try {
    const well = await stage.get('/healthz')
    assert.equal(well.status, 200)
    assert.deepEqual(await well.json(), { status: 'ok', realms: { acme: { sequence: stage.sequence() } } })

    const before = stage.sequence()
    store.fail(true)
    const token = await stage.issuer.token()
    const failed = await stage.revoke(token)
    assert.equal(failed.status, 500)
    assert.deepEqual(await failed.json(), {
      error: 'server_error',
      error_description: 'nothing was recorded: the store failed',
    })
    const ill = await stage.get('/healthz')
    assert.equal(ill.status, 503)
    assert.equal(((await ill.json()) as { error: string }).error, 'store_unavailable')
    assert.equal(stage.sequence(), before)

    store.fail(false)
    assert.equal((await stage.get('/healthz')).status, 200)
    assert.equal((await stage.revoke(token)).status, 200)
    assert.equal(stage.sequence(), before + 1)
    assert.deepEqual(
      stage.reports.map(({ kind, error }) => [kind, error?.code]),
      [
        ['store', 'store_unavailable'],
        ['store', undefined],
      ],
    )
  } finally {
    await stage.close()
  }
})
