// The options of a call: `scope` applies in every position, and every method refuses unknown options.

import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { createGate } from '../entry/edge/node.ts'
import type { Gate, Verdict } from '../types.ts'
import { TestRealm } from './testing/realm.ts'

const REFUSED = { ok: false, reason: 'insufficient_scope', status: 403, scope: ['admin'] }

async function started(t: TestContext) {
  const realm = await TestRealm.start(t)
  const gate = createGate(realm.options())
  t.after(() => gate.close())
  await gate.refresh()
  return { realm, gate }
}

function request(token: string): Request {
  return new Request('https://edge.example/', { headers: { authorization: `Bearer ${token}` } })
}

/** Returns the verdict of every method that takes `scope`. */
async function verdicts(gate: Gate, token: string, scope: string[]): Promise<Verdict[]> {
  return [
    await gate.check(token, { scope }),
    gate.checkSync(token, { scope }),
    await gate.authenticate(request(token), { scope }),
  ]
}

test('check and checkSync require scopes as authenticate does', async (t) => {
  const { realm, gate } = await started(t)
  const reader = await realm.token({ scope: 'read' })
  const admin = await realm.token({ scope: 'read admin' })
  // The second time the token is in the cache.
  for (let times = 0; times < 2; times += 1) {
    for (const verdict of await verdicts(gate, reader, ['admin'])) assert.deepEqual(verdict, REFUSED)
    for (const verdict of await verdicts(gate, admin, ['admin', 'read'])) assert.equal(verdict.ok, true)
    for (const verdict of await verdicts(gate, await realm.token(), ['admin'])) assert.deepEqual(verdict, REFUSED)
    for (const verdict of await verdicts(gate, reader, [])) assert.equal(verdict.ok, true)
  }
  const otherAudience = await realm.token({ aud: 'other', scope: 'admin' })
  for (const verdict of await verdicts(gate, otherAudience, ['admin']))
    assert.equal(verdict.ok || verdict.reason, 'wrong_audience')
})

test("a scope is required after a wait, too, and read from the realm's claim", async (t) => {
  const realm = await TestRealm.start(t)
  const gate = createGate(realm.options({}, { jwks: `${realm.server.url}/certs`, claimNames: { scope: 'scp' } }))
  t.after(() => gate.close())
  const token = await realm.token({ scope: 'admin', scp: ['read'] })
  const scope = ['admin']
  const verdict = gate.check(token, { scope })
  scope.length = 0
  assert.deepEqual(await verdict, REFUSED)
  assert.deepEqual(gate.checkSync(token, { scope: ['admin'] }), REFUSED)
  assert.equal(gate.checkSync(token, { scope: ['read'] }).ok, true)
})

test('a scope option that is not a list of scopes grants no access', async (t) => {
  const { realm, gate } = await started(t)
  const token = await realm.token({ scope: 'admin' })
  for (const scope of ['admin', ['a b'], [''], [7], [undefined], new Array(1), null, {}, new Set(['admin'])]) {
    const options = { scope } as object
    await assert.rejects(gate.check(token, options), { code: 'invalid_option', message: /options\.scope must be/ })
    await assert.rejects(gate.authenticate(request(token), options), {
      code: 'invalid_option',
      message: /options\.scope must be/,
    })
    assert.throws(() => gate.checkSync(token, options), { code: 'invalid_option', message: /options\.scope must be/ })
  }
})

test('every method refuses unknown options', async (t) => {
  const { realm, gate } = await started(t)
  const token = await realm.token()
  const push = () => new Request('https://edge.example/feed', { method: 'POST', body: new Uint8Array(10) })
  const calls: [string, (options: never) => unknown][] = [
    ['check', (options) => gate.check(token, options)],
    ['checkSync', (options) => gate.checkSync(token, options)],
    ['authenticate', (options) => gate.authenticate(request(token), options)],
    ['protect', (options) => gate.protect(() => new Response('in'), options)],
    ['explain', (options) => gate.explain(token, options)],
    ['receiveFeed', (options) => gate.receiveFeed(push(), options)],
    ['applyFeed', (options) => gate.applyFeed(realm.manifest(), options)],
    ['refresh', (options) => gate.refresh('acme', options)],
    ['status', (options) => gate.status(options)],
  ]
  const wrong: object[] = [
    { scopes: ['admin'] },
    { Scope: ['admin'] },
    { enviroment: {} },
    Object.create({ scopes: ['admin'] }),
    null as never,
    [] as never,
  ]
  for (const [name, call] of calls) {
    for (const options of wrong) {
      if (name === 'protect' && Object.keys(options ?? []).length === 0) continue
      await assert.rejects(
        async () => call(options as never),
        { code: 'invalid_option' },
        `${name} ${JSON.stringify(options)}`,
      )
    }
  }
  // `scope` itself, in methods where it has no effect.
  for (const [name, call] of calls.slice(4)) {
    await assert.rejects(
      async () => call({ scope: ['admin'] } as never),
      { code: 'invalid_option', message: /unknown option 'scope'/ },
      name,
    )
  }
  assert.throws(() => gate.checkSync(token, { waitUntil: () => undefined } as object), { code: 'invalid_option' })
})

test("a runtime's execution context may be passed as options", async (t) => {
  const { realm, gate } = await started(t)
  const token = await realm.token({ scope: 'read' })
  class ExecutionContext {
    readonly props = {}
    readonly exports = {}
    waitUntil(): void {}
    passThroughOnException(): void {}
  }
  const inTests = { waitUntil: () => undefined, passThroughOnException: () => undefined, props: {} }
  for (const ctx of [new ExecutionContext(), inTests]) {
    assert.equal((await gate.check(token, ctx)).ok, true)
    assert.equal((await gate.authenticate(request(token), ctx)).ok, true)
    assert.ok((await gate.explain(token, ctx)).length > 0)
    assert.equal(
      (await gate.receiveFeed(new Request('https://edge.example/', { method: 'POST', body: realm.manifest() }), ctx))
        .status,
      200,
    )
    assert.deepEqual(await gate.check(token, Object.assign(ctx, { scope: ['admin'] })), REFUSED)
    await assert.rejects(gate.check(token, Object.assign(ctx, { scopes: ['admin'] })), {
      code: 'invalid_option',
      message: /'scopes'/,
    })
  }
})
