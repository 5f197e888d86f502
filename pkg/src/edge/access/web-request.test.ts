// Requests and arguments of frameworks: the error names the adapter, or what to pass.

import assert from 'node:assert/strict'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test, type TestContext } from 'node:test'
import { createGate } from '../../entry/edge/node.ts'
import { TestRealm } from '../testing/realm.ts'

async function started(t: TestContext) {
  const realm = await TestRealm.start(t)
  const gate = createGate(realm.options())
  t.after(() => gate.close())
  const token = await realm.token()
  return {
    gate,
    token,
    request: new Request('https://edge.example/', { headers: { authorization: `Bearer ${token}` } }),
  }
}

/** A request and response of Node's `http`, as passed to a listener. */
async function nodePair(t: TestContext): Promise<{ req: IncomingMessage; res: ServerResponse }> {
  const server = createServer()
  t.after(() => server.close())
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  const pair = new Promise<{ req: IncomingMessage; res: ServerResponse }>((resolve) =>
    server.once('request', (req, res) => resolve({ req, res })),
  )
  const { port } = server.address() as AddressInfo
  const asking = fetch(`http://127.0.0.1:${port}/`, { headers: { authorization: 'Bearer secret-of-the-request' } })
  const found = await pair
  t.after(async () => {
    found.res.end()
    await asking
  })
  return found
}

test('a request that is not a Web request: the error names the adapter', async (t) => {
  const { gate, request } = await started(t)
  const { req, res } = await nodePair(t)
  const express = Object.assign(Object.create(req) as object, { originalUrl: '/', app: () => undefined, res })
  const cases: [unknown, RegExp][] = [
    [req, /portcullis\/node/],
    [express, /portcullis\/express/],
    [{ raw: req, headers: req.headers, server: {}, routeOptions: {} }, /portcullis\/fastify/],
    [
      { req, res, request: { headers: req.headers }, response: {}, headers: req.headers, originalUrl: '/', app: {} },
      /portcullis\/node, on req and res/,
    ],
    [{ req: { raw: request, header: () => undefined }, env: {} }, /portcullis\/hono, or pass c\.req\.raw/],
    [{ raw: request, header: () => undefined }, /portcullis\/hono, or pass c\.req\.raw/],
    [{ request, url: new URL('https://edge.example/') }, /pass its member request/],
    [{ headers: { authorization: 'Bearer x' }, httpMethod: 'GET' }, /portcullis\/node, \/express or \/fastify/],
    ['eyJ', /gate\.check takes a token/],
    [undefined, /pass the request/],
    [null, /pass the request/],
    [7, /pass the request/],
  ]
  for (const [wrong, message] of cases) {
    await assert.rejects(gate.authenticate(wrong as Request), {
      name: 'PortcullisError',
      code: 'wrong_request',
      message,
    })
    await assert.rejects(gate.authenticator()(wrong as Request), { code: 'wrong_request', message })
    await assert.rejects(gate.protect(() => new Response('in'))(wrong as Request), { code: 'wrong_request', message })
    const text = await gate.authenticate(wrong as Request).catch((error: Error) => error.message)
    assert.ok(!String(text).includes('secret-of-the-request'))
  }
})

test('a second argument of protect that is not an env: the error names the adapter', async (t) => {
  const { gate, request } = await started(t)
  const { req, res } = await nodePair(t)
  const worker = gate.protect(() => new Response('in'))
  const cases: [unknown, RegExp][] = [
    [res, /portcullis\/node or portcullis\/express/],
    [{ send: () => undefined, raw: res, code: () => undefined }, /portcullis\/fastify/],
    [() => undefined, /it is a function; use portcullis\/express/],
    [{ req, res, app: {} }, /portcullis\/node or portcullis\/express, on req and res/],
    [{ params: Promise.resolve({}) }, /portcullis\/next/],
    [{ params: { id: '1' } }, /portcullis\/next/],
    [
      { waitUntil: () => undefined, sourcePage: '/' },
      /portcullis\/next, or pass the context third: \(request, env, context\)/,
    ],
  ]
  for (const [wrong, message] of cases) {
    for (let times = 0; times < 2; times += 1)
      await assert.rejects(worker(request, wrong), { code: 'wrong_request', message })
  }
  assert.equal((await worker(request)).status, 200)
})

test("arguments of other runtimes are accepted if the gate's options do not depend on env", async (t) => {
  const { gate, request } = await started(t)
  const worker = gate.protect(() => new Response('in'))
  const info = { remoteAddr: { transport: 'tcp', hostname: '127.0.0.1', port: 1 }, completed: Promise.resolve() }
  class Server {
    readonly port = 1
    upgrade(): boolean {
      return false
    }
  }
  const bindings = { KV: { get: () => undefined }, params: 'a variable', ISSUER: 'https://issuer.example' }
  for (const env of [
    info,
    new Server(),
    process.env,
    bindings,
    { params: 'a variable' },
    { ...bindings, params: { a: 1 } },
    {},
    undefined,
  ]) {
    assert.equal((await worker(request, env)).status, 200)
  }
})
