// Acceptance of requests with a cookie, by the headers that no page can set.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FetchSite } from '../../types.ts'
import { isFromOwnPage } from './cross-site.ts'

const ORIGIN = 'https://app.example'

/** Headers as combined by Fetch: a repeated one has a single, joined value. */
function isOwn(
  method: string,
  headers: Record<string, string | string[]>,
  fetchSites: FetchSite[] = ['same-origin'],
  origins = [ORIGIN],
): boolean {
  const all = new Headers()
  for (const [name, values] of Object.entries(headers)) for (const value of [values].flat()) all.append(name, value)
  return isFromOwnPage({ method, headers: all }, { origins, fetchSites })
}

test('safe methods need no proof, all others do', () => {
  for (const method of ['GET', 'HEAD', 'OPTIONS'])
    assert.equal(isOwn(method, { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' }), true, method)
  for (const method of [
    'POST',
    'PUT',
    'PATCH',
    'DELETE',
    'TRACE',
    'CONNECT',
    'QUERY',
    'PROPFIND',
    'get',
    'Head',
    'GET ',
    '',
  ]) {
    assert.equal(isOwn(method, {}), false, method)
    assert.equal(isOwn(method, { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' }), false, method)
    assert.equal(isOwn(method, { 'sec-fetch-site': 'same-origin' }), true, method)
    assert.equal(isOwn(method, { origin: ORIGIN }), true, method)
  }
})

test('a WebSocket needs proof, however its upgrade is written', () => {
  const upgrades: Record<string, string>[] = [
    { upgrade: 'websocket' },
    { Upgrade: 'WebSocket' },
    { UPGRADE: 'h2c' },
    { upgrade: '' },
    { upgrade: 'foo, websocket' },
    { 'sec-websocket-version': '13' },
  ]
  for (const upgrade of upgrades) {
    assert.equal(isOwn('GET', upgrade), false, JSON.stringify(upgrade))
    assert.equal(isOwn('GET', { ...upgrade, origin: 'https://evil.example' }), false)
    assert.equal(isOwn('GET', { ...upgrade, origin: ORIGIN }), true)
    assert.equal(isOwn('GET', { ...upgrade, 'sec-fetch-site': 'same-origin' }), true)
  }
})

test('an origin is only compared as a whole', () => {
  const others = [
    'null',
    'http://app.example',
    'https://app.example:8443',
    'https://app.example/',
    'https://APP.example',
    'https://app.example.evil.example',
    'https://evilapp.example',
    'https://sub.app.example',
    '',
    `${ORIGIN} https://evil.example`,
  ]
  for (const origin of others) assert.equal(isOwn('POST', { origin }), false, origin)
  assert.equal(isOwn('POST', { origin: [ORIGIN, ORIGIN] }), false, 'twice')
  assert.equal(isOwn('POST', { origin: ['https://evil.example', ORIGIN] }), false, 'twice')
  assert.equal(isOwn('POST', { origin: ORIGIN }, ['same-origin'], []), false, 'none is configured')
})

test('Sec-Fetch-Site: same-origin by default, others by option, cross-site never', () => {
  for (const site of ['same-site', 'none', 'cross-site', 'Same-Origin', '', 'same-origin, same-origin']) {
    assert.equal(isOwn('POST', { 'sec-fetch-site': site }), false, site)
  }
  assert.equal(isOwn('POST', { 'sec-fetch-site': ['same-origin', 'cross-site'] }), false, 'twice')
  assert.equal(isOwn('POST', { 'sec-fetch-site': 'same-site' }, ['same-origin', 'same-site']), true)
  assert.equal(isOwn('POST', { 'sec-fetch-site': 'none' }, ['same-origin', 'none']), true)
  assert.equal(isOwn('POST', { 'sec-fetch-site': 'same-origin' }, []), false)
  assert.equal(
    isOwn('POST', { 'sec-fetch-site': 'cross-site', origin: ORIGIN }),
    true,
    'a page of another site that was named',
  )
})

test('Host is not read, and other headers have no effect', () => {
  const spoofed = {
    host: 'app.example',
    referer: `${ORIGIN}/`,
    'x-forwarded-host': 'app.example',
    forwarded: 'host=app.example',
    'x-requested-with': 'XMLHttpRequest',
  }
  assert.equal(isOwn('POST', spoofed), false)
  assert.equal(isOwn('POST', { ...spoofed, origin: 'https://evil.example' }), false)
  const read: string[] = []
  const headers = { get: (name: string) => (read.push(name), null) }
  isFromOwnPage({ method: 'POST', headers }, { origins: [ORIGIN], fetchSites: ['same-origin'] })
  assert.deepEqual(read.toSorted(), ['origin', 'sec-fetch-site'])
})
