// Access decisions: roles by option, and the caller's own decision, which may fail or take time.

import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { createGate } from '../../entry/edge/node.ts'
import type { Accepted, AccessOptions, Gate, Verdict } from '../../types.ts'
import { TestRealm } from '../testing/realm.ts'

const REFUSED = { ok: false, reason: 'insufficient_scope', status: 403 }

async function started(t: TestContext) {
  const realm = await TestRealm.start(t)
  const gate = createGate(realm.options())
  t.after(() => gate.close())
  const token = await realm.token({
    scope: 'read',
    realm_access: { roles: ['admin'] },
    resource_access: { web: { roles: ['edit'] } },
  })
  const request = new Request('https://edge.example/', { headers: { authorization: `Bearer ${token}` } })
  return { realm, gate, token, request }
}

/** Returns the verdict of `authenticate`; `authenticator` and `protect` must agree with it. */
async function verdictOf(gate: Gate, request: Request, options: AccessOptions): Promise<Verdict> {
  const verdict = await gate.authenticate(request, options)
  assert.deepEqual(await gate.authenticator(options)(request), verdict)
  const response = await gate.protect(() => new Response('in'), options)(request)
  assert.equal(response.status, verdict.ok ? 200 : verdict.status)
  return verdict
}

test('roles of the realm, of a client, and by path', async (t) => {
  const { gate, request } = await started(t)
  const cases: [AccessOptions, boolean][] = [
    [{ roles: ['admin'] }, true],
    [{ roles: ['admin', 'auditor'] }, false],
    [{ roles: { client: 'web', all: ['edit'] } }, true],
    [{ roles: { client: 'api', all: ['edit'] } }, false],
    [{ roles: { path: 'resource_access.web.roles', all: ['edit'] } }, true],
    [{ roles: { path: ['scope'], all: ['read'] } }, true],
    [{ roles: ['admin'], scope: ['read'] }, true],
    [{ roles: ['auditor'], scope: ['read'] }, false],
  ]
  // The second time the token is in the cache.
  for (let times = 0; times < 2; times += 1) {
    for (const [options, expected] of cases) {
      const verdict = await verdictOf(gate, request, options)
      if (expected) assert.equal(verdict.ok, true)
      else assert.deepEqual(verdict, REFUSED)
    }
  }
  assert.deepEqual(await verdictOf(gate, request, { roles: ['admin'], scope: ['write'] }), {
    ...REFUSED,
    scope: ['write'],
  })
})

test('roles and authorize are only evaluated for accepted tokens', async (t) => {
  const { gate, realm } = await started(t)
  const expired = await realm.token({ exp: 1, iat: 0, realm_access: { roles: ['admin'] } })
  const request = new Request('https://edge.example/', { headers: { authorization: `Bearer ${expired}` } })
  const authorize = () => assert.fail('asked')
  const verdict = await verdictOf(gate, request, { roles: ['admin'], authorize })
  assert.equal(verdict.ok || verdict.reason, 'expired')
  assert.deepEqual(await verdictOf(gate, request, { scope: ['read'], authorize }), verdict)
  const withoutScope = new Request('https://edge.example/', {
    headers: { authorization: `Bearer ${await realm.token()}` },
  })
  assert.equal((await verdictOf(gate, withoutScope, { scope: ['read'], authorize })).ok, false)
  assert.equal((await verdictOf(gate, withoutScope, { roles: ['admin'], authorize })).ok, false)
})

test('authorize decides by the claims, synchronously or later', async (t) => {
  const { gate, request } = await started(t)
  const asked: Accepted[] = []
  for (const authorize of [
    (auth: Accepted) => (asked.push(auth), auth.claims.sub === 'alice'),
    async (auth: Accepted) => auth.claims.sub === 'alice',
    (auth: Accepted) =>
      ({ then: (tell: (value: boolean) => void) => tell(auth.realm === 'acme') }) as unknown as Promise<boolean>,
  ]) {
    assert.equal((await verdictOf(gate, request, { authorize })).ok, true)
  }
  assert.equal(asked[0]?.claims.scope, 'read')
  for (const authorize of [() => false, async () => false])
    assert.deepEqual(await verdictOf(gate, request, { authorize }), REFUSED)
})

test('an authorize that throws, rejects or returns a value other than true or false is an error, and grants nothing', async (t) => {
  const { gate, realm, request, token } = await started(t)
  const cause = new Error(`the database: ${token}`)
  const wrong: [() => unknown, string, RegExp][] = [
    [
      () => {
        throw cause
      },
      'threw',
      /options\.authorize threw: return false/,
    ],
    [
      async () => {
        throw cause
      },
      'threw',
      /options\.authorize threw/,
    ],
    [
      () => {
        throw undefined
      },
      'threw',
      /options\.authorize threw/,
    ],
    ...['true', 1, {}, [], null, undefined, new Boolean(true), Symbol('yes'), 0, ''].flatMap(
      (value): [() => unknown, string, RegExp][] => [
        [() => value, 'not_boolean', /neither true nor false: return true to grant access/],
        [async () => value, 'not_boolean', /neither true nor false/],
      ],
    ),
    [
      () => ({
        get then() {
          throw cause
        },
      }),
      'threw',
      /options\.authorize threw/,
    ],
  ]
  for (const [authorize, detail, message] of wrong) {
    const options = { authorize } as AccessOptions
    await assert.rejects(gate.authenticate(request, options), {
      name: 'PortcullisError',
      code: 'authorize_failed',
      detail,
      message,
    })
    await assert.rejects(gate.authenticator(options)(request), { code: 'authorize_failed', detail })
    const handled = () => assert.fail('the handler is called')
    const response = await gate.protect(handled, options)(request)
    assert.equal(response.status, 500)
    assert.deepEqual(Object.keys((await response.json()) as object), ['error', 'error_description'])
    const report = realm.reports.at(-1)
    assert.deepEqual(
      [report?.kind, report?.realm, report?.error.code, report?.error.detail],
      ['options', 'acme', 'authorize_failed', detail],
    )
    assert.ok(!report?.error.message.includes(token))
  }
  const failure = await gate
    .authenticate(request, {
      authorize: () => {
        throw cause
      },
    })
    .catch((error: Error) => error)
  assert.equal((failure as Error).cause, cause)
})

test('an authorize that never settles times out, and a late rejection is harmless', async (t) => {
  const { gate, request } = await started(t)
  const rejections: unknown[] = []
  const note = (reason: unknown) => rejections.push(reason)
  process.on('unhandledRejection', note)
  t.after(() => process.off('unhandledRejection', note))
  const never = () => new Promise<boolean>(() => undefined)
  const began = performance.now()
  await assert.rejects(gate.authenticate(request, { authorize: never, authorizeTimeoutMs: 20 }), {
    code: 'authorize_failed',
    detail: 'timed_out',
    message: /within 20 ms: bound its own requests, or raise authorizeTimeoutMs/,
  })
  assert.ok(performance.now() - began < 2_000)
  let reject: (reason: Error) => void = () => undefined
  const late = () => new Promise<boolean>((_, no) => (reject = no))
  const response = await gate.protect(() => new Response('in'), { authorize: late, authorizeTimeoutMs: 20 })(request)
  assert.equal(response.status, 500)
  reject(new Error('late'))
  let resolve: (value: boolean) => void = () => undefined
  const granting = gate.authenticate(request, {
    authorize: () => new Promise((yes) => (resolve = yes)),
    authorizeTimeoutMs: 20,
  })
  await assert.rejects(granting, { detail: 'timed_out' })
  resolve(true)
  await new Promise((done) => setTimeout(done, 10))
  assert.deepEqual(rejections, [])
  assert.equal((await gate.authenticate(request, { authorize: () => true })).ok, true)
})

test('refuses a token that is revoked while authorize is pending', async (t) => {
  const { gate, realm, request } = await started(t)
  const authorize = async () => {
    realm.record({ kind: 'user', subject: 'alice' })
    gate.applyFeed(realm.delta(0))
    return true
  }
  const verdict = await gate.authenticate(request, { authorize })
  assert.deepEqual(verdict, { ok: false, reason: 'user_revoked', status: 401 })
})

test('accepts no request if the gate is closed while authorize is pending', async (t) => {
  const { gate, request } = await started(t)
  const authorize = async () => (gate.close(), true)
  await assert.rejects(gate.authenticate(request, { authorize }), { code: 'closed' })
})

test('claims have the type named by the caller', async (t) => {
  const { gate, request } = await started(t)
  interface Tenant extends Record<string, unknown> {
    sub: string
    scope: string
  }
  const verdict = await gate.authenticate<Tenant>(request, { authorize: ({ claims }) => claims.scope.includes('read') })
  if (!verdict.ok) return assert.fail(verdict.reason)
  const subject: string = verdict.claims.sub
  assert.equal(subject, 'alice')
  const worker = gate.protect<Tenant>((_request, _env, _ctx, auth) => new Response(auth.claims.scope.toUpperCase()), {
    authorize: ({ claims }) => claims.sub === 'alice',
  })
  assert.equal(await (await worker(request)).text(), 'READ')
})

test('every method refuses wrong access options immediately', async (t) => {
  const { gate, request } = await started(t)
  const wrong: object[] = [
    { roles: 'admin' },
    { roles: [] },
    { roles: [''] },
    { roles: [7] },
    { roles: new Array(1) },
    { roles: null },
    { roles: {} },
    { roles: { all: ['a'] } },
    { roles: { client: 'web' } },
    { roles: { client: 'web', all: [] } },
    { roles: { client: '', all: ['a'] } },
    { roles: { client: 'web', any: ['a'] } },
    { roles: { client: 'web', path: 'a', all: ['a'] } },
    { roles: { path: '', all: ['a'] } },
    { roles: { path: 'a..b', all: ['a'] } },
    { roles: { path: [], all: ['a'] } },
    { roles: { path: ['a', 7], all: ['a'] } },
    { roles: { path: 'https://app.example/roles', all: ['a'] } },
    { role: ['admin'] },
    { authorise: () => false },
    { authorize: true },
    { authorize: 'admin' },
    { authorizeTimeoutMs: 0 },
    { authorizeTimeoutMs: 0.5 },
    { authorizeTimeoutMs: Infinity },
    { scope: 'read' },
    { scope: new Array(1) },
    { scopes: ['read'] },
    { tokens: 'bearer' },
    { env: {} },
  ]
  for (const options of wrong) {
    const name = JSON.stringify(options)
    assert.throws(() => gate.authenticator(options), { code: 'invalid_option' }, name)
    assert.throws(() => gate.protect(() => new Response(), options), { code: 'invalid_option' }, name)
    if ('env' in options) continue
    await assert.rejects(gate.authenticate(request, options), { code: 'invalid_option' }, name)
  }
  for (const host of [{ scope: ['read'] }, { token: 'bearer' }, { envs: {} }]) {
    await assert.rejects(
      gate.authenticator()(request, host as object),
      { code: 'invalid_option' },
      JSON.stringify(host),
    )
  }
  for (const options of [{ roles: ['admin'] }, { token: 'bearer' }, { authorize: () => true }]) {
    await assert.rejects(gate.check('x', options as object), { code: 'invalid_option' })
  }
})

test("refuses a misspelled option even in a runtime's execution context", async (t) => {
  const { gate, request } = await started(t)
  class ExecutionContext {
    readonly props = {}
    readonly version = {}
    waitUntil(): void {}
  }
  assert.equal((await gate.authenticate(request, new ExecutionContext())).ok, true)
  assert.deepEqual(
    await gate.authenticate(request, Object.assign(new ExecutionContext(), { roles: ['auditor'] })),
    REFUSED,
  )
  for (const misspelt of [
    { role: ['auditor'] },
    { authorise: () => false },
    { tokens: 'bearer' },
    { scopes: ['write'] },
  ]) {
    const options = Object.assign(new ExecutionContext(), misspelt)
    await assert.rejects(
      gate.authenticate(request, options),
      { code: 'invalid_option' },
      JSON.stringify(Object.keys(misspelt)),
    )
  }
})
