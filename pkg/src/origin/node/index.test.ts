import assert from 'node:assert/strict'
import { connect, type Socket } from 'node:net'
import { afterEach, describe, test } from 'node:test'
import { type Fetchable, serve, type ServeOptions, type Server, toNodeListener } from './index.ts'
import { until } from '../testing/stage.ts'

let server: Server | undefined
afterEach(async () => {
  await server?.close()
  server = undefined
})

async function start(handler: Fetchable, onError?: (error: unknown) => void): Promise<Server> {
  server = await serve(handler, onError === undefined ? { port: 0 } : { port: 0, onError })
  return server
}

/** Sends raw bytes; resolves with everything received until the connection ends or is quiet. */
function raw(port: number, text: string, quietMs = 200): Promise<{ text: string; socket: Socket }> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    let received = ''
    const end = (): void => resolve({ text: received, socket })
    let timer = setTimeout(end, quietMs)
    socket.on('data', (chunk) => {
      received += chunk.toString()
      clearTimeout(timer)
      timer = setTimeout(end, quietMs)
    })
    socket.on('close', end)
    socket.on('error', () => undefined)
    socket.write(text)
  })
}

describe('a client that does not read its response', () => {
  /** Bodies that fill every buffer on the way, in one chunk or several, with a callback for their cancellation. */
  const bodies: [string, (onCancel: () => void) => BodyInit][] = [
    [
      'a stream',
      (onCancel) =>
        new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(1_048_576)), cancel: onCancel }),
    ],
    [
      'one piece, then silence',
      (onCancel) => {
        let pulls = 0
        return new ReadableStream({
          async pull(controller) {
            if (pulls++ === 0) controller.enqueue(new Uint8Array(33_554_432))
            else await new Promise(() => undefined)
          },
          cancel: onCancel,
        })
      },
    ],
  ]
  for (const [name, body] of bodies) {
    test(`is cut off: ${name}`, async () => {
      let isGivenUp = false
      server = await serve(() => new Response(body(() => (isGivenUp = true))), { port: 0, idleTimeoutMs: 200 })
      const socket = connect(server.port, '127.0.0.1')
      socket.on('error', () => undefined)
      socket.pause()
      socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n')
      await until(() => isGivenUp, 'the body is cancelled')
      socket.destroy()
    })
  }

  test('is not disconnected if it reads slowly, or gets data now and then', async () => {
    const told = (): Response => {
      let times = 0
      return new Response(
        new ReadableStream({
          async pull(controller) {
            await new Promise((resolve) => setTimeout(resolve, 100))
            if (times++ === 8) return controller.close()
            controller.enqueue(new Uint8Array(10))
          },
        }),
      )
    }
    server = await serve(told, { port: 0, idleTimeoutMs: 400 })
    assert.equal((await (await fetch(server.url)).arrayBuffer()).byteLength, 80)
  })
})

describe('serve', () => {
  test('names the invalid option and the supported handler types', async () => {
    const handler = (): Response => new Response()
    const bad: [RegExp, unknown][] = [
      [/options.port is missing/, {}],
      [/options.port must be a port, 0 to 65535/, { port: 70_000 }],
      [/unknown option 'host'; did you mean 'hostname'/, { port: 0, host: '::' }],
      [/options must be an object/, undefined],
    ]
    for (const [message, options] of bad) {
      await assert.rejects(serve(handler, options as ServeOptions), { code: 'invalid_option', message })
    }
    const promised = Promise.resolve(handler) as unknown as Fetchable
    assert.throws(() => toNodeListener(promised), { code: 'invalid_option', message: /await createOrigin first/ })
  })

  test('passes requests to the handler and returns its responses', async () => {
    const { url, port } = await start(async (request) => {
      const body = await request.text()
      return Response.json(
        { method: request.method, url: request.url, header: request.headers.get('x-test'), body },
        { status: 201, headers: { 'x-answer': 'yes' } },
      )
    })
    assert.equal(url, `http://127.0.0.1:${port}`)
    const response = await fetch(`${url}/a/b?c=d`, { method: 'PUT', headers: { 'x-test': 'one' }, body: 'hello' })
    assert.equal(response.status, 201)
    assert.equal(response.headers.get('x-answer'), 'yes')
    assert.ok(response.headers.has('content-length'))
    assert.deepEqual(await response.json(), { method: 'PUT', url: `${url}/a/b?c=d`, header: 'one', body: 'hello' })
  })

  test('accepts an object with fetch, and sends every cookie', async () => {
    const { url } = await start({
      fetch: () =>
        new Response(null, {
          status: 204,
          headers: [
            ['set-cookie', 'a=1'],
            ['set-cookie', 'b=2'],
          ],
        }),
    })
    assert.deepEqual((await fetch(url)).headers.getSetCookie(), ['a=1', 'b=2'])
  })

  test('names the port that is in use, and the fix', async () => {
    const { port } = await start(() => new Response())
    await assert.rejects(
      serve(() => new Response(), { port }),
      { code: 'listen_failed', message: new RegExp(`port ${port} .*in use: stop`) },
    )
    await assert.rejects(
      serve(() => new Response(), { port: 0, hostname: '192.0.2.1' }),
      { code: 'listen_failed' },
    )
  })

  test('names invalid options', async () => {
    for (const options of [
      undefined,
      {},
      { port: '8780' },
      { port: -1 },
      { port: 65_536 },
      { port: 0, hostname: '' },
      { port: 0, host: 'a' },
    ]) {
      await assert.rejects(
        serve(() => new Response(), options as never),
        {
          code: 'invalid_option',
          message: /options(\.port| must|\.hostname| has an unknown option 'host'; did you mean 'hostname')/,
        },
      )
    }
  })

  test('reports the error of a handler to the server, not to the client', async () => {
    const heard: unknown[] = []
    const { url } = await start(
      () => {
        throw new Error('the secret is 42')
      },
      (error) => heard.push(error),
    )
    const response = await fetch(url)
    assert.equal(response.status, 500)
    assert.equal(await response.text(), '{"error":"server_error"}')
    assert.equal(heard.length, 1)
  })

  test('a HEAD has no body', async () => {
    const { port } = await start(() => new Response('hello', { headers: { 'content-length': '5' } }))
    const { text, socket } = await raw(port, 'HEAD / HTTP/1.1\r\nHost: localhost\r\n\r\n')
    assert.match(text, /200 OK/)
    assert.ok(text.endsWith('\r\n\r\n'))
    socket.destroy()
  })

  test('refuses malformed requests without ending the server', async () => {
    const { url, port } = await start((request) => new Response(new URL(request.url).pathname))
    for (const request of [
      'GET / HTTP/1.1\r\nHost: a b\r\n\r\n',
      'GET / HTTP/1.1\r\nHost: a/../b@c\r\n\r\n',
      'GET http://[ HTTP/1.1\r\nHost: localhost\r\n\r\n',
      'GET / HTTP/1.1\r\nHost: one\r\nHost: two\r\n\r\n',
      'TRACE / HTTP/1.1\r\nHost: localhost\r\n\r\n',
      'nonsense\r\n\r\n',
      `GET / HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(40_000)}\r\n\r\n`,
    ]) {
      const { text, socket } = await raw(port, request, 100)
      assert.match(text, /^HTTP\/1\.1 4\d\d /, request.slice(0, 40))
      socket.destroy()
    }
    const { text, socket } = await raw(
      port,
      'GET http://elsewhere/path?x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n',
    )
    assert.match(text, /\/path$/)
    socket.destroy()
    assert.equal((await fetch(url)).status, 200)
  })

  test('a token of 16 KiB fits into a header', async () => {
    const { url } = await start((request) => new Response(String(request.headers.get('authorization')?.length)))
    assert.equal(
      await (await fetch(url, { headers: { authorization: `Bearer ${'x'.repeat(16_384)}` } })).text(),
      String(16_384 + 7),
    )
  })
})

describe('streams', () => {
  test('sends each chunk at once, and headers before the first', async () => {
    let send: ((text: string) => void) | undefined
    const { url } = await start(
      () =>
        new Response(
          new ReadableStream<Uint8Array>({
            start(controller) {
              send = (text) => controller.enqueue(new TextEncoder().encode(text))
            },
          }),
        ),
    )
    const response = await fetch(url)
    const reader = response.body?.getReader()
    for (const piece of ['one', 'two']) {
      send?.(piece)
      assert.equal(new TextDecoder().decode((await reader?.read())?.value), piece)
    }
    await reader?.cancel()
  })

  test('when the client leaves, the body is cancelled and the signal aborts', async () => {
    let cancelled = false
    let aborted = false
    const { url } = await start((request) => {
      request.signal.addEventListener('abort', () => (aborted = true))
      return new Response(
        new ReadableStream<Uint8Array>({
          pull: (controller) => controller.enqueue(new Uint8Array(1)),
          cancel: () => void (cancelled = true),
        }),
      )
    })
    const stop = new AbortController()
    const response = await fetch(url, { signal: stop.signal })
    await response.body?.getReader().read()
    stop.abort()
    await until(() => cancelled && aborted, 'both are notified')
  })

  test('a slow reader slows the source down', async () => {
    let produced = 0
    const { port } = await start(
      () =>
        new Response(
          new ReadableStream<Uint8Array>({
            pull(controller) {
              produced += 65_536
              controller.enqueue(new Uint8Array(65_536))
            },
          }),
        ),
    )
    const socket = connect(port, '127.0.0.1')
    socket.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')
    await new Promise((resolve) => socket.once('data', resolve))
    socket.pause()
    await until(async () => {
      const before = produced
      await new Promise((resolve) => setTimeout(resolve, 200))
      return produced === before
    }, 'the source stands still')
    assert.ok(produced < 64 * 1_048_576)
    socket.destroy()
  })

  test('a failing body aborts the connection', async () => {
    const { url } = await start(
      () =>
        new Response(
          new ReadableStream<Uint8Array>({
            start: (controller) => controller.enqueue(new Uint8Array(10)),
            pull: (controller) => controller.error(new Error('lost')),
          }),
        ),
    )
    await assert.rejects(async () => (await fetch(url)).arrayBuffer())
  })

  test('an unread body does not affect the next request', async () => {
    const { port } = await start((request) => new Response(new URL(request.url).pathname, { status: 401 }))
    const body = 'x'.repeat(100_000)
    const request = (path: string): string =>
      `POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${body.length}\r\n\r\n${body}`
    const { text, socket } = await raw(port, request('/one') + request('/two'))
    assert.match(text, /\/one[^]*\/two$/)
    socket.destroy()
    const huge = connect(port, '127.0.0.1')
    huge.on('error', () => undefined)
    let closed = false
    huge.once('close', () => (closed = true))
    huge.write('POST /three HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000000\r\n\r\n')
    const pump = setInterval(() => huge.write(Buffer.alloc(65_536)), 1)
    await until(() => closed, 'the connection is ended')
    clearInterval(pump)
  })

  test('closing ends streams after a moment', async () => {
    const { url } = await start(() => new Response(new ReadableStream<Uint8Array>()))
    const response = await fetch(url)
    const ended = assert.rejects(async () => response.text())
    await server?.close()
    await ended
    server = undefined
  })
})
