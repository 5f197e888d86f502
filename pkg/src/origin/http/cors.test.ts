import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { PortcullisError } from '../../errors.ts'
import type { CorsOrigins } from '../../types.ts'
import { OriginCors } from './cors.ts'

const APP = 'https://app.example'
const ORIGINS = [APP, 'http://localhost:5173', 'https://*.preview.example']

function opened(corsOrigins: CorsOrigins = ORIGINS) {
  const reports: PortcullisError[] = []
  const cors = new OriginCors({ corsOrigins, credentials: 'omit', report: (error) => reports.push(error) })
  return {
    reports,
    cors,
    preflight: (asked: Request, methods: readonly string[]) => cors.preflight(asked, cors.readableBy(asked), methods),
    share: async (asked: Request, response: Response) => cors.share(response, await cors.readableBy(asked)),
  }
}

function request(method: string, origin: string | undefined, headers: Record<string, string> = {}): Request {
  return new Request('https://origin.example/healthz', {
    method,
    headers: { ...headers, ...(origin === undefined ? {} : { origin }) },
  })
}

const ASKS = { 'access-control-request-method': 'POST' }
/** Origins that resemble a listed one. */
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
  test('an allowed origin gets the methods of the path', async () => {
    for (const origin of [APP, 'https://pr-7.preview.example']) {
      const answer = await opened().preflight(request('OPTIONS', origin, ASKS), ['GET', 'HEAD', 'POST'])
      assert.equal(answer?.status, 204)
      assert.equal(answer.headers.get('access-control-allow-origin'), origin)
      assert.equal(answer.headers.get('access-control-allow-methods'), 'GET, HEAD, POST')
      assert.equal(answer.headers.get('access-control-allow-headers'), 'authorization, content-type, portcullis-csrf')
      assert.equal(answer.headers.get('access-control-max-age'), '600')
      assert.equal(answer.headers.get('vary'), 'Origin')
    }
  })

  test('other origins get no CORS headers', async () => {
    const { preflight } = opened()
    for (const origin of [undefined, ...OTHERS])
      assert.equal(await preflight(request('OPTIONS', origin, ASKS), ['GET']), undefined, origin)
    assert.equal(await preflight(request('OPTIONS', APP), ['GET']), undefined)
    assert.equal(await preflight(request('GET', APP, ASKS), ['GET']), undefined)
    assert.equal(await opened([]).preflight(request('OPTIONS', APP, ASKS), ['GET']), undefined)
  })
})

describe('answers', () => {
  test('an allowed origin may read them', async () => {
    for (const origins of [ORIGINS, (origin: string) => origin === APP, async (origin: string) => origin === APP]) {
      const answer = await opened(origins).share(
        request('GET', APP),
        Response.json({ a: 1 }, { status: 401, headers: { vary: 'Accept' } }),
      )
      assert.equal(answer.status, 401)
      assert.equal(answer.headers.get('access-control-allow-origin'), APP)
      assert.equal(
        answer.headers.get('access-control-expose-headers'),
        'www-authenticate, retry-after, link, etag, portcullis-upstream',
      )
      assert.equal(answer.headers.get('access-control-allow-credentials'), null)
      assert.equal(answer.headers.get('vary'), 'Accept, Origin')
      assert.deepEqual(await answer.json(), { a: 1 })
    }
  })

  test('others may not, and caches distinguish the two', async () => {
    for (const origins of [ORIGINS, (origin: string) => origin === APP]) {
      for (const origin of [undefined, ...OTHERS]) {
        const { headers } = await opened(origins).share(request('GET', origin), new Response(null, { status: 204 }))
        assert.deepEqual([...headers], [['vary', 'Origin']], origin)
      }
    }
  })

  test('also immutable ones; without a list nothing changes', async () => {
    const redirect = Response.redirect('https://elsewhere.example/', 303)
    assert.equal((await opened().share(request('GET', APP), redirect)).headers.get('access-control-allow-origin'), APP)
    assert.equal(await opened([]).share(request('GET', APP), redirect), redirect)
  })

  test('any origin may read them, the same for all', async () => {
    const { headers } = await opened('*').share(
      request('GET', 'https://any.example'),
      new Response(null, { status: 204 }),
    )
    assert.deepEqual([headers.get('access-control-allow-origin'), headers.get('vary')], ['*', null])
  })
})

test('own pages are those of this origin and of listed ones, not of any origin', async () => {
  const sameOrigin = request('POST', APP, { 'sec-fetch-site': 'same-origin' })
  const isOwn = (origins: CorsOrigins, asked: Request) => opened(origins).cors.isOwnPage(asked)
  for (const origins of [ORIGINS, [], '*', () => false] satisfies CorsOrigins[])
    assert.equal(await isOwn(origins, sameOrigin), true)
  const listed = request('POST', APP, { 'sec-fetch-site': 'cross-site' })
  for (const origins of [ORIGINS, () => true] satisfies CorsOrigins[]) assert.equal(await isOwn(origins, listed), true)
  for (const origins of [[], '*', () => false, ['https://other.example']] satisfies CorsOrigins[])
    assert.equal(await isOwn(origins, listed), false)
  for (const origin of [undefined, ...OTHERS])
    assert.equal(await isOwn(ORIGINS, request('POST', origin)), false, origin)
})

test('reports a pattern that includes pages of strangers at once', () => {
  assert.deepEqual(
    opened(['https://*.vercel.app']).reports.map(({ detail }) => detail),
    ['public_suffix'],
  )
  assert.deepEqual(opened().reports, [])
})
