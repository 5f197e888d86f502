// Calls the functions for Next with Web requests; the matrix has real builds of Next.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { protect, receiveFeed } from 'portcullis/next'
import type { AnyGate } from './hosts.ts'
import { openStage } from './stage.ts'

const URL_OF_PAGE = 'http://app.example/api/items/7'

test('proxy.ts returns undefined to continue, and passes waitUntil to the gate', async (t) => {
  const stage = await openStage(t)
  const proxy = protect(stage.gate())
  const waits: Promise<unknown>[] = []
  const event = { waitUntil: (promise: Promise<unknown>) => void waits.push(promise) }
  const headers = { authorization: `Bearer ${await stage.token()}` }
  assert.equal(await proxy(new Request(URL_OF_PAGE, { headers }), event), undefined)
  assert.notEqual(waits.length, 0)
  assert.equal(await proxy(new Request(URL_OF_PAGE, { headers })), undefined)
  assert.equal((await proxy(new Request(URL_OF_PAGE), event))?.status, 401)
})

test('route.ts gets the verdict and Next’s context, and its errors propagate', async (t) => {
  const stage = await openStage(t)
  const gate = stage.gate()
  const context = { params: Promise.resolve({ id: '7' }) }
  const GET = protect(
    gate,
    async (_request: Request, auth, { params }: typeof context) =>
      Response.json({ sub: auth.claims.sub, ...(await params) }),
    { scope: ['read'] },
  )
  const ask = async (claims: Record<string, unknown>): Promise<Response> => {
    const headers = { authorization: `Bearer ${await stage.token(claims)}` }
    return GET(new Request(URL_OF_PAGE, { headers }), context)
  }
  assert.deepEqual(await (await ask({ scope: 'read' })).json(), { sub: 'alice', id: '7' })
  assert.equal((await ask({})).status, 403)
  // Next's redirect() and notFound() throw such errors.
  const control = new Error('NEXT_REDIRECT')
  const redirecting = protect(gate, () => {
    throw control
  })
  const failing = protect(gate, () => assert.fail(), { authorize: () => Promise.reject(control) })
  const request = new Request(URL_OF_PAGE, { headers: { authorization: `Bearer ${await stage.token()}` } })
  await assert.rejects(redirecting(request, context), control)
  await assert.rejects(failing(request, context), { code: 'authorize_failed' })
})

test('a request of the pages router is rejected by name, and wrong arguments throw at set-up', async (t) => {
  const gate = (await openStage(t)).gate()
  await assert.rejects(protect(gate)({ method: 'GET', headers: {}, rawHeaders: [], socket: {} } as never), {
    code: 'wrong_request',
    message: /portcullis\/node/,
  })
  const wrong: [() => unknown, RegExp][] = [
    [() => protect(undefined as unknown as AnyGate), /^protect needs a gate/],
    [() => protect((() => new Response()) as unknown as AnyGate), /^protect needs a gate/],
    [() => receiveFeed(undefined as unknown as AnyGate), /^receiveFeed needs a gate/],
    [() => protect(gate, { matcher: '/api' } as never), /unknown option 'matcher'/],
    [
      () => protect(gate, () => new Response(), { scop: ['a'] } as never),
      /unknown option 'scop'; did you mean 'scope'\?/,
    ],
  ]
  for (const [call, message] of wrong) assert.throws(call, { code: 'invalid_option', message }, String(message))
})
