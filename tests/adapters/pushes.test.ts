// A real origin pushes to each adapter's receiveFeed.

import assert from 'node:assert/strict'
import { createServer, request } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { test } from 'node:test'
import express5 from 'express'
import { Hono } from 'hono'
import type { Gate } from 'portcullis/edge'
import * as forExpress from 'portcullis/express'
import * as forHono from 'portcullis/hono'
import * as forNext from 'portcullis/next'
import { freePort } from '../../www/demo/child.ts'
import { ask, bearer } from './client.ts'
import { express4, HOSTS, listen } from './hosts.ts'
import { openStage, type Stage } from './stage.ts'

const SECRET = 'known to the origin and to this edge'

/** Waits until the gate refuses the token from its current state, without fetching. */
async function refused(gate: Gate, token: string): Promise<void> {
  for (let times = 0; times < 100 && gate.checkSync(token).ok; times += 1) await delay(50)
  assert.deepEqual(gate.checkSync(token), { ok: false, reason: 'token_revoked', status: 401 })
}

for (const host of HOSTS) {
  test(`${host.name}: a revocation is pushed, and applies at once`, { timeout: 60_000 }, async (t) => {
    const port = await freePort()
    const stage = await openStage(t, {
      edges: [{ name: 'edge', pushUrl: `http://127.0.0.1:${port}/push`, ackSecret: SECRET }],
    })
    const gate = stage.gate(
      { refreshAfterSeconds: 30, waitAfterSeconds: 60 },
      { feed: { ...stage.realm.feed, acknowledge: { edge: 'edge', secret: SECRET } } },
    )
    const server = await host.start(gate)
    const relay = createServer((req, res) => {
      // Forwards the origin's request unchanged, as a stream.
      const through = request(server.url + req.url, { method: req.method, headers: req.headers }, (answer) => {
        res.writeHead(answer.statusCode ?? 502, answer.headers)
        answer.pipe(res)
      })
      req.pipe(through)
    }).listen(port, '127.0.0.1')
    t.after(async () => {
      relay.close()
      relay.closeAllConnections()
      await server.close()
    })
    const token = await stage.token()
    assert.equal((await gate.check(token)).ok, true)
    await stage.origin.revokeToken(token)
    await refused(gate, token)
  })
}

/** Returns the response to a push that no realm has sent. */
async function pushed(
  url: string,
  body: string | Uint8Array,
  headers: [string, string][] = [],
): Promise<[number, string]> {
  const { status, body: text } = await ask(url, {
    method: 'POST',
    path: '/push',
    headers: [['content-type', 'application/octet-stream'], ...headers],
    body,
  })
  return [status, text]
}

for (const host of HOSTS) {
  test(`${host.name}: a request that is not a push gets the response of gate.receiveFeed, and the server keeps running`, {
    timeout: 60_000,
  }, async (t) => {
    const stage = await openStage(t)
    const gate = stage.gate()
    const server = await host.start(gate)
    t.after(() => server.close())
    assert.deepEqual(await pushed(server.url, 'not a statement'), [400, '{"error":"feed_refused"}'])
    assert.equal((await pushed(server.url, ''))[0], 400)
    // Too long to be read from a sender without the secret, so it counts as a hint.
    assert.deepEqual(await pushed(server.url, new Uint8Array(200_000)), [200, '{"received":true}'])
    const get = await ask(server.url, { path: '/push' })
    // Where the route takes POST only, the gate protects the other methods.
    assert.ok([401, 405].includes(get.status), String(get.status))
    assert.equal((await ask(server.url, { headers: [bearer(await stage.token())] })).status, 200)
  })
}

const READ_BEFORE = /^the body of the push was already read: put receiveFeed before body parsers/

for (const [name, express] of [
  ['express 5', express5],
  ['express 4', express4],
] as const) {
  test(`${name}: a body parsed by express.json() is a clear error, and bytes from express.raw() are accepted`, async (t) => {
    const stage = await openStage(t)
    const gate = stage.gate()
    const errors: unknown[] = []
    const serve = async (...before: ReturnType<typeof express.json>[]): Promise<string> => {
      const app = express()
      for (const parser of before) app.use(parser)
      app.post('/push', forExpress.receiveFeed(gate))
      app.use(((error, _req, res, _next) => {
        errors.push(error)
        res.status(500).end('caught')
      }) as express5.ErrorRequestHandler)
      const server = await listen(app)
      t.after(() => server.close())
      return server.url
    }
    const manifest = await statement(stage)
    const read = await serve(express.json({ type: '*/*' }))
    assert.deepEqual(await pushed(read, '{}'), [500, 'caught'])
    assert.equal((errors[0] as { code: string }).code, 'body_unreadable')
    assert.match((errors[0] as Error).message, READ_BEFORE)
    // With its default types, express.json() does not touch pushes.
    assert.equal((await pushed(await serve(express.json()), manifest))[0], 200)
    assert.equal((await pushed(await serve(express.raw()), manifest))[0], 200)
    assert.equal(errors.length, 1)
  })
}

test('hono and next: a body that was already read is a clear error', async (t) => {
  const gate = (await openStage(t)).gate()
  const app = new Hono()
  app.use(async (c, next) => {
    await c.req.text()
    await next()
  })
  app.post('/push', forHono.receiveFeed(gate) as never)
  app.onError((error, c) => c.text(error.message, 500))
  assert.match(await (await app.request('/push', { method: 'POST', body: 'x' })).text(), READ_BEFORE)
  const request = new Request('http://edge.example/push', { method: 'POST', body: 'x' })
  await request.text()
  await assert.rejects(forNext.receiveFeed(gate)(request), { code: 'body_unreadable', message: READ_BEFORE })
})

/** Fetches the origin's current manifest. */
async function statement(stage: Stage): Promise<Uint8Array> {
  const response = await fetch(`${stage.originUrl}/feed/test/manifest`)
  assert.equal(response.status, 200)
  return new Uint8Array(await response.arrayBuffer())
}
