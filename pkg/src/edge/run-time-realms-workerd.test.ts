// Realms by a function under the rules of workerd, tried in Node: no request may await I/O of another, whose promises
// may never settle.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test, type TestContext } from 'node:test'
import { createGate, load } from '../entry/edge/load.ts'
import type { RealmOptions, RunTimeGateOptions, Verdict } from '../types.ts'
import { Tenants } from './testing/tenants.ts'

load(new WebAssembly.Module(readFileSync(new URL('../../wasm/edge/core_bg.wasm', import.meta.url))), {
  shareFlights: false,
})

function outcome(verdict: Verdict): string {
  return verdict.ok ? `accepted by ${verdict.realm}` : verdict.reason
}

async function opened(t: TestContext, options: (tenants: Tenants) => Partial<RunTimeGateOptions>) {
  const tenants = await Tenants.start(t)
  const gate = createGate(tenants.options(options(tenants)))
  t.after(() => gate.close())
  return { tenants, gate }
}

test('many first requests of a tenant make one call', async (t) => {
  const { tenants, gate } = await opened(t, () => ({}))
  const tokens = await Promise.all(Array.from({ length: 40 }, () => tenants.token('a')))
  const verdicts = await Promise.all(tokens.map((token) => gate.check(token)))
  assert.deepEqual(new Set(verdicts.map(outcome)), new Set(['accepted by a']))
  assert.equal(tenants.asked.length, 1)
})

test('a request after a cancelled one calls the function itself', async (t) => {
  let calls = 0
  const { tenants, gate } = await opened(t, (tenants) => ({
    realms: (issuer): RealmOptions | Promise<undefined> => {
      calls += 1
      return calls === 1 ? new Promise(() => undefined) : { ...tenants.realm('a'), issuer }
    },
  }))
  const token = await tenants.token('a')
  // Neither its function nor its timers ever complete, as when workerd has cancelled the request.
  const timers = t.mock.method(globalThis, 'setTimeout', () => 0 as never)
  void gate.check(token)
  await new Promise((resolve) => setImmediate(resolve))
  timers.mock.restore()
  const startedAtMs = Date.now()
  const verdicts = await Promise.all([gate.check(token), gate.check(token), gate.check(token)])
  assert.deepEqual(verdicts.map(outcome), ['accepted by a', 'accepted by a', 'accepted by a'])
  assert.equal(calls, 2)
  assert.ok(Date.now() - startedAtMs < 5000)
})

test('a realm with a stream is refused', async (t) => {
  const { tenants, gate } = await opened(t, () => ({}))
  tenants.instead.set('a', () => ({ ...tenants.realm('a'), feed: { ...tenants.realm('a').feed, mode: 'stream' } }))
  assert.equal(outcome(await gate.check(await tenants.token('a'))), 'wrong_issuer')
  assert.match(tenants.reports[0]?.error.message ?? '', /feed\.mode cannot be 'stream' here/)
})
