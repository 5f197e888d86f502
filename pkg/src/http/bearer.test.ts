import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bearerToken, challenge } from './bearer.ts'
import { REASONS, statusOf } from '../reasons.ts'

const SEVERAL = Symbol('several')
const presented: [string, string | undefined, string | undefined | typeof SEVERAL][] = [
  ['no header', undefined, undefined],
  ['another scheme', 'Basic dXNlcjpwYXNz', undefined],
  ['a scheme that only starts alike', 'Bearerish abc', undefined],
  ['DPoP', 'DPoP abc', undefined],
  ['a token', 'Bearer a.b.c', 'a.b.c'],
  ['lower case', 'bearer a.b.c', 'a.b.c'],
  ['upper case', 'BEARER a.b.c', 'a.b.c'],
  ['several spaces', 'Bearer   a.b.c', 'a.b.c'],
  ['nothing after the scheme', 'Bearer', ''],
  ['two headers, joined', 'Bearer a.b.c, Bearer d.e.f', SEVERAL],
  ['two headers, joined without a space', 'bearer a.b.c,bearer d.e.f', SEVERAL],
  ['two headers, one of them Basic', 'Bearer a.b.c, Basic dXNlcjpwYXNz', SEVERAL],
  ['two headers, Basic first', 'Basic dXNlcjpwYXNz, Bearer a.b.c', SEVERAL],
  ['two headers, the second without a token', 'Basic dXNlcjpwYXNz, Bearer', SEVERAL],
  ['two headers, the second empty', 'Bearer a.b.c, ', SEVERAL],
  ['one of another scheme with commas', 'Digest username="bearer", realm="x"', undefined],
  ['two words', 'Bearer a.b.c d', 'a.b.c d'],
  ['a tab', 'Bearer\ta.b.c', ''],
  ['a comma', 'Bearer,a.b.c', ''],
  ['quotes', 'Bearer "a.b.c"', '"a.b.c"'],
]
for (const [name, value, token] of presented) {
  test(`reads the token: ${name}`, () => {
    const found = bearerToken(new Headers(value === undefined ? {} : { authorization: value }))
    assert.deepEqual(
      found,
      token === SEVERAL ? { kind: 'several' } : token === undefined ? { kind: 'nothing' } : { kind: 'token', token },
    )
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
    } else if (reason === 'cross_site') {
      assert.deepEqual([body['error'], response.headers.get('www-authenticate')], ['cross_site', null])
    } else if (reason !== 'missing_token') {
      const error = { 400: 'invalid_request', 401: 'invalid_token', 403: 'insufficient_scope' }[statusOf(reason) as 400]
      assert.equal(body['error'], error)
      // RFC 6750 §3: error_description without quotes and backslashes.
      assert.match(
        response.headers.get('www-authenticate') ?? '',
        new RegExp(`^Bearer error="${error}", error_description="[^"\\\\]+"$`),
      )
    }
  }
})

test('insufficient_scope names the required scope, and nothing that would break the header', () => {
  const response = challenge({
    ok: false,
    reason: 'insufficient_scope',
    status: 403,
    scope: ['read', 'a"b', 'write:all', 'x\ny'],
  })
  assert.match(response.headers.get('www-authenticate') ?? '', /, scope="read write:all"$/)
})

test('the advice of a refusal is in its response, unless it would break the header', async () => {
  const refusal = { ok: false, reason: 'malformed', status: 401 } as const
  const advised = challenge({ ...refusal, advice: 'Send the token alone.' })
  assert.equal(
    advised.headers.get('www-authenticate'),
    'Bearer error="invalid_token", error_description="Send the token alone."',
  )
  assert.equal(((await advised.json()) as Record<string, string>)['error_description'], 'Send the token alone.')
  for (const advice of ['a "quote"', 'a \\', 'a\r\nX: y', 'ä', '']) {
    assert.match(
      challenge({ ...refusal, advice }).headers.get('www-authenticate') ?? '',
      /"The access token is empty or malformed: send it exactly as issued\."$/,
    )
  }
})
