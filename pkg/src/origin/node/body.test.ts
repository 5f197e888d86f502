// Bodies from a Node server: the direct read returns the same as the stream.

import assert from 'node:assert/strict'
import { connect, type Socket } from 'node:net'
import { afterEach, test } from 'node:test'
import { type BodyLimits, readBody } from '../../http/body.ts'
import { PortcullisError } from '../../errors.ts'
import { readRequest, textOf, textResponse } from '../http/known-body.ts'
import { serve, type Server } from './index.ts'
import { until } from '../testing/stage.ts'

let server: Server | undefined
const sockets: Socket[] = []
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy()
  await server?.close()
  server = undefined
})

type Read = (request: Request, limits: BodyLimits) => Promise<Uint8Array>
const WAYS: [string, Read][] = [
  ['directly', readRequest],
  ['from the stream', readBody],
]

/** Starts a server that responds with the body or the error's code, and keeps both. */
async function start(read: Read, limits: BodyLimits): Promise<{ url: string; port: number; outcomes: string[] }> {
  const outcomes: string[] = []
  server = await serve(
    async (request) => {
      const outcome = await read(request, limits).then(
        (bytes) => new TextDecoder().decode(bytes),
        (error: unknown) => (error instanceof PortcullisError ? error.code : String(error)),
      )
      outcomes.push(outcome)
      return new Response(outcome)
    },
    { port: 0 },
  )
  return { url: server.url, port: server.port, outcomes }
}

function send(port: number, text: string): { socket: Socket; received: () => string } {
  const socket = connect(port, '127.0.0.1')
  sockets.push(socket)
  let received = ''
  socket.on('data', (chunk) => (received += chunk.toString()))
  socket.on('error', () => undefined)
  socket.write(text)
  return { socket, received: () => received }
}

for (const [way, read] of WAYS) {
  test(`${way}: a body is read up to its limit, in one piece or several`, async () => {
    const { url, port, outcomes } = await start(read, { maxBytes: 10 })
    const post = async (body: string): Promise<string> => (await fetch(url, { method: 'POST', body })).text()
    assert.deepEqual(
      [await post('0123456789'), await post(''), await post('0123456789a')],
      ['0123456789', '', 'too_large'],
    )
    const chunked = 'POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n'
    const { socket, received } = send(port, `${chunked}4\r\nabcd\r\n`)
    await new Promise((resolve) => setTimeout(resolve, 20))
    // The next request follows directly after the rest.
    socket.write(
      `3\r\nefg\r\n0\r\n\r\n${chunked}6\r\nabcdef\r\n6\r\nghijkl\r\n0\r\n\r\nGET / HTTP/1.1\r\nHost: localhost\r\n\r\n`,
    )
    await until(() => outcomes.length === 6, 'all are read')
    assert.deepEqual(outcomes.slice(3), ['abcdefg', 'too_large', ''])
    await until(() => (received().match(/HTTP\/1\.1 200/g) ?? []).length === 3, 'all are answered')
  })

  test(`${way}: a body that stalls or is aborted`, async () => {
    const { port, outcomes } = await start(read, { maxBytes: 10, timeoutMs: 100 })
    send(port, 'POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nab')
    await until(() => outcomes.length === 1, 'it is abandoned')
    const { socket } = send(port, 'POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nab')
    await new Promise((resolve) => setTimeout(resolve, 30))
    socket.destroy()
    await until(() => outcomes.length === 2, 'it is noticed')
    assert.deepEqual(outcomes, ['timed_out', 'body_unreadable'])
  })

  test(`${way}: a body is read once`, async () => {
    const { url } = await start(
      async (request, limits) => {
        await read(request, limits)
        return read(request, limits)
      },
      { maxBytes: 10 },
    )
    assert.equal(await (await fetch(url, { method: 'POST', body: 'once' })).text(), 'body_unreadable')
  })
}

test('with a touched stream is read from the stream, as is a request created from another one', async () => {
  const { url } = await start(async (request, limits) => readRequest(new Request(request), limits), { maxBytes: 10 })
  assert.equal(await (await fetch(url, { method: 'POST', body: 'copied' })).text(), 'copied')
  await server?.close()
  const touched = await start(
    async (request, limits) => {
      await request.text()
      return readRequest(request, limits)
    },
    { maxBytes: 10 },
  )
  assert.equal(await (await fetch(touched.url, { method: 'POST', body: 'text' })).text(), 'body_unreadable')
})

test('a string body is sent directly, unless its stream has been read', async () => {
  const made: Response[] = []
  server = await serve(
    async (request) => {
      const response = textResponse('{"é":1}', { status: 201, headers: { 'content-type': 'application/json' } })
      made.push(response)
      response.headers.set('x-later', 'yes')
      return new URL(request.url).pathname === '/wrapped' ? new Response(response.body, response) : response
    },
    { port: 0 },
  )
  for (const path of ['/', '/wrapped']) {
    const response: Response = await fetch(server.url + path)
    assert.deepEqual(
      [response.status, response.headers.get('x-later'), response.headers.get('content-length')],
      [201, 'yes', '8'],
    )
    assert.equal(await response.text(), '{"é":1}')
  }
  const head = await fetch(server.url, { method: 'HEAD' })
  assert.deepEqual([head.status, await head.text()], [201, ''])
  const [sent, wrapped] = made
  assert.ok(sent !== undefined && wrapped !== undefined)
  assert.deepEqual([textOf(sent), textOf(wrapped)], ['{"é":1}', undefined])
})

test('a request with a complete response does not abort', async () => {
  const signals: AbortSignal[] = []
  server = await serve(
    (request) => {
      signals.push(request.signal)
      return new Response('done')
    },
    { port: 0 },
  )
  assert.equal(await (await fetch(server.url, { headers: { connection: 'close' } })).text(), 'done')
  await new Promise((resolve) => setTimeout(resolve, 20))
  assert.deepEqual(
    signals.map(({ aborted }) => aborted),
    [false],
  )
})

test('reads a request and its clone in either order', async () => {
  for (const first of ['clone', 'itself'] as const) {
    const { url } = await start(
      async (request, limits) => {
        const clone = request.clone()
        const [one, other] = first === 'clone' ? [clone, request] : [request, clone]
        const bytes = [await readRequest(one, limits), await readRequest(other, limits)]
        return new TextEncoder().encode(bytes.map((each) => new TextDecoder().decode(each)).join(' and '))
      },
      { maxBytes: 100 },
    )
    const answer = await fetch(url, { method: 'POST', body: 'a body' })
    assert.equal(await answer.text(), 'a body and a body')
    await server?.close()
  }
})

test('cloning a response with a string body does not consume it', async () => {
  const response = textResponse('a body', {})
  const clone = response.clone()
  assert.deepEqual([textOf(response), textOf(clone)], [undefined, undefined])
  assert.deepEqual([await clone.text(), await response.text()], ['a body', 'a body'])
})
