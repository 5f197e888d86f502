// Hono 4 and 3: what the gate gets from the runtime, and who handles errors.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Hono as Hono4 } from 'hono'
import { cors } from 'hono/cors'
import { Hono as Hono3 } from 'hono3'
import { createGate, type GateOptions, PortcullisError } from 'portcullis/edge'
import { protect, receiveFeed } from 'portcullis/hono'
import type { AnyGate } from './hosts.ts'
import { openStage } from './stage.ts'

interface Env {
  tenant: 'a' | 'b'
}

for (const [name, Hono] of [
  ['hono 4', Hono4],
  ['hono 3', Hono3 as unknown as typeof Hono4],
] as const) {
  test(`${name}: each env has its own gate, and the execution context waits for its work`, async (t) => {
    const stage = await openStage(t)
    const audiences = { a: 'api', b: 'other' }
    const seen: unknown[] = []
    const gate = createGate<Env>((env): GateOptions => {
      seen.push(env.tenant)
      return { realms: [{ ...stage.realm, audience: audiences[env.tenant] }] }
    })
    t.after(() => gate.close())
    const app = new Hono()
    app.use('*', protect(gate) as never)
    app.get('/', (c) => c.text('in'))
    const waits: Promise<unknown>[] = []
    const context = { waitUntil: (promise: Promise<unknown>) => void waits.push(promise), passThroughOnException() {} }
    const ask = async (tenant: Env['tenant']) =>
      app.fetch(
        new Request('http://edge.example/', { headers: { authorization: `Bearer ${await stage.token()}` } }),
        { tenant },
        context as never,
      )
    assert.equal((await ask('a')).status, 200)
    const other = await ask('b')
    assert.equal(other.status, 401)
    assert.match(await other.text(), /another audience/)
    assert.deepEqual(seen, ['a', 'b'])
    assert.notEqual(waits.length, 0)
  })

  test(`${name}: the gate also works without an execution context`, async (t) => {
    const stage = await openStage(t)
    const app = new Hono()
    app.use('*', protect(stage.gate({ refreshAfterSeconds: 0 })) as never)
    app.get('/', (c) => c.text('in'))
    const headers = { authorization: `Bearer ${await stage.token()}` }
    for (let times = 0; times < 3; times += 1) assert.equal((await app.request('/', { headers })).status, 200)
  })

  test(`${name}: errors go to app.onError, refusals do not, and an earlier cors applies to both`, async (t) => {
    const stage = await openStage(t)
    const gate = stage.gate()
    const caught: unknown[] = []
    const app = new Hono()
    if (Hono === Hono4) app.use('*', cors({ origin: 'https://app.example' }))
    app.use(
      '/down',
      protect(gate, {
        authorize: () => {
          throw new Error('down')
        },
      }) as never,
    )
    app.use('/twice', protect(gate) as never)
    app.use('/twice', protect(gate, { scope: ['write'] }) as never)
    app.all('*', (c) => c.text('in'))
    app.onError((error, c) => {
      caught.push(error)
      return c.text('caught', 500)
    })
    const ask = async (path: string, claims?: Record<string, unknown>) =>
      app.request(path, {
        headers: { authorization: `Bearer ${await stage.token(claims)}`, origin: 'https://app.example' },
      })
    assert.equal(await (await ask('/down')).text(), 'caught')
    assert.equal(caught[0] instanceof PortcullisError && caught[0].code, 'authorize_failed')
    const refused = await ask('/twice')
    assert.equal(refused.status, 403)
    if (Hono === Hono4) assert.equal(refused.headers.get('access-control-allow-origin'), 'https://app.example')
    assert.equal((await ask('/twice', { scope: 'write' })).status, 200)
    assert.equal(caught.length, 1)
  })
}

test('wrong arguments throw at set-up with a clear message', async (t) => {
  const gate = (await openStage(t)).gate()
  const wrong: [() => unknown, RegExp][] = [
    [() => protect(undefined as unknown as AnyGate), /^protect needs a gate/],
    [() => protect((() => new Response()) as unknown as AnyGate), /^protect needs a gate/],
    [() => receiveFeed({} as AnyGate), /^receiveFeed needs a gate/],
    [() => protect(gate, { role: ['admin'] } as never), /unknown option 'role'; did you mean 'roles'\?/],
    [() => protect(gate, (() => undefined) as never), /options must be an object/],
  ]
  for (const [call, message] of wrong) assert.throws(call, { code: 'invalid_option', message }, String(message))
  // Passed to app.use without being called.
  const app = new Hono4()
  app.use(protect as never)
  const caught = new Promise<Error>((resolve) => app.onError((error, c) => (resolve(error), c.text('', 500))))
  await app.request('/')
  assert.match((await caught).message, /^protect needs a gate/)
})
