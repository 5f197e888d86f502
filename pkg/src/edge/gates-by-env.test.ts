// Options from an `env`: equal values share one gate, tenants never do, and the number of gates is bounded.

import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { createGate } from '../entry/edge/node.ts'
import { page } from '../test-fixtures/server.ts'
import type { Gate, GateOptions, RealmOptions, Report, UncheckedRealmOptions, Verdict } from '../types.ts'
import { MAX_OPEN_GATES } from './gates-by-env.ts'
import { TestRealm } from './testing/realm.ts'

function outcome(verdict: Verdict): string {
  return verdict.ok ? 'accepted' : verdict.reason
}

/** For counting requests: no periodic refresh may add to them on a slow machine. */
const PATIENT = { refreshAfterSeconds: 3600, waitAfterSeconds: 3600, maxStaleSeconds: 3600 }

/** Options as a worker derives them from the strings in its environment. */
function optionsOf(env: Record<string, string>, more: Partial<GateOptions> = {}): GateOptions {
  const feed = { url: `${env['ORIGIN']}/feed/acme`, keys: [JSON.parse(env['FEED_KEY'] ?? '')] }
  const realm = { name: 'acme', issuer: env['ISSUER'] ?? '', audience: env['AUDIENCE'] ?? 'api', feed }
  const jwks = env['CERTS'] === undefined ? {} : { jwks: new URL(env['CERTS']) }
  return {
    realms: [{ ...realm, ...jwks }],
    firstLoadTimeoutMs: 5000,
    refreshTimeoutMs: 5000,
    jwksTimeoutMs: 5000,
    ...more,
  }
}

function realmsOf({ realms }: GateOptions): (RealmOptions | UncheckedRealmOptions)[] {
  assert.ok(Array.isArray(realms))
  return realms
}

function envOf(realm: TestRealm): Record<string, string> {
  const { url } = realm.server
  return {
    ORIGIN: url,
    FEED_KEY: JSON.stringify(realm.feedKey),
    ISSUER: realm.issuer,
    CERTS: `${url}/certs`,
    PATH: '/usr/bin',
    HOME: '/root',
  }
}

function gateOf<Env>(t: TestContext, options: (env: Env) => GateOptions): Gate<Env> {
  const gate = createGate<Env>(options)
  t.after(() => gate.close())
  return gate
}

test('a new env with equal values for each request uses one gate', async (t) => {
  const realm = await TestRealm.start(t)
  const gate = gateOf(t, (env: Record<string, string>) => optionsOf(env, { ...PATIENT, onReport: () => void env }))
  const env = envOf(realm)
  const token = await realm.token()
  const serve = async (requests: number) => {
    for (let i = 0; i < requests; i += 1) assert.equal((await gate.check(token, { env: { ...env } })).ok, true)
  }
  await serve(500)
  const before = memory()
  await serve(10_000)
  const after = memory()
  assert.ok(after - before < 1_000_000, `${after - before} bytes more`)
  assert.equal(realm.server.hits.length, 2, realm.server.hits.slice(0, 5).join())
  assert.equal(gate.status().length, 1)
})

test('equal values in different forms use one gate', async (t) => {
  const realm = await TestRealm.start(t)
  const env = envOf(realm)
  const token = await realm.token()
  class Options {
    readonly realms = optionsOf(env).realms
    readonly firstLoadTimeoutMs = 5000
    readonly refreshTimeoutMs = 5000
    readonly jwksTimeoutMs = 5000
  }
  const forms: (() => GateOptions)[] = [
    () => optionsOf(env),
    () => ({ jwksTimeoutMs: 5000, ...optionsOf(env), maxStaleSeconds: 60 }),
    () => new Options(),
    () => Object.assign(Object.create(null) as GateOptions, optionsOf(env)),
    () => optionsOf(env, { onReport: () => undefined, fetch: undefined as never }),
  ]
  const gate = gateOf(t, (env: { form: number }) => (forms[env.form] ?? (() => optionsOf({})))())
  for (let i = 0; i < 20; i += 1)
    assert.equal(outcome(await gate.check(token, { env: { form: i % forms.length } })), 'accepted')
  assert.equal(realm.server.count('/manifest'), 1)
  assert.equal(realm.server.count('/certs'), 1)
})

test('options with any difference use different gates', async (t) => {
  const realm = await TestRealm.start(t)
  const env = envOf(realm)
  const token = await realm.token({ scp: 'read', scope: 'admin' })
  const [acme] = realmsOf(optionsOf(env))
  assert.ok(acme !== undefined)
  const gate = gateOf(t, (options: GateOptions) => options)
  const check = async (options: GateOptions, scope: string[] = []) =>
    outcome(await gate.check(token, { env: options, scope }))
  const withRealm = (more: object): GateOptions => ({ ...optionsOf(env), realms: [{ ...acme, ...more }] })
  for (let times = 0; times < 2; times += 1) {
    assert.equal(await check(optionsOf(env), ['admin']), 'accepted')
    assert.equal(await check(withRealm({ audience: ['api', 'other'] })), 'accepted')
    assert.equal(await check(withRealm({ audience: ['api,other'] })), 'wrong_audience')
    assert.equal(await check(withRealm({ claimNames: { scope: 'scp' } }), ['admin']), 'insufficient_scope')
    assert.equal(await check(withRealm({ claimNames: { tokenUse: 'scp' } })), 'wrong_type')
    assert.equal(await check(withRealm({ issuer: `${realm.issuer}/` })), 'wrong_issuer')
    assert.equal(await check({ ...optionsOf(env), maxLifetimeSeconds: 60 }), 'lifetime_exceeded')
    // Invalid options are still refused, however similar they are to valid ones.
    await assert.rejects(check({ ...optionsOf(env), maxLifetime: 60 } as GateOptions), { code: 'invalid_option' })
    await assert.rejects(check(withRealm({ jwks: () => undefined })), { code: 'invalid_option' })
    await assert.rejects(check({ ...optionsOf(env), onReport: 'console' as never }), { code: 'invalid_option' })
  }
})

test('an options object that is changed for each tenant does not mix tenants', async (t) => {
  const realm = await TestRealm.start(t)
  const claimNames = { scope: 'scope' }
  const shared = optionsOf(envOf(realm))
  shared.realms = realmsOf(shared).map((each) => ({ ...each, claimNames }))
  const gate = gateOf(t, (env: { audience: string; claim: string }) => {
    claimNames.scope = env.claim
    for (const each of realmsOf(shared)) each.audience = env.audience
    return shared
  })
  const token = await realm.token({ scp: 'read', scope: 'admin' })
  const ask = async (env: { audience: string; claim: string }) =>
    outcome(await gate.check(token, { env, scope: ['admin'] }))
  for (let i = 0; i < 3; i += 1) {
    assert.equal(await ask({ audience: 'api', claim: 'scope' }), 'accepted')
    assert.equal(await ask({ audience: 'api', claim: 'scp' }), 'insufficient_scope')
    assert.equal(await ask({ audience: 'other', claim: 'scope' }), 'wrong_audience')
  }
})

test('the latest listener is called; without one, the console', async (t) => {
  const realm = await TestRealm.start(t)
  const heard: string[] = []
  const warned = t.mock.method(console, 'warn', () => undefined)
  const gate = gateOf(t, (env: { name?: string }) =>
    optionsOf(envOf(realm), env.name === undefined ? {} : { onReport: () => void heard.push(env.name ?? '') }),
  )
  const token = await realm.token()
  await gate.check(token, { env: { name: 'first' } })
  realm.instead.set('deltas', page())
  for (const env of [{ name: 'second' }, { name: 'third' }, {}])
    await gate.refresh(undefined, { env }).catch(() => undefined)
  assert.deepEqual(heard, ['second', 'third'])
  assert.equal(warned.mock.callCount(), 1)
})

test('tenants with equal URLs behind different bindings never share a gate', async (t) => {
  const [one, other] = [await TestRealm.start(t), await TestRealm.start(t)]
  const reports: Report[] = []
  // All strings of the two are equal: only the bindings lead to different servers, with different keys.
  const texts = {
    ORIGIN: 'https://origin.example',
    CERTS: 'https://issuer.example/certs',
    ISSUER: one.issuer,
    FEED_KEY: JSON.stringify(one.feedKey),
  }
  const envOfTenant = (realm: TestRealm) => ({ ...texts, BINDING: bindingTo(realm) })
  const gate = gateOf(t, ({ BINDING, ...texts }: ReturnType<typeof envOfTenant>) =>
    optionsOf(texts, { fetch: BINDING, onReport: (report) => void reports.push(report) }),
  )
  const [envOfOne, envOfOther] = [envOfTenant(one), envOfTenant(other)]
  const [good, stranger] = [await one.token(), await other.token()]
  for (let i = 0; i < 5; i += 1) {
    assert.equal(outcome(await gate.check(good, { env: { ...envOfOne } })), 'accepted')
    assert.equal(outcome(await gate.check(good, { env: { ...envOfOther } })), 'bad_signature')
    assert.equal(outcome(await gate.check(stranger, { env: { ...envOfOne } })), 'bad_signature')
  }
  const told = reports.filter(({ kind }) => kind === 'options')
  assert.deepEqual(
    told.map(({ error }) => error.detail),
    ['fetch_differs'],
  )
  assert.match(told[0]?.error.message ?? '', /define fetch outside/)
})

function bindingTo({ server }: TestRealm): typeof fetch {
  return (url, init) => {
    const { pathname, search } = new URL(String(url))
    return fetch(`${server.url}${pathname}${search}`, init)
  }
}

test('a fetch made for each env shares the gate if it fetches no keys', async (t) => {
  const realm = await TestRealm.start(t)
  realm.record({ kind: 'keys', jwks: JSON.stringify(realm.jwks) })
  const { CERTS: _, ...env } = envOf(realm)
  const token = await realm.token()
  const used: number[] = []
  const gate = gateOf(t, (given: { number: number }) =>
    optionsOf(env, { ...PATIENT, fetch: (url, init) => (used.push(given.number), fetch(url, init)) }),
  )
  for (let number = 0; number < 100; number += 1)
    assert.equal(outcome(await gate.check(token, { env: { number } })), 'accepted')
  assert.equal(realm.server.count('/manifest'), 1)
  used.length = 0
  await gate.refresh(undefined, { env: { number: 7 } })
  assert.deepEqual(used, [7], 'the one given last is used')
})

test('a fetch made for each env that fetches keys opens no more gates than the bound, and is reported once', async (t) => {
  const realm = await TestRealm.start(t)
  const env = envOf(realm)
  const reports: Report[] = []
  const token = await realm.token()
  let asking = 0
  const gate = gateOf(t, (_: object) => {
    const own: typeof fetch = (url, init) => {
      asking += 1
      return fetch(url, init)
    }
    return optionsOf(env, { ...PATIENT, fetch: own, onReport: (report) => void reports.push(report) })
  })
  const first = {}
  for (let i = 0; i < MAX_OPEN_GATES + 20; i += 1) {
    assert.equal(outcome(await gate.check(token, { env: {} })), 'accepted')
    // A gate in use stays open, however old it is.
    assert.equal(outcome(await gate.check(token, { env: first })), 'accepted')
  }
  assert.equal(realm.server.count('/manifest'), MAX_OPEN_GATES + 21)
  assert.equal(asking, realm.server.hits.length)
  assert.deepEqual(
    reports.filter(({ kind }) => kind === 'options').map(({ error }) => error.detail),
    ['fetch_differs', 'gate_closed'],
  )
})

test('a gate with a request in progress is not closed to make room', async (t) => {
  const realm = await TestRealm.start(t)
  const env = envOf(realm)
  const token = await realm.token()
  const held: (() => void)[] = []
  realm.instead.set('manifest', (request, response) => void held.push(() => realm.server.listener(request, response)))
  const gate = gateOf(t, ({ tenant }: { tenant: number }) =>
    optionsOf({ ...env, AUDIENCE: `tenant-${tenant}` }, { onReport: () => undefined, firstLoadTimeoutMs: 60_000 }),
  )
  const own = await Promise.all(
    Array.from({ length: MAX_OPEN_GATES + 1 }, (_, tenant) => realm.token({ aud: `tenant-${tenant}` })),
  )
  const waiting = own.slice(0, -1).map((token, tenant) => gate.check(token, { env: { tenant } }))
  const last = { env: { tenant: MAX_OPEN_GATES } }
  await assert.rejects(gate.check(own.at(-1) ?? token, last), { code: 'too_many_gates' })
  realm.instead.delete('manifest')
  for (const release of held) release()
  // Once all waiting requests have a verdict, a gate can be closed.
  assert.equal((await Promise.all(waiting)).length, MAX_OPEN_GATES)
  assert.equal(outcome(await gate.check(own.at(-1) ?? token, last)), 'accepted')
  assert.equal(
    outcome(await gate.check(own[0] ?? token, { env: { tenant: 0 } })),
    'accepted',
    'one that was closed opens again',
  )
})

test("no token is judged by the latest tenant's options without env", async (t) => {
  const realm = await TestRealm.start(t)
  const gate = gateOf(t, (env: { audience: string } | undefined) =>
    optionsOf({ ...envOf(realm), AUDIENCE: env?.audience ?? 'api' }, { onReport: () => undefined }),
  )
  const token = await realm.token()
  const request = () =>
    new Request('https://edge.example/', {
      method: 'POST',
      headers: { authorization: `Bearer ${token}` },
      body: realm.manifest(),
    })
  const calls: [string, () => unknown][] = [
    ['check', () => gate.check(token)],
    ['check of no token', () => gate.check('')],
    ['checkSync', () => gate.checkSync(token)],
    ['authenticate', () => gate.authenticate(request())],
    ['authenticate for a scope', () => gate.authenticate(request(), { scope: ['read'] })],
    ['protect', () => gate.protect(() => new Response('in'))(request())],
    ['explain', () => gate.explain(token)],
    ['receiveFeed', () => gate.receiveFeed(request())],
    ['applyFeed', () => gate.applyFeed(realm.manifest())],
    ['refresh', () => gate.refresh()],
    ['status', () => gate.status()],
  ]
  assert.deepEqual(gate.status(), [])
  // One gate, whether it was opened with or without an env.
  assert.equal(outcome(await gate.check(token)), 'accepted')
  assert.equal(outcome(await gate.check(token, { env: { audience: 'api' } })), 'accepted')
  for (const [name, call] of calls) await assert.doesNotReject(async () => call(), name)
  // Another tenant arrives.
  assert.equal(outcome(await gate.check(token, { env: { audience: 'other' } })), 'wrong_audience')
  for (const [name, call] of calls) {
    await assert.rejects(async () => call(), { code: 'invalid_option', detail: 'env_needed', message: /env/ }, name)
  }
  assert.equal(outcome(await gate.check(token, { env: { audience: 'api' } })), 'accepted')
  await assert.rejects(gate.check(token, { env: undefined }), { detail: 'env_needed' })
})

test("a scope is read from the tenant's claim, also with concurrent requests of others", async (t) => {
  const realm = await TestRealm.start(t)
  const env = envOf(realm)
  const gate = gateOf(t, ({ claim }: { claim: string }) => {
    const options = optionsOf(env)
    return { ...options, realms: realmsOf(options).map((each) => ({ ...each, claimNames: { scope: claim } })) }
  })
  const token = await realm.token({ scp: 'read', scope: 'admin' })
  const ask = (claim: string, scope: string) => gate.check(token, { env: { claim }, scope: [scope] })
  const [one, other] = await Promise.all([ask('scp', 'admin'), ask('scope', 'admin')])
  assert.equal(outcome(one), 'insufficient_scope')
  assert.equal(outcome(other), 'accepted')
})

/** Returns the bytes in use after a full garbage collection. */
function memory(): number {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  for (let i = 0; i < 3; i += 1) collect()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}
