// The origin's own gate, while its readers use another form of the feed.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ADMINISTRATOR, openStage } from '../testing/stage.ts'

test('distinguishes the apps of an administrator, in either form of the readers', async () => {
  const stage = await openStage()
  const stop = new AbortController()
  try {
    // From here on each change is signed in form 1.0.
    await stage.get('/feed/acme/stream', { signal: stop.signal })
    const [lost, kept] = [
      await stage.issuer.token({ ...ADMINISTRATOR, azp: 'lost' }),
      await stage.issuer.token({ ...ADMINISTRATOR, azp: 'kept' }),
    ]
    const ask = async (): Promise<number[]> =>
      Promise.all(
        [lost, kept].map(
          async (token) =>
            (await stage.get('/admin/realms/acme/edges', { headers: { authorization: `Bearer ${token}` } })).status,
        ),
      )
    await stage.origin.logoutUser('acme', 'somebody')
    assert.deepEqual(await ask(), [200, 200])
    await stage.origin.endGrant('acme', 'admin', 'lost')
    assert.deepEqual(await ask(), [401, 200])
    await stage.origin.logoutUser('acme', 'somebody else')
    assert.deepEqual(await ask(), [401, 200])
    await stage.origin.correct('acme', { kind: 'grant', subject: 'admin', client: 'lost' }, { reason: 'test' })
    assert.deepEqual(await ask(), [200, 200])
    await stage.origin.endGrant('acme', 'admin', 'kept')
    assert.deepEqual(await ask(), [200, 401])
  } finally {
    stop.abort()
    await stage.close()
  }
})
