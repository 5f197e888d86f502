// The rules of workerd, tried in Node: the core is loaded with `shareFlights: false`, as by entry/edge/workerd.ts.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { createGate, load } from '../entry/edge/load.ts'
import { testGrants } from './testing/grants.ts'
import { testManyTokens } from './testing/many-tokens.ts'
import { TestRealm } from './testing/realm.ts'

test('before the module is loaded, the error names the fix', async (t) => {
  const realm = await TestRealm.start(t)
  const gate = createGate(realm.options())
  await assert.rejects(gate.check('a.b.c'), { code: 'not_loaded', message: /portcullis\/edge\/load/ })
  load(new WebAssembly.Module(readFileSync(new URL('../../wasm/edge/core_bg.wasm', import.meta.url))), {
    shareFlights: false,
  })
  assert.equal((await gate.check('a.b.c')).ok, false)
  gate.close()
})

test('streams are refused if I/O ends with its request', async (t) => {
  const realm = await TestRealm.start(t)
  const feed = { url: realm.feedUrl, keys: [realm.feedKey], mode: 'stream' as const }
  const gate = createGate(realm.options({}, { feed }))
  await assert.rejects(gate.check('a.b.c'), { code: 'invalid_option', message: /feed\.mode cannot be 'stream' here/ })
})

test('concurrent first requests cause few loads', async (t) => {
  // A stalled load: one that takes longer than a request waits is started again.
  const now = Date.now()
  t.mock.method(Date, 'now', () => now)
  const realm = await TestRealm.start(t)
  const gate = createGate(
    realm.options({ firstLoadTimeoutMs: 60_000, jwksTimeoutMs: 60_000 }, { jwks: `${realm.server.url}/certs` }),
  )
  t.after(() => gate.close())
  const token = await realm.token()
  const verdicts = await Promise.all(Array.from({ length: 100 }, () => gate.check(token)))
  assert.ok(verdicts.every((verdict) => verdict.ok))
  assert.equal(realm.server.count('/manifest'), 1)
  assert.equal(realm.server.count('/certs'), 1)
})

test('a request after one that was cancelled during a load starts its own load', async (t) => {
  const realm = await TestRealm.start(t)
  const answer = realm.server.listener
  let dropped = 0
  realm.server.listener = (request, response) => {
    // The first fetch never gets a response, as in a request that workerd has cancelled.
    if (request.url?.includes('/manifest') && dropped++ === 0) return
    answer(request, response)
  }
  const gate = createGate(realm.options({ firstLoadTimeoutMs: 14_000 }))
  t.after(() => gate.close())
  const token = await realm.token()
  void gate.check(token).catch(() => undefined)
  await pause(20)
  const startedAt = Date.now()
  assert.ok((await gate.check(token)).ok)
  assert.ok(Date.now() - startedAt < 10_000)
})

testGrants(createGate)
testManyTokens(createGate, 'full')
