import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { preflight, withCors } from './cors.ts'

const APP = 'https://app.example'
const ORIGINS = [APP, 'http://localhost:5173']

function request(method: string, origin: string | undefined, headers: Record<string, string> = {}): Request {
  return new Request('https://origin.example/healthz', {
    method,
    headers: { ...headers, ...(origin === undefined ? {} : { origin }) },
  })
}

const ASKS = { 'access-control-request-method': 'POST' }
/** Origins that look like a listed one. */
const OTHERS = [
  'https://app.example.evil.test',
  'https://evil.test',
  'http://app.example',
  'https://app.example:8443',
  'https://APP.example',
  'null',
  '*',
]

describe('preflight', () => {
  test('a listed origin gets the methods of the path', () => {
    const answer = preflight(request('OPTIONS', APP, ASKS), ORIGINS, ['GET', 'HEAD', 'POST'])
    assert.equal(answer?.status, 204)
    assert.equal(answer.headers.get('access-control-allow-methods'), 'GET, HEAD, POST')
    assert.equal(answer.headers.get('access-control-allow-headers'), 'authorization, content-type, portcullis-csrf')
    assert.equal(answer.headers.get('access-control-max-age'), '600')
  })

  test('other origins get no CORS headers', () => {
    for (const origin of [undefined, ...OTHERS])
      assert.equal(preflight(request('OPTIONS', origin, ASKS), ORIGINS, ['GET']), undefined, origin)
    assert.equal(preflight(request('OPTIONS', APP), ORIGINS, ['GET']), undefined)
    assert.equal(preflight(request('GET', APP, ASKS), ORIGINS, ['GET']), undefined)
    assert.equal(preflight(request('OPTIONS', APP, ASKS), [], ['GET']), undefined)
  })
})

describe('answers', () => {
  test('a listed origin may read them', async () => {
    const answer = withCors(
      request('GET', APP),
      ORIGINS,
      Response.json({ a: 1 }, { status: 401, headers: { vary: 'Accept' } }),
    )
    assert.equal(answer.status, 401)
    assert.equal(answer.headers.get('access-control-allow-origin'), APP)
    assert.equal(answer.headers.get('access-control-expose-headers'), 'www-authenticate, retry-after, link, etag, portcullis-upstream')
    assert.equal(answer.headers.get('access-control-allow-credentials'), null)
    assert.equal(answer.headers.get('vary'), 'Accept, Origin')
    assert.deepEqual(await answer.json(), { a: 1 })
  })

  test('others may not, and caches keep the two apart', () => {
    for (const origin of [undefined, ...OTHERS]) {
      const { headers } = withCors(request('GET', origin), ORIGINS, new Response(null, { status: 204 }))
      assert.deepEqual([...headers], [['vary', 'Origin']], origin)
    }
  })

  test('immutable ones too; without a list nothing changes', () => {
    const redirect = Response.redirect('https://elsewhere.example/', 303)
    assert.equal(withCors(request('GET', APP), ORIGINS, redirect).headers.get('access-control-allow-origin'), APP)
    assert.equal(withCors(request('GET', APP), [], redirect), redirect)
  })
})
