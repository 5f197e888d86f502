// A starting origin, and the first gate that contacts it.

import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test, type TestContext } from 'node:test'
import { createGate } from '../../entry/edge/node.ts'
import { createOrigin, generateFeedKey, type Origin } from '../../entry/origin/node.ts'
import { json, page, silent, TestServer } from '../../test-fixtures/server.ts'
import { createTestIssuer, ISSUER, openStage, type Stage } from '../testing/stage.ts'
import { freshStore } from '../testing/stores.ts'

/** How long a starting origin waits for keys, and how long a request for them may take here. */
const FIRST_KEYS_MS = 3_000
const JWKS_TIMEOUT_MS = 10_000

/** Returns the first verdict of a new gate. */
async function firstVerdict(t: TestContext, stage: Stage, token: string): Promise<string> {
  const feed = { url: `${stage.server.url}/feed/acme`, keys: [stage.publicKey] }
  const gate = createGate({
    realms: [{ name: 'acme', issuer: ISSUER, audience: 'api', feed }],
    onReport: () => undefined,
  })
  t.after(() => gate.close())
  const verdict = await gate.check(token)
  return verdict.ok ? 'accepted' : verdict.reason
}

test("the first gate of a new origin finds the issuer's keys in the feed", async (t) => {
  const issuer = await createTestIssuer()
  const server = await TestServer.start(
    (...exchange) => void setTimeout(() => json({ keys: [issuer.jwk] })(...exchange), 200),
  )
  t.after(() => server.close())
  const stage = await openStage({ realms: [{ ...issuer.realm, jwks: `${server.url}/certs` }] })
  t.after(() => stage.close())
  const { length } = await stage.origin.audit.list({ realm: 'acme', action: 'keys_published', limit: 2 })
  assert.equal(length, 1)
  assert.equal(await firstVerdict(t, stage, await issuer.token()), 'accepted')
  assert.equal(server.count('/certs'), 1)
})

test('does not wait for an issuer that is not listening yet, and finds it once it is', async (t) => {
  const issuer = await createTestIssuer()
  const certs = createServer(json({ keys: [issuer.jwk] }))
  await new Promise<void>((resolve) => certs.listen(0, '127.0.0.1', resolve))
  const { port } = certs.address() as AddressInfo
  await new Promise((resolve) => certs.close(resolve))
  const startedAtMs = Date.now()
  const stage = await openStage({ realms: [{ ...issuer.realm, jwks: `http://127.0.0.1:${port}/certs` }] })
  t.after(() => stage.close())
  assert.ok(Date.now() - startedAtMs < FIRST_KEYS_MS, `${Date.now() - startedAtMs} ms`)
  await new Promise<void>((resolve) => certs.listen(port, '127.0.0.1', resolve))
  t.after(() => {
    certs.closeAllConnections()
    certs.close()
  })
  assert.equal(await firstVerdict(t, stage, await issuer.token()), 'accepted')
  assert.deepEqual(
    stage.reports.map(({ kind, error }) => [kind, error?.code]),
    [
      ['jwks', 'jwks_unreachable'],
      ['jwks', undefined],
    ],
  )
})

test("keys that the origin's own process serves do not delay it", async (t) => {
  const issuer = await createTestIssuer()
  let origin: Origin | undefined
  const startedAtMs = Date.now()
  const stage = await openStage({
    realms: [{ ...issuer.realm, jwks: 'http://localhost/certs' }],
    // As an application that passes unmatched requests to the origin.
    fetch: async () =>
      origin === undefined ? Promise.reject(new Error('not there yet')) : Response.json({ keys: [issuer.jwk] }),
  })
  t.after(() => stage.close())
  assert.ok(Date.now() - startedAtMs < FIRST_KEYS_MS, `${Date.now() - startedAtMs} ms`)
  origin = stage.origin
  assert.equal(await firstVerdict(t, stage, await issuer.token()), 'accepted')
})

test('an issuer that fails or hangs does not prevent the origin from starting', async (t) => {
  const issuer = await createTestIssuer()
  for (const answer of [page(500), page(), json({ keys: [] }), silent()]) {
    const server = await TestServer.start(answer)
    t.after(() => server.close())
    const { signingKey } = await generateFeedKey()
    const startedAtMs = Date.now()
    const origin = await createOrigin({
      store: freshStore(),
      signingKey,
      realms: [{ ...issuer.realm, jwks: `${server.url}/certs` }],
      jwksTimeoutMs: JWKS_TIMEOUT_MS,
      onReport: () => undefined,
    })
    const ms = Date.now() - startedAtMs
    t.after(() => origin.close())
    assert.ok(ms < JWKS_TIMEOUT_MS, `${ms} ms`)
    assert.deepEqual(await origin.audit.list({ realm: 'acme', action: 'keys_published', limit: 2 }), [])
  }
})
