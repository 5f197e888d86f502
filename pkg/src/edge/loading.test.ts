// A module that is loaded later, as in a browser: calls that return a promise wait for it, and the others throw.

import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { createGate } from '../entry/edge/load.ts'
import { loadFrom } from './core/module.ts'
import { TestRealm } from './testing/realm.ts'

/** The outcomes of the module's source, in the order of its calls. */
const endings: ((module: WebAssembly.Module) => void)[] = []
let starts = 0
const file = new URL('../../wasm/edge/core_bg.wasm', import.meta.url)

loadFrom(
  async () => {
    starts += 1
    if (starts === 1) throw new Error('the network is down')
    return new Promise<WebAssembly.Module>((resolve) => endings.push(resolve))
  },
  { shareFlights: true },
)

test('calls wait for the module', async (t) => {
  const realm = await TestRealm.start(t)
  const gate = createGate(realm.options())
  t.after(() => gate.close())
  const authorization = `Bearer ${await realm.token()}`
  const request = new Request('https://api.example/', { headers: { authorization } })

  const downMessage = { code: 'not_loaded', message: 'the wasm module could not be compiled: the network is down' }
  await assert.rejects(gate.check('a.b.c'), downMessage)

  const handler = gate.protect(() => new Response('served'))
  const calls: [string, Promise<unknown>][] = [
    ['check', gate.check(authorization.slice(7)).then(({ ok }) => ok)],
    ['authenticate', gate.authenticate(request).then(({ ok }) => ok)],
    [
      'authenticator',
      gate
        .authenticator()(request)
        .then(({ ok }) => ok),
    ],
    ['protect', handler(request).then(({ status }) => status === 200)],
    ['explain', gate.explain('a.b.c').then((checks) => checks.length > 0)],
    [
      'receiveFeed',
      gate.receiveFeed(new Request('https://api.example/', { method: 'POST' })).then(({ status }) => status >= 400),
    ],
    ['refresh', gate.refresh().then(() => true)],
  ]
  const still = Symbol('still waiting')
  const soon = new Promise<symbol>((resolve) => setTimeout(() => resolve(still), 20))
  for (const [name, call] of calls) assert.equal(await Promise.race([call, soon]), still, name)

  const waits = { code: 'not_loaded', message: /still loading: first await a call that returns a promise/ }
  assert.throws(() => gate.checkSync('a.b.c'), waits)
  assert.throws(() => gate.status(), waits)
  assert.throws(() => gate.applyFeed(new Uint8Array()), waits)

  assert.equal(endings.length, 1, 'one load serves them all')
  endings[0]?.(await WebAssembly.compile(await readFile(file)))
  for (const [name, call] of calls) assert.equal(await call, true, name)
  assert.equal(gate.checkSync(authorization.slice(7)).ok, true)
  assert.equal(starts, 2)
})
