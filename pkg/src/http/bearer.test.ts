import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bearerToken, challenge } from './bearer.ts'
import { REASONS, statusOf } from '../reasons.ts'

const presented: [string, string | undefined, string | undefined][] = [
  ['no header', undefined, undefined],
  ['another scheme', 'Basic dXNlcjpwYXNz', undefined],
  ['a scheme that only starts alike', 'Bearerish abc', undefined],
  ['DPoP', 'DPoP abc', undefined],
  ['a token', 'Bearer a.b.c', 'a.b.c'],
  ['lower case', 'bearer a.b.c', 'a.b.c'],
  ['upper case', 'BEARER a.b.c', 'a.b.c'],
  ['several spaces', 'Bearer   a.b.c', 'a.b.c'],
  ['nothing after the scheme', 'Bearer', ''],
  ['two credentials', 'Bearer a.b.c, Bearer d.e.f', 'a.b.c, Bearer d.e.f'],
  ['two words', 'Bearer a.b.c d', 'a.b.c d'],
  ['a tab', 'Bearer\ta.b.c', ''],
  ['a comma', 'Bearer,a.b.c', ''],
  ['quotes', 'Bearer "a.b.c"', '"a.b.c"'],
]
for (const [name, value, token] of presented) {
  test(`takes the token: ${name}`, () => {
    const found = bearerToken(new Headers(value === undefined ? {} : { authorization: value }))
    assert.deepEqual(found, token === undefined ? { kind: 'nothing' } : { kind: 'token', token })
  })
}

test('no credentials: a bare challenge without an error code', () => {
  const response = challenge({ ok: false, reason: 'missing_token', status: 401 })
  assert.equal(response.status, 401)
  assert.equal(response.headers.get('www-authenticate'), 'Bearer')
})

test('every reason has its status, a challenge that parses, and is not stored', async () => {
  for (const reason of REASONS) {
    const response = challenge({ ok: false, reason, status: statusOf(reason) })
    assert.equal(response.status, statusOf(reason), reason)
    assert.equal(response.headers.get('cache-control'), 'no-store')
    const body = (await response.json()) as Record<string, string>
    assert.deepEqual(Object.keys(body), ['error', 'error_description'])
    if (response.status === 503) {
      assert.match(response.headers.get('retry-after') ?? '', /^\d+$/)
      assert.equal(response.headers.get('www-authenticate'), null)
    } else if (reason !== 'missing_token') {
      const error = response.status === 403 ? 'insufficient_scope' : 'invalid_token'
      assert.equal(body['error'], error)
      // RFC 6750 §3: error_description without quotes and backslashes.
      assert.match(response.headers.get('www-authenticate') ?? '', new RegExp(`^Bearer error="${error}", error_description="[^"\\\\]+"$`))
    }
  }
})

test('insufficient_scope names the scope needed, and nothing that would break the header', () => {
  const response = challenge({ ok: false, reason: 'insufficient_scope', status: 403, scope: ['read', 'a"b', 'write:all', 'x\ny'] })
  assert.match(response.headers.get('www-authenticate') ?? '', /, scope="read write:all"$/)
})
