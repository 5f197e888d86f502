// Realms that are added and removed: their indexes, also in a new instance of the module.

import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import '../../entry/edge/node.ts'
import { corePolicy } from '../../policy.ts'
import { clock, TestRealm } from '../testing/realm.ts'
import { coreOptions, resolveGateSettings } from '../settings.ts'
import { Core } from './core.ts'
import type { CoreRealm } from './core-options.ts'
import { wasmModule } from './module.ts'

async function opened(
  t: TestContext,
): Promise<{ core: Core; add(tenant: string): Promise<number>; find(tenant: string): Promise<string> }> {
  const realm = await TestRealm.start(t)
  const settings = resolveGateSettings({
    ...realm.options(),
    realms: () => undefined,
    issuers: ['https://issuer.example/{tenant}'],
  })
  const core = new Core(coreOptions(settings, []))
  t.after(() => core.free())
  const issuer = (tenant: string) => `https://issuer.example/${tenant}`
  return {
    core,
    async add(tenant) {
      const policy = corePolicy({ name: tenant, issuer: issuer(tenant), audience: 'api' })
      const added: CoreRealm = {
        ...policy,
        feedKeys: [realm.feedKey],
        keysFrom: 'caller',
        acceptDifferingPolicy: false,
      }
      const index = core.addRealm(added, undefined)
      core.setKeys(
        index,
        new TextEncoder().encode(JSON.stringify(realm.jwks)),
        Number.MAX_SAFE_INTEGER,
        'configuration',
      )
      return index
    },
    async find(tenant) {
      const finding = core.begin(await realm.token({ iss: issuer(tenant) }), clock(), false)
      return `${finding?.realm ?? 'none'} ${finding?.reason}`
    },
  }
}

test('the next realm gets the index of a removed one', async (t) => {
  const { core, add, find } = await opened(t)
  assert.deepEqual([await add('a'), await add('b'), await add('c')], [0, 1, 2])
  assert.deepEqual(
    [await find('a'), await find('b'), await find('c'), await find('d')],
    ['0 no_feed', '1 no_feed', '2 no_feed', 'none wrong_issuer'],
  )
  const changes = core.changes
  core.removeRealm(1)
  assert.ok(core.changes > changes, 'cached verdicts are inspected again')
  assert.equal(await find('b'), 'none wrong_issuer')
  assert.equal(await add('d'), 1)
  assert.deepEqual(
    [await find('a'), await find('b'), await find('c'), await find('d')],
    ['0 no_feed', 'none wrong_issuer', '2 no_feed', '1 no_feed'],
  )
})

test('in a new instance each realm keeps its index, and removed ones are gone', async (t) => {
  const { core, add, find } = await opened(t)
  for (const tenant of ['a', 'b', 'c', 'd']) await add(tenant)
  core.removeRealm(0)
  core.removeRealm(2)
  wasmModule.discard(wasmModule.generation)
  assert.deepEqual(
    [await find('a'), await find('b'), await find('c'), await find('d')],
    ['none wrong_issuer', '1 no_feed', 'none wrong_issuer', '3 no_feed'],
  )
  assert.deepEqual([await add('e'), await add('f'), await add('g')].sort(), [0, 2, 4])
  // A realm that is removed while there is no instance is not added again.
  wasmModule.discard(wasmModule.generation)
  core.removeRealm(3)
  assert.deepEqual([await find('b'), await find('d'), await find('g')], ['1 no_feed', 'none wrong_issuer', '4 no_feed'])
  for (const index of [0, 1, 2, 4]) core.removeRealm(index)
  wasmModule.discard(wasmModule.generation)
  assert.equal(await find('b'), 'none wrong_issuer')
  assert.equal(await add('h'), 0)
})
