import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Problem } from './problem.ts'
import { requireHttps } from './transport.ts'

const passes: [string, string | undefined][] = [
  ['https://origin.example/', '203.0.113.7'],
  ['https://origin.example/', undefined],
  ['http://127.0.0.1:8780/', undefined],
  ['http://[::1]:8780/', undefined],
  ['http://localhost/', undefined],
  // What a request calls us does not count where its address is known.
  ['http://origin.example/', '127.0.0.1'],
  ['http://origin.example/', '::1'],
  ['http://origin.example/', '::ffff:127.0.0.1'],
]
const refused: [string, string | undefined][] = [
  ['http://origin.example/', undefined],
  ['http://127.0.0.1.evil.test/', undefined],
  ['http://localhost/', '203.0.113.7'],
  ['http://127.0.0.1/', '::ffff:203.0.113.7'],
  ['http://127.0.0.1/', '127.0.0.1.evil.test'],
  ['http://127.0.0.1/', ''],
]

test('plain http is for this machine', () => {
  for (const [url, address] of passes) requireHttps(new Request(url), source(address), 'loopback')
  for (const [url, address] of refused) {
    assert.throws(
      () => requireHttps(new Request(url), source(address), 'loopback'),
      (error) => error instanceof Problem && error.status === 403 && error.error === 'https_required',
      `${url} from ${address}`,
    )
    requireHttps(new Request(url), source(address), 'anywhere')
  }
})

test('nothing is read of a request that is refused', () => {
  const request = new Request('http://origin.example/', { method: 'POST', body: 'token=secret' })
  assert.throws(() => requireHttps(request, {}, 'loopback'))
  assert.equal(request.bodyUsed, false)
})

function source(address: string | undefined): { address?: string } {
  return address === undefined ? {} : { address }
}
