import assert from 'node:assert/strict'
import { describe, test, type TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { createGate, type Gate, type GateOptions } from '../../entry/edge/node.ts'
import { cutShort, json, type Listener, page, TestServer } from '../../test-fixtures/server.ts'
import type { JWK, OriginOptions } from '../index.ts'
import {
  ADMINISTRATOR,
  createTestIssuer,
  ISSUER,
  openStage,
  type Stage,
  type TestIssuer,
  until,
} from '../testing/stage.ts'

/**
 * The maximum number of fetches of the issuer's keys, of which there is one a second, before the first accepted token
 * of a new key.
 */
const MAX_FETCHES = 3
/** How often a client retries whose token was refused. */
const RETRY_MS = 250

/** An issuer whose keys are at a URL and may change at any time. */
interface RemoteIssuer {
  keys: JWK[]
  /** Responds instead of serving the keys. */
  instead: Listener | undefined
  server: TestServer
  options: Partial<OriginOptions>
  first: TestIssuer
  second: TestIssuer
}

async function remoteIssuer(t: TestContext, more: Partial<OriginOptions> = {}): Promise<RemoteIssuer> {
  const [first, second] = [await createTestIssuer(), await createTestIssuer()]
  const server = await TestServer.start((request, response) =>
    (issuer.instead ?? json({ keys: issuer.keys }))(request, response),
  )
  t.after(() => server.close())
  const options = { realms: [{ ...first.realm, jwks: `${server.url}/certs` }], ...more }
  const issuer: RemoteIssuer = { keys: [first.jwk], instead: undefined, server, options, first, second }
  return issuer
}

async function stageOf(t: TestContext, issuer: RemoteIssuer, more: Partial<OriginOptions> = {}): Promise<Stage> {
  const stage = await openStage({ ...issuer.options, ...more })
  t.after(() => stage.close())
  return stage
}

function gateOf(t: TestContext, stage: Stage, mode: 'pull' | 'stream' = 'pull', more: Partial<GateOptions> = {}): Gate {
  const feed = { url: `${stage.server.url}/feed/acme`, keys: [stage.publicKey], mode }
  const gate = createGate({
    realms: [{ name: 'acme', issuer: ISSUER, audience: 'api', feed }],
    onReport: () => undefined,
    ...more,
  })
  t.after(() => gate.close())
  return gate
}

async function reasonOf(gate: Gate, token: string): Promise<string> {
  const verdict = await gate.check(token)
  return verdict.ok ? 'accepted' : verdict.reason
}

/** Sends a gate tokens with nonexistent keys; resolves to the number sent and the duration in milliseconds. */
function flood(gate: Gate, perSecond: number, signal: AbortSignal): Promise<{ sent: number; ms: number }> {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  const now = Math.floor(Date.now() / 1000)
  const claims = part({ iss: ISSUER, aud: 'api', sub: 'x', jti: 'x', iat: now, exp: now + 300, token_use: 'access' })
  const startedAtMs = Date.now()
  let sent = 0
  return new Promise((resolve) => {
    const timer = setInterval(() => {
      const ms = Date.now() - startedAtMs
      if (signal.aborted) {
        clearInterval(timer)
        resolve({ sent, ms })
      }
      // A machine that cannot keep up sends fewer, so that it can do other work.
      const due = Math.min((ms / 1000) * perSecond, sent + perSecond / 50)
      for (; sent < due; sent += 1) {
        void gate
          .check(`${part({ alg: 'EdDSA', kid: `garbage-${sent}`, typ: 'JWT' })}.${claims}.${'A'.repeat(86)}`)
          .catch(() => undefined)
      }
    }, 10)
  })
}

/** Returns how long a client that retries every 250 ms waits for its first token of a new key to be accepted. */
async function msUntilAccepted(gate: Gate, token: string): Promise<number> {
  const startedAtMs = Date.now()
  while ((await reasonOf(gate, token)) !== 'accepted') {
    const ms = Date.now() - startedAtMs
    assert.ok(ms < 20_000, 'the new key was never accepted')
    await pause(RETRY_MS - (ms % RETRY_MS))
  }
  return Date.now() - startedAtMs
}

describe('accepts the first token of a new key after few fetches, despite 10,000 made-up keys a second', () => {
  for (const mode of ['pull', 'stream', 'push'] as const) {
    test(mode, async (t) => {
      const issuer = await remoteIssuer(t)
      let gate: Gate | undefined
      const edge = await TestServer.start((request, response) => {
        const chunks: Buffer[] = []
        request.on('data', (chunk: Buffer) => chunks.push(chunk))
        request.on('end', async () => {
          const pushed = await gate?.receiveFeed(
            new Request('http://edge.test/', { method: 'POST', body: Buffer.concat(chunks) }),
          )
          response.writeHead(pushed?.status ?? 503).end()
        })
      })
      t.after(() => edge.close())
      const edges = mode === 'push' ? [{ name: 'edge', pushUrl: edge.url }] : []
      const stage = await stageOf(t, issuer, { edges })
      gate = gateOf(t, stage, mode === 'stream' ? 'stream' : 'pull')
      assert.equal(await reasonOf(gate, await issuer.first.token()), 'accepted')

      const flooding = new AbortController()
      const flooded = flood(gate, 10_000, flooding.signal)
      await pause(1_500)
      // The old key stays, as issuers do: garbage must not remove it.
      issuer.keys = [issuer.first.jwk, issuer.second.jwk]
      const token = await issuer.second.token()
      const before = issuer.server.count('/certs')
      const ms = await msUntilAccepted(gate, token)
      const fetches = issuer.server.count('/certs') - before
      assert.equal(await reasonOf(gate, await issuer.first.token()), 'accepted')
      flooding.abort()
      const { sent, ms: floodMs } = await flooded
      t.diagnostic(
        `accepted after ${ms} ms; ${Math.round((sent / floodMs) * 1000)} made-up keys a second; ${issuer.server.count('/certs')} fetches`,
      )
      assert.ok(fetches <= MAX_FETCHES, `${fetches} fetches`)
      // One at the start, and one lookup a second.
      assert.ok(issuer.server.count('/certs') <= 3 + floodMs / 1000, `${issuer.server.count('/certs')} fetches`)
    })
  }
})

test('without a flood one lookup suffices', async (t) => {
  const issuer = await remoteIssuer(t)
  const stage = await stageOf(t, issuer)
  const gate = gateOf(t, stage)
  assert.equal(await reasonOf(gate, await issuer.first.token()), 'accepted')
  issuer.keys = [issuer.second.jwk, issuer.first.jwk]
  assert.equal(await reasonOf(gate, await issuer.second.token()), 'accepted')
  assert.equal(issuer.server.count('/certs'), 2)
})

test('a lookup removes no key, for any response of the issuer', async (t) => {
  const issuer = await remoteIssuer(t)
  issuer.keys = [issuer.first.jwk, issuer.second.jwk]
  const stage = await stageOf(t, issuer)
  const gate = gateOf(t, stage)
  const sequence = stage.sequence()
  const answers: [string, Listener][] = [
    ['500', page(500)],
    ['an empty set', json({ keys: [] })],
    ['a set without one of the keys', json({ keys: [issuer.second.jwk] })],
    ['a set with nothing usable', json({ keys: [null, 'x', { kty: 'RSA', n: 'AQAB', e: 'AQAB' }] })],
    ['half a set', cutShort('application/json')],
    ['a page', page()],
  ]
  for (const [what, answer] of answers) {
    issuer.instead = answer
    const before = issuer.server.count('/certs')
    const look = await stage.get('/feed/acme/look', { method: 'POST' })
    assert.equal(issuer.server.count('/certs'), before + 1, what)
    assert.equal(look.status, what.startsWith('a set without one') ? 204 : 503, what)
    assert.equal(look.headers.get('cache-control'), 'no-store')
    for (const key of [issuer.first, issuer.second])
      assert.equal(await reasonOf(gate, await key.token()), 'accepted', what)
    assert.equal((await stage.revoke(await issuer.first.token())).status, 200, what)
  }
  assert.equal(stage.sequence() - sequence, answers.length, 'nothing but the revocations was recorded')
})

test('shares lookups, at most one a second for all readers together', async (t) => {
  const issuer = await remoteIssuer(t)
  const stage = await stageOf(t, issuer)
  const startedAtMs = Date.now()
  const looks = await Promise.all(Array.from({ length: 50 }, () => stage.get('/feed/acme/look', { method: 'POST' })))
  assert.deepEqual([...new Set(looks.map(({ status }) => status))], [204])
  // Made-up keys at the origin itself cause no more lookups.
  for (let turn = 0; turn < 6; turn += 1) {
    assert.equal((await stage.revoke(await issuer.first.token({}, { kid: `unknown ${turn}` }))).status, 401)
  }
  const allowed = 2 + (Date.now() - startedAtMs) / 1000
  assert.ok(
    issuer.server.count('/certs') - 1 <= allowed,
    `${issuer.server.count('/certs') - 1} looks, ${allowed} allowed`,
  )
})

test('keys found by a lookup are in the next delta, and its reader needs the credential', async (t) => {
  const issuer = await remoteIssuer(t)
  const stage = await stageOf(t, issuer, { feedCredential: 'reader' })
  const sequence = stage.sequence()
  issuer.keys = [issuer.first.jwk, issuer.second.jwk]
  assert.equal((await stage.get('/feed/acme/look', { method: 'POST' })).status, 401)
  assert.equal((await stage.get('/feed/acme/look', { headers: { authorization: 'Bearer reader' } })).status, 405)
  assert.equal(
    (await stage.get('/feed/other/look', { method: 'POST', headers: { authorization: 'Bearer reader' } })).status,
    404,
  )
  assert.equal(stage.sequence(), sequence)
  assert.equal(
    (await stage.get('/feed/acme/look', { method: 'POST', headers: { authorization: 'Bearer reader' } })).status,
    204,
  )
  assert.equal(stage.sequence(), sequence + 1)
})

describe('a poll that lacks a key', () => {
  test('removes it only once another one, two seconds later, also lacks it', async (t) => {
    const issuer = await remoteIssuer(t, { jwksMaxAgeSeconds: 1 })
    issuer.keys = [issuer.first.jwk, issuer.second.jwk]
    const stage = await stageOf(t, issuer)
    const gate = gateOf(t, stage, 'pull', { refreshAfterSeconds: 0, waitAfterSeconds: 0 })
    assert.equal(await reasonOf(gate, await issuer.first.token()), 'accepted')
    issuer.keys = [issuer.second.jwk]
    const before = issuer.server.count('/certs')
    const startedAtMs = Date.now()
    await until(() => issuer.server.count('/certs') > before, 'the set is polled')
    assert.equal(await reasonOf(gate, await issuer.first.token()), 'accepted')
    while ((await reasonOf(gate, await issuer.first.token())) === 'accepted') {
      assert.ok(Date.now() - startedAtMs < 10_000, 'the key is never removed')
      await pause(20)
    }
    assert.ok(Date.now() - startedAtMs >= 2_000, `gone after ${Date.now() - startedAtMs} ms`)
    assert.equal(await reasonOf(gate, await issuer.second.token()), 'accepted')
  })

  test('removes nothing if the next one has it, or fails', async (t) => {
    const issuer = await remoteIssuer(t, { jwksMaxAgeSeconds: 1 })
    const whole = [issuer.first.jwk, issuer.second.jwk]
    issuer.keys = whole
    const stage = await stageOf(t, issuer)
    const gate = gateOf(t, stage, 'pull', { refreshAfterSeconds: 0, waitAfterSeconds: 0 })
    const sequence = stage.sequence()
    for (const next of [json({ keys: whole }), page(500), page(), json({ keys: [] })]) {
      for (const answer of [json({ keys: [issuer.second.jwk] }), next]) {
        const before = issuer.server.count('/certs')
        issuer.instead = answer
        await until(() => issuer.server.count('/certs') > before, 'the set is polled')
      }
      assert.equal(await reasonOf(gate, await issuer.first.token()), 'accepted')
    }
    assert.equal(stage.sequence(), sequence)
  })

  test('is not a lookup that finds a new key and lacks the others', async (t) => {
    const issuer = await remoteIssuer(t)
    const stage = await stageOf(t, issuer)
    const gate = gateOf(t, stage)
    assert.equal(await reasonOf(gate, await issuer.first.token()), 'accepted')
    issuer.keys = [issuer.second.jwk]
    assert.equal(await reasonOf(gate, await issuer.second.token()), 'accepted')
    assert.equal(await reasonOf(gate, await issuer.first.token()), 'accepted')
    for (const key of [issuer.first, issuer.second]) {
      const headers = { authorization: `Bearer ${await key.token(ADMINISTRATOR)}` }
      assert.equal((await stage.get('/admin/realms/acme/keys', { headers })).status, 200)
    }
  })

  test('is not caused by lookups, however many', async (t) => {
    const issuer = await remoteIssuer(t)
    issuer.keys = [issuer.first.jwk, issuer.second.jwk]
    const stage = await stageOf(t, issuer)
    const sequence = stage.sequence()
    issuer.keys = [issuer.second.jwk]
    for (let look = 0; look < 4; look += 1)
      assert.equal((await stage.get('/feed/acme/look', { method: 'POST' })).status, 204)
    assert.equal(stage.sequence(), sequence)
    // `publishKeys` records the current set.
    await stage.origin.publishKeys('acme')
    assert.equal(stage.sequence(), sequence + 1)
  })
})
