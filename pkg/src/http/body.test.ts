import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readBody } from './body.ts'
import { cutShort, endless, TestServer } from '../test-fixtures/server.ts'

function streamed(...chunks: number[]): Response {
  const left = [...chunks]
  return new Response(
    new ReadableStream({
      pull(controller) {
        const next = left.shift()
        if (next === undefined) controller.close()
        else controller.enqueue(new Uint8Array(next))
      },
    }),
  )
}

test('reads a body up to its exact limit', async () => {
  assert.equal((await readBody(streamed(3, 4), { maxBytes: 7 })).byteLength, 7)
  await assert.rejects(readBody(streamed(3, 5), { maxBytes: 7 }), { code: 'too_large' })
  assert.equal((await readBody(new Response(null), { maxBytes: 0 })).byteLength, 0)
})

test('trusts a Content-Length that is too large, but not a small one', async () => {
  const claim = (length: string) =>
    new Request('http://a/', { method: 'POST', body: 'x'.repeat(10), headers: { 'content-length': length } })
  await assert.rejects(readBody(claim('99'), { maxBytes: 20 }), { code: 'too_large' })
  await assert.rejects(readBody(claim('1'), { maxBytes: 5 }), { code: 'too_large' })
})

test('stops reading an endless body', async (t) => {
  const server = await TestServer.start(endless('text/plain'))
  t.after(() => server.close())
  await assert.rejects(readBody(await fetch(server.url), { maxBytes: 100_000 }), { code: 'too_large' })
})

test('a body that stalls ends at the deadline, or by the signal', async () => {
  const abortSoon = () => {
    const controller = new AbortController()
    setTimeout(() => controller.abort(), 20)
    return controller.signal
  }
  const stalled = () =>
    new Response(new ReadableStream({ start: (controller) => controller.enqueue(new Uint8Array(1)) }))
  await assert.rejects(readBody(stalled(), { maxBytes: 10, timeoutMs: 20 }), { code: 'timed_out' })
  await assert.rejects(readBody(stalled(), { maxBytes: 10, signal: abortSoon() }), { code: 'timed_out' })
  await assert.rejects(readBody(stalled(), { maxBytes: 10, signal: AbortSignal.abort() }), { code: 'timed_out' })
})

test('a body that is truncated or already read is an error', async (t) => {
  const server = await TestServer.start(cutShort('application/json'))
  t.after(() => server.close())
  await assert.rejects(readBody(await fetch(server.url), { maxBytes: 10_000 }), { code: 'body_unreadable' })
  const used = new Response('x')
  await used.text()
  await assert.rejects(readBody(used, { maxBytes: 10 }), { code: 'body_unreadable' })
})
