import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mappingStage } from '../testing/mapping-stage.ts'
import { adminEvent } from '../testing/stored-events.ts'

const SPA = '311b32ee-ee3c-49f4-9ae9-ff0342e6bd85'
const PATH = `clients/${SPA}`
const ALICE = '7b2c8576-fbd6-4eed-a428-d3b1bb0533b2'

/** An update of the client without its name. */
function disabled(uuid: string): Record<string, unknown> {
  return { ...adminEvent('client disabled without its name'), resourcePath: `clients/${uuid}` }
}

function deleted(): Record<string, unknown> {
  return { ...adminEvent('client deleted'), resourcePath: PATH, representation: undefined }
}

test('requests a name once a minute, and learns it from events that contain it', async () => {
  const documents = { [PATH]: { id: SPA, clientId: 'spa' } }
  const stage = mappingStage({}, documents)
  const client = async (): Promise<unknown> => {
    const [first] = (await stage.admin(disabled(SPA)))?.revocations ?? []
    return first?.kind === 'client' ? first.client : undefined
  }
  assert.equal(await client(), 'spa')
  assert.equal(await client(), 'spa')
  assert.deepEqual(stage.asked, [PATH])
  documents[PATH] = { id: SPA, clientId: 'spa-2' }
  stage.nowMs = 60_000
  assert.equal(await client(), 'spa-2')
  await stage.admin({ ...disabled(SPA), representation: '{"clientId":"spa-3"}' })
  assert.equal(await client(), 'spa-3')
  assert.deepEqual(stage.asked, [PATH, PATH])
})

test('a deleted client keeps its last known name, and one that was never known is noted', async () => {
  const documents: Record<string, unknown> = { [PATH]: { id: SPA, clientId: 'spa' } }
  const stage = mappingStage({}, documents)
  await stage.admin(disabled(SPA))
  delete documents[PATH]
  for (const nowMs of [120_000, 240_000]) {
    stage.nowMs = nowMs
    const [revocation] = (await stage.admin(deleted()))?.revocations ?? []
    assert.deepEqual(revocation, {
      kind: 'client',
      client: 'spa',
      occurredAt: 1795986487.254,
      because: 'admin event: client deleted',
    })
  }
  assert.deepEqual(await mappingStage({ clientDeleted: 'ignore' }, documents).admin(deleted()), { revocations: [] })

  const stranger = mappingStage()
  for (const event of [deleted(), disabled(SPA), disabled('00000000-0000-4000-8000-000000000000')]) {
    assert.deepEqual(await stranger.admin(event), { revocations: [], note: { kind: 'nameless_client' } })
  }
  await stranger.admin(disabled(SPA))
  assert.equal(stranger.asked.length, 2, 'requests an unknown client once a minute as well')
})

test('keeps as many names as a large realm has, and no more', async () => {
  const stage = mappingStage({}, { [PATH]: { id: SPA, clientId: 'spa' } })
  const named = (uuid: string): Promise<unknown> =>
    stage.admin({ ...disabled(uuid), representation: '{"clientId":"a name"}' })
  await stage.admin(disabled(SPA))
  for (let each = 1; each < 10_000; each += 1) await named(`client ${each}`)
  await stage.admin(disabled(SPA))
  assert.equal(stage.asked.length, 1)
  await named('one more')
  await stage.admin(disabled(SPA))
  assert.equal(stage.asked.length, 2)
})

test('reads the state of the user or client if the realm stores no details', async () => {
  const documents: Record<string, unknown> = {
    [`users/${ALICE}`]: { id: ALICE, enabled: false, attributes: { token_version: ['7'] } },
    [PATH]: { id: SPA, clientId: 'spa', enabled: false, notBefore: 1795986169 },
  }
  const stage = mappingStage({}, documents)
  const kinds = async (event: Record<string, unknown>): Promise<unknown[]> =>
    ((await stage.admin(event))?.revocations ?? []).map(({ because: _, occurredAt, ...rest }) => [rest, occurredAt])
  for (const representation of [undefined, 'x', '[]', `{"enabled":true,"x":"${'x'.repeat(300_000)}"}`]) {
    assert.deepEqual(await kinds({ ...adminEvent('token version raised'), representation }), [
      [{ kind: 'user', sub: ALICE }, 1795986287.119],
      [{ kind: 'tokenVersion', sub: ALICE, minimum: 7 }, 1795986287.119],
    ])
  }
  const updated = { ...disabled(SPA), representation: undefined }
  assert.deepEqual(await kinds(updated), [
    [{ kind: 'client', client: 'spa' }, 1796041149.479],
    [{ kind: 'client', client: 'spa' }, 1795986169],
  ])
  // Deleted meanwhile, or another document: their own events report it.
  documents[`users/${ALICE}`] = { id: 'another', enabled: false }
  documents[PATH] = { id: 'another', clientId: 'spa', enabled: false, notBefore: 1795986169 }
  assert.deepEqual(
    await kinds({ ...adminEvent('user enabled'), resourcePath: `users/${ALICE}`, representation: undefined }),
    [],
  )
  assert.deepEqual(await kinds(updated), [])
  assert.deepEqual(await kinds(adminEvent('client revocation pushed')), [])
})

test("ignores only the acting account's own write of last_logout_time", async () => {
  const actor = '599ed59d-b116-437c-90d0-b44ecc90087d'
  const account = { clientId: 'portcullis-actor', clientSecret: 'a secret' }
  const documents = { [`clients/${actor}`]: { id: actor, clientId: 'portcullis-actor' } }
  const written: Record<string, unknown> = {
    ...adminEvent('token version raised'),
    representation: '{"attributes":{"token_version":["4"],"last_logout_time":["1795986287"]}}',
  }
  const by = (event: Record<string, unknown>, realmId: unknown): Record<string, unknown> => ({
    ...event,
    authDetails: { realmId, clientId: actor },
  })
  const stage = mappingStage({ actingAccount: account, lastLogoutTime: 'write' }, documents)
  const ends = async (event: Record<string, unknown>): Promise<number> =>
    (await stage.admin(event))?.revocations.length ?? 0
  assert.equal(await ends(by(written, written['realmId'])), 0)
  assert.equal(await ends(by(written, 'another realm')), 1)
  assert.equal(await ends(written), 1, 'of another client')
  for (const action of ['user disabled', 'user logged out', 'password reset'])
    assert.equal(await ends(by(adminEvent(action), adminEvent(action)['realmId'])), 1, action)
  const unwritten = mappingStage({ actingAccount: account }, documents)
  assert.equal(
    (await unwritten.admin(by(written, written['realmId'])))?.revocations.length,
    1,
    'nothing is written without the option',
  )
})
