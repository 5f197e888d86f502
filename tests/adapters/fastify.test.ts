// Fastify 5 and 4: which routes a registration protects, and who handles errors.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test, type TestContext } from 'node:test'
import websocket from '@fastify/websocket'
import fastify5 from 'fastify'
import { portcullis, receiveFeed } from 'portcullis/fastify'
import defaultExport from 'portcullis/fastify'
import { PortcullisError } from 'portcullis/edge'
import { WebSocket } from 'ws'
import { type AnyGate, fastify4 } from './hosts.ts'
import { openStage } from './stage.ts'

/** The tests have their own copy of Fastify, whose types do not declare `request.auth`. */
const plugin = portcullis as never

interface Protected {
  protect(options?: object): never
}

for (const [name, fastify] of [
  ['fastify 5', fastify5],
  ['fastify 4', fastify4],
] as const) {
  async function started(t: TestContext) {
    const stage = await openStage(t)
    const app = fastify()
    t.after(() => app.close())
    const status = async (
      url: string,
      claims?: Record<string, unknown>,
      method: 'GET' | 'POST' = 'GET',
    ): Promise<number> => {
      const headers = claims === undefined ? {} : { authorization: `Bearer ${await stage.token(claims)}` }
      return (await app.inject({ url, method, headers })).statusCode
    }
    return { stage, app, status }
  }

  test(`${name}: protects routes declared before and after it and unknown paths, but not excluded routes`, async (t) => {
    const { stage, app, status } = await started(t)
    app.get('/before', async (request) => (request as { auth?: { claims: { sub: string } } }).auth?.claims.sub)
    await app.register(plugin, { gate: stage.gate() } as never)
    app.get('/after', async (request) => (request as { auth?: { claims: { sub: string } } }).auth?.claims.sub)
    app.get('/health', { config: { portcullis: false } as never }, async (request) => ({
      auth: (request as { auth?: unknown }).auth,
    }))
    app.get('/write', { onRequest: (app as unknown as Protected).protect({ scope: ['write'] }) }, async () => 'written')
    for (const path of ['/before', '/after', '/none']) assert.equal(await status(path), 401, path)
    assert.equal(
      (await app.inject({ url: '/before', headers: { authorization: `Bearer ${await stage.token()}` } })).body,
      'alice',
    )
    assert.deepEqual([await status('/after', {}), await status('/none', {}), await status('/health')], [200, 404, 200])
    assert.equal((await app.inject('/health')).body, '{"auth":null}')
    assert.deepEqual([await status('/write', {}), await status('/write', { scope: 'write' })], [403, 200])
  })

  test(`${name}: a registration applies to its scope only, and a nested one adds to it`, async (t) => {
    const { stage, app, status } = await started(t)
    const gate = stage.gate()
    app.get('/open', async () => 'open')
    await app.register(async (scope) => {
      await scope.register(plugin, { gate } as never)
      scope.get('/closed', async () => 'closed')
      await scope.register(async (inner) => {
        await inner.register(plugin, { gate, scope: ['write'] } as never)
        inner.get('/inner', async () => 'inner')
      })
    })
    assert.deepEqual([await status('/open'), await status('/closed'), await status('/closed', {})], [200, 401, 200])
    assert.deepEqual([await status('/inner', {}), await status('/inner', { scope: 'write' })], [403, 200])
  })

  test(`${name}: app.protect protects single routes, with the registration's options as defaults`, async (t) => {
    const { stage, app, status } = await started(t)
    await app.register(plugin, { gate: stage.gate(), routes: 'chosen', scope: ['read'] } as never)
    const { protect } = app as unknown as Protected
    app.get('/open', async () => 'open')
    app.get('/read', { onRequest: protect() }, async () => 'read')
    app.get('/write', { onRequest: protect({ scope: ['write'] }) }, async () => 'written')
    assert.deepEqual([await status('/open'), await status('/read'), await status('/read', {})], [200, 401, 403])
    assert.deepEqual([await status('/read', { scope: 'read' }), await status('/write', { scope: 'write' })], [200, 200])
    assert.throws(() => protect({ scopes: [] }), { code: 'invalid_option', message: /unknown option 'scopes'/ })
  })

  test(`${name}: inherited options count, and undefined does not remove them`, async (t) => {
    const { stage, app, status } = await started(t)
    await app.register(
      plugin,
      Object.assign(Object.create({ scope: ['read'] }), { gate: stage.gate(), routes: 'chosen' }) as never,
    )
    const { protect } = app as unknown as Protected
    app.get('/read', { onRequest: protect() }, async () => 'read')
    app.get('/same', { onRequest: protect({ scope: undefined }) }, async () => 'read')
    app.get('/write', { onRequest: protect(Object.create({ scope: ['write'] })) }, async () => 'written')
    for (const path of ['/read', '/same'])
      assert.deepEqual([await status(path, {}), await status(path, { scope: 'read' })], [403, 200], path)
    assert.deepEqual(
      [await status('/write', { scope: 'read' }), await status('/write', { scope: 'write' })],
      [403, 200],
    )
  })

  test(`${name}: access options in a route's configuration, which would have no effect, are an error`, async (t) => {
    const { stage, app } = await started(t)
    const config = { portcullis: { scope: ['write'] } } as never
    let handled = 0
    const handler = async (): Promise<void> => void (handled += 1)
    app.setErrorHandler((error, _request, reply) => reply.code(500).send((error as Error).message))
    app.get('/before', { config }, handler)
    await app.register(plugin, { gate: stage.gate() } as never)
    const message = /^config\.portcullis must be false: use app\.protect$/
    app.get('/after', { config }, handler)
    for (const url of ['/before', '/after']) {
      const { statusCode, body } = await app.inject({
        url,
        headers: { authorization: `Bearer ${await stage.token()}` },
      })
      assert.equal(statusCode, 500, url)
      assert.match(body, message)
    }
    assert.equal(handled, 0)
  })

  test(`${name}: two registrations in one scope both apply`, async (t) => {
    const { stage, app, status } = await started(t)
    await app.register(plugin, { gate: stage.gate() } as never)
    await app.register(plugin, { gate: stage.gate(), scope: ['write'] } as never)
    app.get('/', async () => 'in')
    assert.deepEqual([await status('/'), await status('/', {}), await status('/', { scope: 'write' })], [401, 403, 200])
  })

  test(`${name}: errors go to the error handler, refusals do not`, async (t) => {
    const { stage, app, status } = await started(t)
    const caught: unknown[] = []
    app.setErrorHandler((error, _request, reply) => {
      caught.push(error)
      return reply.code(500).send('caught')
    })
    app.addContentTypeParser('*', (_request, _payload, done) => done(null))
    await app.register(plugin, {
      gate: stage.gate(),
      authorize: () => {
        throw new Error('down')
      },
    } as never)
    app.get('/', async () => 'in')
    assert.deepEqual([await status('/', {}), await status('/')], [500, 401])
    assert.equal(caught[0] instanceof PortcullisError && caught[0].code, 'authorize_failed')
    assert.equal(caught.length, 1)
  })

  test(`${name}: wrong options make the registration fail with a clear message`, async (t) => {
    const gate = (await openStage(t)).gate()
    const wrong: [object, RegExp][] = [
      [{}, /needs a gate: the one that createGate/],
      [{ gate: () => undefined }, /needs a gate: the one that createGate/],
      [{ gate, routes: 'some' }, /options\.routes must be 'all' or 'chosen'/],
      [{ gate, scopes: ['read'] }, /unknown option 'scopes'; did you mean 'scope'\?/],
    ]
    for (const [options, message] of wrong) {
      const app = fastify()
      await assert.rejects(
        async () => void (await app.register(plugin, options as never)),
        { code: 'invalid_option', message },
        String(message),
      )
    }
    assert.throws(() => receiveFeed(undefined as unknown as AnyGate), {
      code: 'invalid_option',
      message: /^receiveFeed needs a gate/,
    })
    const taken = fastify()
    taken.decorateRequest('auth', null)
    await assert.rejects(async () => void (await taken.register(plugin, { gate } as never)), {
      code: 'FST_ERR_DEC_ALREADY_PRESENT',
    })
  })
}

test('an older Fastify is refused with the required version', async () => {
  const meta = (portcullis as unknown as Record<symbol, { fastify: string; name: string }>)[Symbol.for('plugin-meta')]
  assert.deepEqual(meta, { name: 'portcullis', fastify: '>=4.10.0' })
  assert.equal(defaultExport, portcullis)
  const app = fastify5()
  Object.defineProperty(app, 'version', { value: '3.29.5' })
  await assert.rejects(
    async () => void (await app.register(plugin, {} as never)),
    /portcullis - expected '>=4\.10\.0' fastify version, '3\.29\.5' is installed/,
  )
})

test('a WebSocket without a token is refused before it opens', async (t) => {
  const stage = await openStage(t)
  const app = fastify5()
  t.after(() => app.close())
  await app.register(websocket)
  await app.register(plugin, { gate: stage.gate(), token: { subprotocol: 'token' } } as never)
  app.get('/live', { websocket: true }, (socket) => void socket.send('in'))
  const url = (await app.listen({ port: 0, host: '127.0.0.1' })).replace('http', 'ws')
  const open = new WebSocket(`${url}/live`, ['app', 'token', await stage.token()])
  t.after(() => open.terminate())
  const [message] = (await once(open, 'message')) as [Buffer]
  assert.equal(message.toString(), 'in')
  const refused = new WebSocket(`${url}/live`, ['app'])
  const [, response] = (await once(refused, 'unexpected-response')) as [unknown, { statusCode: number }]
  assert.equal(response.statusCode, 401)
})
