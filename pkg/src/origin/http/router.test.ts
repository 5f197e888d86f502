// Checks that precede every route: transport, methods, credentials, failed attempts, CORS, counting and logging.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { AnsweredRequest } from '../api.ts'
import type { CorsOrigins } from '../../types.ts'
import { ADMINISTRATOR, openStage, type Stage } from '../testing/stage.ts'

const APP = 'https://app.example'
const LOGOUT = '/admin/realms/acme/users/alice/logout'
const MAX_FAILURES = 100

let stage: Stage
let address = ''
const logged: AnsweredRequest[] = []
before(async () => {
  stage = await openStage({
    corsOrigins: [APP],
    edges: [
      { name: 'edge-1', ackSecret: 'secret-1' },
      { name: 'edge-2', ackSecret: 'secret-2' },
    ],
    onRequest: (line) => logged.push(line),
  })
})
after(async () => stage.close())

/** Sends a request over https from the current address. */
function ask(method: string, path: string, headers: Record<string, string> = {}, body?: unknown): Promise<Response> {
  const json = body === undefined ? {} : { 'content-type': 'application/json' }
  const init = {
    method,
    headers: { ...json, ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  }
  return stage.origin.fetch(new Request(`https://origin.example${path}`, init), { address })
}

const bearer = (token: string): { authorization: string } => ({ authorization: `Bearer ${token}` })

describe('failed attempts', () => {
  before(() => (address = '203.0.113.7'))

  test('after a hundred the address has to wait, and is given the time', async () => {
    let failures = 0
    let refused = await ask('POST', LOGOUT, bearer('bad'))
    // On a slow machine the allowance grows meanwhile, so more than a hundred are refused with 401.
    for (; refused.status === 401 && failures < 10 * MAX_FAILURES; failures++)
      refused = await ask('POST', LOGOUT, bearer('bad'))
    assert.ok(failures >= MAX_FAILURES, `${failures} failures`)
    assert.equal(refused.status, 429)
    assert.match(refused.headers.get('retry-after') ?? '', /^[1-9]\d*$/)
    assert.deepEqual(await refused.json(), {
      error: 'too_many_failures',
      error_description: 'too many failed attempts: wait and try again',
    })
  })

  test('a valid token is accepted nevertheless', async () => {
    const token = await stage.issuer.token(ADMINISTRATOR)
    assert.equal((await ask('POST', LOGOUT, bearer(token))).status, 204)
  })

  test('other addresses are not affected', async () => {
    address = '203.0.113.8'
    assert.equal((await ask('POST', LOGOUT, bearer('bad'))).status, 401)
  })

  test('missing credentials are never counted', async () => {
    address = '203.0.113.9'
    const acknowledgement = { edge: 'edge-1', sequence: 0, chain: '0'.repeat(32) }
    for (let requests = 0; requests < MAX_FAILURES + 10; requests++) {
      assert.equal((await ask('POST', LOGOUT)).status, 401)
      assert.equal((await ask('POST', '/feed/acme/acks', {}, acknowledgement)).status, 401)
    }
    assert.equal((await ask('POST', LOGOUT, bearer('bad'))).status, 401)
  })
})

describe('methods', () => {
  test('one that the path does not support gets 405 with the supported methods', async () => {
    const answer = await ask('DELETE', '/healthz')
    assert.equal(answer.status, 405)
    assert.equal(answer.headers.get('allow'), 'GET, HEAD')
    assert.deepEqual(await answer.json(), { error: 'method_not_allowed' })
  })

  test('HEAD is GET without a body', async () => {
    const answer = await ask('HEAD', '/healthz')
    assert.equal(answer.status, 200)
    assert.equal(await answer.text(), '')
  })
})

describe('transport', () => {
  test('plain http from elsewhere is refused before anything else', async () => {
    for (const path of [LOGOUT, '/nowhere', '/v1/auth/token/revoke']) {
      const request = new Request(`http://origin.example${path}`, { method: 'POST', body: 'x', headers: bearer('bad') })
      const answer = await stage.origin.fetch(request, { address: '203.0.113.7' })
      assert.equal(answer.status, 403)
      assert.equal(((await answer.json()) as { error: string }).error, 'https_required')
      assert.equal(request.bodyUsed, false)
    }
  })

  test('unless the operator allows it', async () => {
    const open = await openStage({ plainHttp: 'anywhere' })
    try {
      const answer = await open.origin.fetch(new Request('http://origin.example/healthz'), { address: '203.0.113.7' })
      assert.equal(answer.status, 200)
    } finally {
      await open.close()
    }
  })

  test('pushes need https too', async () => {
    const edges = [{ name: 'edge-1', pushUrl: 'http://edge.example/portcullis/feed' }]
    await assert.rejects(openStage({ edges }), {
      code: 'invalid_option',
      message: /options\.edges\[0\]\.pushUrl must be an https: URL/,
    })
    await (await openStage({ edges: [{ name: 'edge-1', pushUrl: 'http://[::1]:1/' }] })).close()
  })
})

describe('CORS', () => {
  const asks = {
    origin: APP,
    'access-control-request-method': 'POST',
    'access-control-request-headers': 'authorization',
  }

  test('a preflight gets the methods of the path, without credentials', async () => {
    const answer = await ask('OPTIONS', LOGOUT, asks)
    assert.equal(answer.status, 204)
    assert.equal(answer.headers.get('access-control-allow-origin'), APP)
    assert.equal(answer.headers.get('access-control-allow-methods'), 'POST')
    assert.equal((await ask('OPTIONS', '/nowhere', asks)).status, 404)
  })

  test('an origin that is not listed gets no CORS headers', async () => {
    const answer = await ask('OPTIONS', LOGOUT, { ...asks, origin: 'https://evil.test' })
    assert.equal(answer.status, 405)
    assert.deepEqual(
      [...answer.headers.keys()].filter((name) => name.startsWith('access-control')),
      [],
    )
  })

  test('refusals can be read too', async () => {
    const answer = await ask('POST', LOGOUT, { origin: APP })
    assert.equal(answer.status, 401)
    assert.equal(answer.headers.get('access-control-allow-origin'), APP)
    assert.match(answer.headers.get('access-control-expose-headers') ?? '', /www-authenticate/)
    assert.equal(answer.headers.get('vary'), 'Origin')
  })

  test('an invalid origin is refused as an option', async () => {
    for (const origin of ['*', 'null', 'app.example', 'https://app.example/', 'https://APP.example', '']) {
      await assert.rejects(openStage({ corsOrigins: [origin] }), {
        code: 'invalid_option',
        message: /options\.corsOrigins\[0\] must be an origin/,
      })
    }
  })

  test('accepts origins by pattern, by function, or any; reports pages of strangers and a failing function', async () => {
    const tenant = 'https://pr-7.vercel.app'
    const failing = (): boolean => {
      throw new Error('database down')
    }
    const cases: [CorsOrigins, string | null, string[]][] = [
      [['https://*.vercel.app'], tenant, ['public_suffix']],
      [['https://*.app.example'], null, []],
      [async (origin) => origin === tenant, tenant, []],
      [failing, null, ['origin_function']],
      ['*', '*', []],
    ]
    for (const [corsOrigins, allowed, details] of cases) {
      const own = await openStage({ corsOrigins })
      try {
        for (const [method, path] of [
          ['GET', '/feed/acme/manifest'],
          ['POST', LOGOUT],
          ['OPTIONS', LOGOUT],
        ] as const) {
          const request = new Request(`https://origin.example${path}`, { method, headers: { ...asks, origin: tenant } })
          const answer = await own.origin.fetch(request, { address })
          assert.equal(answer.headers.get('access-control-allow-origin'), allowed, `${method} ${String(corsOrigins)}`)
          assert.notEqual(answer.status, 500)
        }
        assert.deepEqual(
          own.reports.map(({ kind, error }) => [kind, error?.detail]),
          details.map((detail) => ['options', detail]),
        )
      } finally {
        await own.close()
      }
    }
  })
})

describe('the log', () => {
  test('has a line for each request, without anything that a client chose', async () => {
    address = '203.0.113.10'
    logged.length = 0
    const secret = 'attackers-text'
    await ask('POST', `/admin/realms/acme/users/${secret}/logout?reason=${secret}`, bearer(secret))
    await ask('GET', `/${secret}`)
    await ask(secret.toUpperCase(), `/feed/${secret}/manifest`)
    await ask('GET', '/feed/acme/manifest')
    assert.deepEqual(
      logged.map(({ time: _time, milliseconds: _milliseconds, ...line }) => line),
      [
        {
          method: 'POST',
          status: 401,
          route: '/admin/realms/{realm}/users/{id}/logout',
          realm: 'acme',
          error: 'invalid_token',
        },
        { method: 'GET', status: 404, error: 'not_found' },
        { method: 'OTHER', status: 405, route: '/feed/{realm}/manifest', error: 'method_not_allowed' },
        { method: 'GET', status: 200, route: '/feed/{realm}/manifest', realm: 'acme' },
      ],
    )
    for (const { time, milliseconds } of logged) {
      assert.equal(new Date(time).toISOString(), time)
      assert.ok(milliseconds >= 0)
    }
    assert.ok(!JSON.stringify(logged).includes(secret))
  })
})
