import assert from 'node:assert/strict'
import { afterEach, test } from 'node:test'
import { serve, type Server, type ServeOptions } from './index.ts'

let server: Server | undefined
afterEach(async () => {
  await server?.close()
  server = undefined
})

/** Returns the scheme and address that a server with these proxies derives from these headers. */
async function seen(trustedProxies: string[], headers: [string, string][]): Promise<string> {
  server = await serve((request, { address }) => new Response(`${new URL(request.url).protocol} ${address}`), {
    port: 0,
    trustedProxies,
  })
  const answer = await fetch(server.url, { headers })
  const text = await answer.text()
  await server.close()
  return text
}

const FOR = 'x-forwarded-for'
const PROTO = 'x-forwarded-proto'

test('headers of an untrusted peer are ignored', async () => {
  const headers: [string, string][] = [
    [FOR, '203.0.113.7'],
    [PROTO, 'https'],
  ]
  assert.equal(await seen([], headers), 'http: 127.0.0.1')
  assert.equal(await seen(['10.0.0.0/8'], headers), 'http: 127.0.0.1')
  assert.equal(await seen(['127.0.0.0/8'], headers), 'https: 203.0.113.7')
  assert.equal(await seen(['127.0.0.1'], headers), 'https: 203.0.113.7')
})

test('ignores addresses before the nearest untrusted one', async () => {
  const trusted = ['127.0.0.1', '10.0.0.0/8', '2001:db8::/32']
  const cases: [string, string][] = [
    ['198.51.100.1, 203.0.113.7', '203.0.113.7'],
    ['198.51.100.1, 203.0.113.7, 10.1.2.3', '203.0.113.7'],
    ['198.51.100.1, 203.0.113.7, 2001:db8::1', '203.0.113.7'],
    ['203.0.113.7:4711', '203.0.113.7'],
    ['[2001:db9::7]:4711', '2001:db9::7'],
    ['2001:db9::7', '2001:db9::7'],
    // Entries before one without an address are not used.
    ['203.0.113.7, unknown, 10.1.2.3', '10.1.2.3'],
    ['garbage', '127.0.0.1'],
    ['', '127.0.0.1'],
  ]
  for (const [given, address] of cases)
    assert.equal(
      await seen(trusted, [
        [FOR, given],
        [PROTO, 'https'],
      ]),
      `https: ${address}`,
      given,
    )
  const lines: [string, string][] = [
    [FOR, '198.51.100.1'],
    [FOR, '203.0.113.7'],
    [PROTO, 'http'],
  ]
  assert.equal(await seen(trusted, lines), 'http: 203.0.113.7')
  assert.equal(
    await seen(trusted, [
      [FOR, '203.0.113.7'],
      [PROTO, 'https, http'],
    ]),
    'http: 203.0.113.7',
  )
  assert.equal(await seen(trusted, [[FOR, '203.0.113.7']]), 'http: 203.0.113.7')
})

test('an invalid address is refused as an option', async () => {
  for (const proxy of ['proxy.example', '10.0.0.0/33', '10.0.0.0/8/8', '::/129', '10.0.0.0/', '', '10.0.0.0/-1']) {
    await assert.rejects(
      serve(() => new Response(), { port: 0, trustedProxies: [proxy] } as ServeOptions),
      { code: 'invalid_option', message: /options\.trustedProxies\[0\] must be an address/ },
      proxy,
    )
  }
})
