import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { systemNowMs } from '../timing/clock.ts'
import { RemoteJwks, type RemoteJwksOptions } from './remote-jwks.ts'
import {
  cutShort,
  dripping,
  endless,
  json,
  type Listener,
  page,
  redirect,
  silent,
  TestServer,
} from '../test-fixtures/server.ts'

const set = { keys: [{ kty: 'OKP', kid: 'a' }] }

async function served(t: TestContext, listener: Listener, options: Partial<RemoteJwksOptions> = {}) {
  const server = await TestServer.start(listener)
  t.after(() => server.close())
  const installed: string[] = []
  const failures: unknown[] = []
  const keys = new RemoteJwks(
    {
      url: `${server.url}/certs`,
      maxAgeSeconds: 300,
      maxStaleSeconds: 3600,
      timeoutMs: 30_000,
      plainHttp: 'loopback',
      shareFlights: true,
      nowMs: systemNowMs,
      fetch,
      onFailure: (error) => failures.push(error),
      ...options,
    },
    (bytes) => {
      const text = new TextDecoder().decode(bytes)
      if (text.includes('"keys":[]')) throw new Error('no usable key')
      installed.push(text)
    },
  )
  return { server, keys, installed, failures }
}

const broken: [string, Listener, string, string | undefined][] = [
  ['an error', json({}, 500), 'jwks_unreachable', 'status'],
  ['nothing there', json({}, 404), 'jwks_unreachable', 'status'],
  ['a page', page(), 'invalid_jwks', 'not_a_key_set'],
  ['JSON of another kind', json(['keys']), 'invalid_jwks', 'not_a_key_set'],
  ['keys that are not an array', json({ keys: 'a' }), 'invalid_jwks', 'not_a_key_set'],
  ['null', json(null), 'invalid_jwks', 'not_a_key_set'],
  ['a redirect', redirect('https://elsewhere.example/certs'), 'jwks_unreachable', 'redirect'],
  ['an endless body', endless('application/json'), 'jwks_unreachable', 'too_large'],
  ['10 MB', (_, response) => response.end(Buffer.alloc(10_000_000, 0x20)), 'jwks_unreachable', 'too_large'],
  ['half an answer', cutShort('application/json'), 'jwks_unreachable', 'truncated'],
  ['silence', silent(), 'jwks_unreachable', 'timeout'],
  ['a drop now and then', dripping('application/json'), 'jwks_unreachable', 'timeout'],
]
for (const [name, listener, code, detail] of broken) {
  test(`reports ${name}, names the host and repeats nothing`, async (t) => {
    const { server, keys, installed, failures } = await served(
      t,
      listener,
      detail === 'timeout' ? { timeoutMs: 1000 } : {},
    )
    await assert.rejects(keys.load(), (error: Error & { code: string; detail: string }) => {
      assert.deepEqual([error.code, error.detail], [code, detail])
      assert.ok(error.message.includes(new URL(server.url).host))
      assert.ok(!error.message.includes('s3cret'))
      assert.match(error.message, /: (check|configure|look|is) /, 'it names the fix')
      return true
    })
    assert.equal(installed.length, 0)
    assert.equal(failures.length, 1)
  })
}

/** Stops the clock; the test advances it. */
function freeze(t: TestContext): { now: number } {
  const clock = { now: Date.now() }
  t.mock.method(Date, 'now', () => clock.now)
  return clock
}

test('a young set is not loaded again; it is never young for longer than it may be used', async (t) => {
  for (const [options, hits] of [
    [{}, 1],
    [{ maxStaleSeconds: 0 }, 3],
    [{ maxAgeSeconds: 0 }, 3],
  ] as const) {
    const { server, keys } = await served(t, json(set), options)
    for (let times = 0; times < 3; times++) await keys.load()
    assert.equal(server.hits.length, hits)
  }
})

test('an unreachable URL is not fetched again right after a failure', async (t) => {
  freeze(t)
  const { server, keys, failures } = await served(t, json(set))
  await server.close()
  await assert.rejects(keys.load(), { code: 'jwks_unreachable', detail: 'network' })
  await keys.load()
  await keys.load()
  assert.equal(failures.length, 1)
})

test('a set without usable keys does not replace the old one', async (t) => {
  const { server, keys, installed, failures } = await served(t, json(set), { maxAgeSeconds: 0 })
  await keys.load()
  server.listener = json({ keys: [] })
  await assert.rejects(keys.load())
  assert.equal(installed.length, 1)
  assert.equal(failures.length, 1)
  // Requests do not wait for a URL that fails; the old set stays in use.
  assert.equal(keys.due, false)
})

test('a set is due at its maximum age, and fetched in the background before that', async (t) => {
  const clock = freeze(t)
  const { server, keys } = await served(t, json(set), { maxAgeSeconds: 1 })
  assert.equal(keys.due, true)
  await keys.load()
  assert.equal(keys.due, false)
  keys.refreshInBackground()
  assert.equal(server.hits.length, 1)
  clock.now += 850
  const waited: Promise<unknown>[] = []
  keys.refreshInBackground((promise) => waited.push(promise))
  await Promise.all(waited)
  assert.equal(server.hits.length, 2)
})

test('a flood of unknown key ids causes five fetches and one more a second, and does not hide a rotation', async (t) => {
  const { server, keys, installed } = await served(t, json(set))
  await keys.load()
  const startedAt = Date.now()
  for (let i = 0; i < 2000; i++) await keys.lookUp(`garbage-${i}`)
  const spent = server.hits.length - 1
  assert.ok(spent >= 5 && spent <= 6 + Math.ceil((Date.now() - startedAt) / 1000), `${spent} fetches`)
  // The issuer rotates during the flood: within about a second a fetch returns the new key.
  server.listener = json({ keys: [...set.keys, { kty: 'OKP', kid: 'rotated' }] })
  const deadline = Date.now() + 20_000
  for (let i = 0; !installed.at(-1)?.includes('rotated') && Date.now() < deadline; i++) {
    await keys.lookUp(`more-garbage-${i}`)
    await keys.lookUp('rotated')
    await pause(5)
  }
  assert.match(installed.at(-1) ?? '', /rotated/)
})

test('a key id is not looked up again within a second', async (t) => {
  const clock = freeze(t)
  const { server, keys } = await served(t, json(set))
  assert.equal(await keys.lookUp('x'), true)
  assert.equal(await keys.lookUp('x'), false)
  assert.equal(await keys.lookUp('y'), true)
  assert.equal(server.hits.length, 2)
  clock.now += 1050
  assert.equal(await keys.lookUp('x'), true)
})

test('concurrent lookups share one fetch', async (t) => {
  const { server, keys } = await served(
    t,
    (request, response) => void setTimeout(() => json(set)(request, response), 30),
  )
  await Promise.all(Array.from({ length: 100 }, (_, i) => keys.lookUp(`k${i}`)))
  assert.equal(server.hits.length, 1)
})

test('plain http: only on this machine unless configured', () => {
  const make = (url: string, plainHttp: 'loopback' | 'anywhere') =>
    new RemoteJwks(
      {
        url,
        maxAgeSeconds: 1,
        maxStaleSeconds: 1,
        timeoutMs: 1,
        plainHttp,
        shareFlights: true,
        nowMs: systemNowMs,
        fetch,
        onFailure: () => undefined,
      },
      () => undefined,
    )
  for (const host of ['localhost', 'a.localhost', '127.0.0.1:8080', '127.9.9.9', '[::1]'])
    make(`http://${host}/`, 'loopback')
  for (const host of ['example.com', '127.0.0.1.example.com', 'localhost.example', '10.0.0.1']) {
    assert.throws(() => make(`http://${host}/`, 'loopback'), { code: 'invalid_option' })
    make(`http://${host}/`, 'anywhere')
    make(`https://${host}/`, 'loopback')
  }
})
