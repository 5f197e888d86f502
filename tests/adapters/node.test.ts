// Express 4 and 5, connect and plain http: errors, order, clients that disconnect, and responses already started.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { request as httpRequest } from 'node:http'
import {
  connect as connectHttp2,
  constants,
  createServer as createHttp2Server,
  type Http2ServerRequest,
  type Http2ServerResponse,
} from 'node:http2'
import type { AddressInfo } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { test, type TestContext } from 'node:test'
import connect from 'connect'
import cors from 'cors'
import express5 from 'express'
import type { Accepted, AccessOptions, Gate } from 'portcullis/edge'
import { PortcullisError } from 'portcullis/edge'
import { type AuthRequest, protect } from 'portcullis/express'
import * as forNext from 'portcullis/next'
import * as forNode from 'portcullis/node'
import { ask, bearer } from './client.ts'
import { type AnyGate, express4, HOSTS, listen } from './hosts.ts'
import { openStage } from './stage.ts'

const EXPRESS = [
  ['express 5', express5],
  ['express 4', express4],
] as const
const answer = (req: AuthRequest, res: express5.Response): void => void res.json({ sub: req.auth?.claims.sub })

async function opened(t: TestContext, app: Parameters<typeof listen>[0]): Promise<string> {
  const { url, close } = await listen(app)
  t.after(close)
  return url
}

for (const [name, express] of EXPRESS) {
  test(`${name}: an authorize that throws or times out goes to next(error), and the process keeps running`, async (t) => {
    const stage = await openStage(t)
    const caught: unknown[] = []
    const app = express()
    const gate = stage.gate()
    app.get(
      '/throws',
      protect(gate, {
        authorize: () => {
          throw new Error('down')
        },
      }),
      answer,
    )
    app.get(
      '/hangs',
      protect(gate, { authorize: () => new Promise<boolean>(() => {}), authorizeTimeoutMs: 20 }),
      answer,
    )
    app.get('/fine', protect(gate, { authorize: ({ claims }) => claims.sub === 'alice' }), answer)
    app.use(((error, _req, res, _next) => {
      caught.push(error)
      res.status(500).end('caught')
    }) as express5.ErrorRequestHandler)
    const url = await opened(t, app)
    const headers = [bearer(await stage.token())]
    for (const path of ['/throws', '/hangs']) assert.deepEqual((await ask(url, { path, headers })).body, 'caught', path)
    assert.deepEqual(
      caught.map((error) => error instanceof PortcullisError && error.code),
      ['authorize_failed', 'authorize_failed'],
    )
    assert.equal((await ask(url, { path: '/fine', headers })).body, '{"sub":"alice"}')
    assert.equal((await ask(url, { path: '/fine', headers: [bearer(await stage.token({ sub: 'bob' }))] })).status, 403)
  })

  test(`${name}: a handler given to protect gets the verdict, and its errors go to next(error)`, async (t) => {
    const stage = await openStage(t)
    const gate = stage.gate()
    const app = express()
    app.get(
      '/me',
      protect(gate, (req, res) => res.json({ sub: req.auth.claims.sub })),
    )
    app.get(
      '/throws',
      protect(gate, () => {
        throw new Error('thrown')
      }),
    )
    app.get(
      '/rejects',
      protect(gate, () => Promise.reject(new Error('rejected'))),
    )
    app.get(
      '/next',
      protect(gate, (_req, _res, next) => next(), { scope: ['write'] }),
      (_req, res) => void res.end('next'),
    )
    app.use(
      ((error: Error, _req, res, _next) => void res.status(500).end(error.message)) as express5.ErrorRequestHandler,
    )
    const url = await opened(t, app)
    const headers = [bearer(await stage.token({ scope: 'write' }))]
    for (const [path, body] of [
      ['/me', '{"sub":"alice"}'],
      ['/throws', 'thrown'],
      ['/rejects', 'rejected'],
      ['/next', 'next'],
    ] as const) {
      assert.equal((await ask(url, { path, headers })).body, body)
      assert.equal((await ask(url, { path })).status, 401)
    }
  })

  test(`${name}: protects a router at a sub-path, twice, around express.json() and behind cors`, async (t) => {
    const stage = await openStage(t)
    const gate = stage.gate()
    let handled = 0
    const router = express.Router()
    router.use(protect(gate, { scope: ['write'] }))
    router.post('/items/:id', express.json(), (req: AuthRequest, res: express5.Response) => {
      handled += 1
      res.json({ sub: req.auth?.claims.sub, id: req.params['id'], body: req.body as unknown })
    })
    const app = express()
    app.use(cors({ origin: 'https://app.example' }))
    app.use(express.json())
    app.use(protect(gate))
    app.use(protect(gate))
    app.use('/api', router)
    const url = await opened(t, app)
    const json = ['content-type', 'application/json'] as const
    const origin = ['origin', 'https://app.example'] as const
    const send = (token: string) =>
      ask(url, { method: 'POST', path: '/api/items/7?x=1', headers: [bearer(token), json, origin], body: '{"a":1}' })
    const accepted = await send(await stage.token({ scope: 'write' }))
    assert.deepEqual([accepted.status, accepted.body], [200, '{"sub":"alice","id":"7","body":{"a":1}}'])
    const refused = await send(await stage.token())
    assert.equal(refused.status, 403)
    assert.equal(refused.headers.get('access-control-allow-origin'), 'https://app.example')
    assert.equal(
      (await ask(url, { method: 'OPTIONS', headers: [origin, ['access-control-request-method', 'POST']] })).status,
      204,
    )
    assert.equal(handled, 1)
  })

  test(`${name}: does not call the next handler for a finished response, and reports a started one as an error`, async (t) => {
    const stage = await openStage(t)
    const gate = stage.gate()
    const caught: unknown[] = []
    let handled = 0
    const app = express()
    const ended: express5.RequestHandler = (_req, res, next) => {
      res.status(503).end('busy')
      next()
    }
    const begun: express5.RequestHandler = (_req, res, next) => {
      res.write('half')
      next()
    }
    app.get('/ended', ended, protect(gate), () => void (handled += 1))
    app.get('/begun', begun, protect(gate), (_req, res) => void res.end(' and half'))
    app.use(((error, _req, res, _next) => {
      caught.push(error)
      res.destroy()
    }) as express5.ErrorRequestHandler)
    const url = await opened(t, app)
    const headers = [bearer(await stage.token())]
    for (const sent of [headers, []]) assert.deepEqual((await ask(url, { path: '/ended', headers: sent })).body, 'busy')
    assert.equal((await ask(url, { path: '/begun', headers })).body, 'half and half')
    await assert.rejects(ask(url, { path: '/begun' }))
    assert.equal(handled, 0)
    assert.match((caught[0] as Error).message, /put protect before handlers that respond$/)
    assert.equal(caught.length, 1)
  })
}

test('a header set by an earlier middleware counts, and a request without raw header lines works', async (t) => {
  const stage = await openStage(t)
  const app = express5()
  const token = await stage.token()
  app.use((req, _res, next) => {
    if (req.url === '/made') Object.defineProperty(req, 'rawHeaders', { value: [] })
    req.headers.authorization = req.url === '/removed' ? undefined : `Bearer ${token}`
    next()
  })
  app.use(protect(stage.gate()), answer)
  const url = await opened(t, app)
  for (const path of ['/set', '/made'])
    assert.equal((await ask(url, { path, headers: [bearer('other')] })).status, 200, path)
  assert.equal((await ask(url, { path: '/removed', headers: [bearer(token)] })).status, 401)
})

test('connect: errors go to its error handler', async (t) => {
  const stage = await openStage(t)
  const app = connect()
  app.use(protect(stage.gate(), { authorize: () => Promise.reject(new Error('down')) }))
  app.use(
    ((error: Error & { code?: string }, _req, res, _next) => void res.end(error.code)) as connect.ErrorHandleFunction,
  )
  assert.equal((await ask(await opened(t, app), { headers: [bearer(await stage.token())] })).body, 'authorize_failed')
})

test('http: errors of the gate and of the handler are logged and return 500, and the process keeps running', async (t) => {
  const stage = await openStage(t)
  const logged = t.mock.method(console, 'error', () => undefined)
  const gate = stage.gate()
  const down = new Error('down')
  const listeners: Record<string, forNode.Listener> = {
    '/throws': forNode.protect(gate, () => {
      throw down
    }),
    '/rejects': forNode.protect(gate, () => Promise.reject(down)),
    '/authorize': forNode.protect(gate, () => assert.fail(), {
      authorize: () => {
        throw down
      },
    }),
    '/no-handler': forNode.protect(gate) as never,
    '/half': forNode.protect(gate, (_req, res) => {
      res.write('half')
      throw down
    }),
    '/fine': forNode.protect(gate, (_req, res) => res.end('fine')),
  }
  const url = await opened(t, (req, res) => listeners[req.url ?? '']?.(req, res))
  const headers = [bearer(await stage.token())]
  for (const path of ['/throws', '/rejects', '/authorize', '/no-handler']) {
    const { status, body, headers: got } = await ask(url, { path, headers })
    assert.deepEqual([status, got.get('content-type')], [500, 'application/json'], path)
    assert.equal(body, '{"error":"server_error","error_description":"The request could not be handled."}', path)
  }
  assert.match(
    String(logged.mock.calls[3]?.arguments[1]),
    /protect\(gate\) is middleware: for http\.createServer pass the handler as well/,
  )
  await assert.rejects(ask(url, { path: '/half', headers }))
  assert.equal(logged.mock.callCount(), 5)
  assert.equal((await ask(url, { path: '/fine', headers })).body, 'fine')
})

test('a client that disconnects while the gate waits does no harm', async (t) => {
  const stage = await openStage(t)
  let decide: (grant: boolean) => void = () => undefined
  let asked: () => void = () => undefined
  const problems: unknown[] = []
  const listener = (error: unknown): void => void problems.push(error)
  process.on('uncaughtException', listener).on('unhandledRejection', listener)
  t.after(() => process.off('uncaughtException', listener).off('unhandledRejection', listener))
  const app = express5()
  const authorize = () =>
    new Promise<boolean>((resolve) => {
      decide = resolve
      asked()
    })
  app.use(protect(stage.gate(), { authorize }), answer)
  const url = await opened(t, app)
  const [name, value] = bearer(await stage.token())
  for (const grant of [true, false]) {
    const isAsked = new Promise<void>((resolve) => (asked = resolve))
    const sent = httpRequest(url, { headers: { [name]: value } })
    sent.on('error', () => undefined)
    sent.end()
    await isAsked
    sent.destroy()
    await delay(50)
    decide(grant)
    await delay(50)
  }
  assert.deepEqual(problems, [])
  const last = ask(url, { headers: [[name, value]] })
  while ((await Promise.race([last, delay(20, 'waiting')])) === 'waiting') decide(true)
  assert.equal((await last).status, 200)
})

test('HEAD gets the headers of the refusal and no body, and the connection stays open', async (t) => {
  const stage = await openStage(t)
  const gate = stage.gate()
  for (const app of [express5().use(protect(gate), answer), forNode.protect(gate, (_req, res) => res.end())]) {
    const { status, headers, body } = await ask(await opened(t, app), { method: 'HEAD' })
    assert.deepEqual([status, headers.get('www-authenticate'), body], [401, 'Bearer', ''])
  }
})

test('HTTP/2: the same refusals, and a cookie split over several header lines', async (t) => {
  const stage = await openStage(t)
  const token = await stage.token()
  const access: AccessOptions = { token: { cookie: 'token' } }
  const showRealm = (req: Http2ServerRequest & { auth: Accepted }, res: Http2ServerResponse): void =>
    void res.end(req.auth.realm)
  const byHeader = forNode.protect(stage.gate(), showRealm)
  const byCookie = forNode.protect(stage.gate(), showRealm, access)
  const server = createHttp2Server((req, res) => (req.url === '/cookie' ? byCookie(req, res) : byHeader(req, res)))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const session = connectHttp2(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  t.after(() => {
    session.destroy()
    server.close()
  })
  const send = async (headers: Record<string, string | string[]>): Promise<[number, string]> => {
    const stream = session.request({ ':path': '/', ...headers })
    stream.setEncoding('utf8')
    const [got] = (await once(stream, 'response')) as [{ ':status': number }]
    let body = ''
    for await (const chunk of stream) body += chunk as string
    return [got[':status'], body]
  }
  assert.deepEqual(await send({ authorization: `Bearer ${token}` }), [200, 'test'])
  assert.deepEqual(await send({}), [
    401,
    '{"error":"missing_token","error_description":"An access token is required."}',
  ])
  assert.deepEqual(await send({ ':method': 'HEAD' }), [401, ''])
  assert.deepEqual(await send({ ':path': '/cookie', cookie: [`theme=dark`, `token=${token}`] }), [200, 'test'])
  assert.equal((await send({ ':path': '/cookie', cookie: [`token=${token}`, `token=${token}`] }))[0], 400)
})

test('no Web Request is created from a Node request', async (t) => {
  const stage = await openStage(t)
  const token = await stage.token()
  const headers = [bearer(token)]
  const gate = stage.gate({ refreshAfterSeconds: 30, waitAfterSeconds: 60 })
  // Loads the feed first, for which the gate itself makes requests.
  assert.equal((await gate.check(token)).ok, true)
  for (const host of HOSTS.filter(({ kind }) => kind === 'node')) {
    const server = await host.start(gate)
    t.after(() => server.close())
    const made = t.mock.method(globalThis, 'Request', () => assert.fail('a Request was made'))
    for (const [sent, status] of [
      [headers, 200],
      [[], 401],
    ] as const)
      assert.equal((await ask(server.url, { headers: sent })).status, status, host.name)
    made.mock.restore()
  }
})

test('HTTP/2: a client that disconnects while the gate waits is not an error', async (t) => {
  const stage = await openStage(t)
  const logged = t.mock.method(console, 'error', () => undefined)
  let decide: (grant: boolean) => void = () => undefined
  let isClosed: Promise<unknown> = Promise.resolve()
  const asked = new Promise<void>((resolve) => {
    const authorize = () =>
      new Promise<boolean>((decided) => {
        decide = decided
        resolve()
      })
    const listener = forNode.protect(
      stage.gate(),
      (_req: Http2ServerRequest & { auth: Accepted }, _res: Http2ServerResponse) => assert.fail(),
      { authorize },
    )
    const server = createHttp2Server((req, res) => {
      isClosed = once(req.stream, 'close')
      listener(req, res)
    })
    server.listen(0, '127.0.0.1', async () => {
      const session = connectHttp2(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
      t.after(() => {
        session.destroy()
        server.close()
      })
      const stream = session.request({ authorization: `Bearer ${await stage.token()}` })
      stream.on('error', () => undefined)
      void asked.then(() => stream.close(constants.NGHTTP2_CANCEL))
    })
  })
  await asked
  await isClosed
  decide(false)
  await delay(50)
  assert.deepEqual(
    logged.mock.calls.map(({ arguments: [, error] }) => error as unknown),
    [],
  )
})

test('a request without a method is not treated as safe', () => {
  assert.equal(forNode.requestLike({ headers: {} }).method, '')
})

test('wrong arguments throw at set-up with a clear message', async (t) => {
  const gate: Gate = (await openStage(t)).gate()
  const handler = (): void => undefined
  const NO_GATE = /^(protect|receiveFeed) needs a gate: the one that createGate of portcullis\/edge returned$/
  const NO_HANDLER = /^protect\(gate, handler, options\) needs a handler$/
  const wrong: [() => unknown, RegExp][] = [
    [() => protect(undefined as unknown as AnyGate), NO_GATE],
    [() => protect(handler as unknown as AnyGate), NO_GATE],
    [() => protect({} as AnyGate), NO_GATE],
    [() => protect(Promise.resolve(gate) as unknown as AnyGate), NO_GATE],
    [() => forNode.protect(handler as unknown as AnyGate, handler), NO_GATE],
    [() => forNode.receiveFeed(undefined as unknown as AnyGate), NO_GATE],
    [() => protect(gate, { scopes: ['read'] } as AccessOptions), /unknown option 'scopes'; did you mean 'scope'\?/],
    [() => protect(gate, { scope: 'read' } as unknown as AccessOptions), /options\.scope must be an array/],
    [() => protect(gate, null as unknown as AccessOptions), /options must be an object/],
    [() => forNode.protect(gate, handler, { cookie: 'a' } as AccessOptions), /unknown option 'cookie'/],
    [() => protect(gate, undefined as never, { scope: ['write'] }), NO_HANDLER],
    [() => forNode.protect(gate, {} as never, handler as never), NO_HANDLER],
    [() => forNext.protect(gate, undefined as never, { scope: ['write'] }), NO_HANDLER],
  ]
  for (const [call, message] of wrong) {
    assert.throws(
      call,
      (error: unknown) =>
        error instanceof PortcullisError && error.code === 'invalid_option' && message.test(error.message),
      String(message),
    )
  }
})
