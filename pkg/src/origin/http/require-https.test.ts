import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Problem } from './problem.ts'
import { isLocal, requireHttps } from './require-https.ts'
import type { RequestSource } from '../api.ts'

const UNADDRESSED: RequestSource = { connection: 'unaddressed' }

const passes: [string, RequestSource][] = [
  ['https://origin.example/', { address: '203.0.113.7' }],
  ['https://origin.example/', {}],
  ['https://origin.example/', UNADDRESSED],
  ['http://127.0.0.1:8780/', { address: '127.0.0.1' }],
  ['http://[::1]:8780/', { address: '::1' }],
  ['http://localhost/', { address: '::ffff:127.0.0.1' }],
  ['http://demo.localhost:8780/', { address: '127.0.0.2' }],
  // Passed by a program of the host's own.
  ['http://127.0.0.1:8780/', {}],
  ['http://[::1]:8780/', {}],
  ['http://localhost/', {}],
]
const refused: [string, RequestSource][] = [
  ['http://origin.example/', {}],
  ['http://127.0.0.1.evil.test/', {}],
  ['http://localhost/', { address: '203.0.113.7' }],
  ['http://127.0.0.1/', { address: '::ffff:203.0.113.7' }],
  ['http://127.0.0.1/', { address: '127.0.0.1.evil.test' }],
  ['http://127.0.0.1/', { address: '' }],
  // From a page whose name was rebound to this machine, or a proxy here that is not in trustedProxies.
  ['http://origin.example/', { address: '127.0.0.1' }],
  ['http://origin.example/', { address: '::1' }],
  ['http://localhost.evil.test/', { address: '::ffff:127.0.0.1' }],
  // Through a Unix socket: the client chooses its Host.
  ['http://localhost/', UNADDRESSED],
  ['http://127.0.0.1:8780/', UNADDRESSED],
  ['http://[::1]/', UNADDRESSED],
]

test('allows plain http only from this machine', () => {
  for (const [url, source] of passes) requireHttps(new Request(url), source, 'loopback')
  for (const [url, source] of refused) {
    assert.throws(
      () => requireHttps(new Request(url), source, 'loopback'),
      (error) => error instanceof Problem && error.status === 403 && error.error === 'https_required',
      `${url} from ${JSON.stringify(source)}`,
    )
    requireHttps(new Request(url), source, 'anywhere')
  }
})

test('a client is local by its address and by its host name', () => {
  for (const [url, source] of refused)
    assert.equal(isLocal(new Request(url), source), false, `${url} from ${JSON.stringify(source)}`)
  assert.equal(isLocal(new Request('https://origin.example/'), { address: '127.0.0.1' }), false)
  assert.equal(isLocal(new Request('http://localhost/'), {}), false)
  assert.equal(isLocal(new Request('http://localhost/'), { address: '127.0.0.1' }), true)
})

test('reads nothing of a refused request', () => {
  const request = new Request('http://origin.example/', { method: 'POST', body: 'token=secret' })
  assert.throws(() => requireHttps(request, {}, 'loopback'))
  assert.equal(request.bodyUsed, false)
})
