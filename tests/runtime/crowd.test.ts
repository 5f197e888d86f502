// Many tokens at once in workerd with the slim module, where WebCrypto checks every signature: valid ones are accepted,
// and garbage that names a key which WebCrypto cannot import causes no fetch.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { createOrigin, generateFeedKey } from 'portcullis/origin'
import { memoryStore } from 'portcullis/origin/memory'
import { serve } from 'portcullis/origin/node'
import { freePort } from '../../www/demo/child.ts'
import { serveWorker } from '../../www/demo/workerd.ts'

const ISSUER = 'https://issuer.example/realms/test'

test('crowds of tokens in workerd, with the slim module', { timeout: 120_000 }, async (context) => {
  const { privateKey, publicKey } = await generateKeyPair('ES256')
  const usable = { ...(await exportJWK(publicKey)), kid: 'usable', alg: 'ES256', use: 'sig' }
  // Not a point on the curve.
  const coordinate = Buffer.alloc(32, 7).toString('base64url')
  const unusable = { kty: 'EC', crv: 'P-256', x: coordinate, y: coordinate, kid: 'unusable', alg: 'ES256', use: 'sig' }
  let keyFetches = 0
  const keys = createServer((_, response) => {
    keyFetches += 1
    response.setHeader('content-type', 'application/json').end(JSON.stringify({ keys: [usable, unusable] }))
  })
  keys.listen(0, '127.0.0.1')
  await once(keys, 'listening')
  const address = keys.address()
  assert.ok(typeof address === 'object' && address !== null)
  const { signingKey, publicKey: feedKey } = await generateFeedKey()
  const origin = await createOrigin({
    store: memoryStore(),
    signingKey,
    realms: [{ name: 'test', issuer: ISSUER, audience: 'api', jwks: { keys: [usable] } }],
  })
  const server = await serve(origin, { port: 0 })
  const folder = await mkdtemp(join(tmpdir(), 'portcullis-crowd-'))
  const port = await freePort()
  const entry = fileURLToPath(new URL('crowd-worker.ts', import.meta.url))
  const worker = await serveWorker({ name: 'crowd worker', entry, folder, port, bindings: {}, readyPath: '/' })

  const ask = async (body: object): Promise<{ outcomes: string[]; reports: number }> => {
    const response = await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', body: JSON.stringify(body) })
    if (!response.ok) throw new Error(`the worker answered ${response.status}: ${await response.text()}`)
    return (await response.json()) as { outcomes: string[]; reports: number }
  }
  let number = 0
  const claims = () => {
    number += 1
    const now = Math.floor(Date.now() / 1000)
    return {
      iss: ISSUER,
      aud: 'api',
      sub: 'user',
      jti: `crowd-${number}`,
      iat: now - 10,
      exp: now + 600,
      token_use: 'access',
    }
  }
  const good = (count: number) =>
    Promise.all(
      Array.from({ length: count }, () =>
        new SignJWT(claims()).setProtectedHeader({ alg: 'ES256', kid: 'usable', typ: 'JWT' }).sign(privateKey),
      ),
    )
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const garbage = (count: number) =>
    Array.from({ length: count }, () => {
      const input = `${part({ alg: 'ES256', kid: 'unusable', typ: 'JWT' })}.${part(claims())}`
      return `${input}.${Buffer.alloc(64, (number % 250) + 1).toString('base64url')}`
    })

  try {
    const feed = { url: `${server.url}/feed/test`, keys: [feedKey] }
    await ask({
      realm: { name: 'test', issuer: ISSUER, audience: 'api', jwks: `http://127.0.0.1:${address.port}/`, feed },
    })
    for (const count of [300, 2000]) {
      await context.test(`${count} concurrent valid tokens in one request are accepted`, async () => {
        assert.deepEqual(tally((await ask({ tokens: await good(count) })).outcomes), { accepted: count })
      })
    }
    await context.test('300 valid tokens in as many concurrent requests are accepted', async () => {
      const answers = await Promise.all((await good(300)).map((token) => ask({ tokens: [token] })))
      assert.deepEqual(tally(answers.flatMap(({ outcomes }) => outcomes)), { accepted: 300 })
    })
    await context.test('1,000 garbage tokens cause no further fetch of the keys and a single report', async () => {
      const before = keyFetches
      const { outcomes } = await ask({ tokens: garbage(500) })
      for (const token of garbage(500)) outcomes.push(...(await ask({ tokens: [token] })).outcomes)
      assert.deepEqual(tally(outcomes), { unsupported_algorithm: 1000 })
      const { outcomes: after, reports } = await ask({ tokens: await good(10) })
      assert.deepEqual(tally(after), { accepted: 10 })
      assert.equal(reports, 1)
      assert.equal(keyFetches - before, 0)
    })
  } finally {
    await worker.stop()
    await server.close()
    await origin.close()
    keys.close()
    keys.closeAllConnections()
    await rm(folder, { recursive: true, force: true })
  }
})

function tally(outcomes: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const outcome of outcomes) counts[outcome] = (counts[outcome] ?? 0) + 1
  return counts
}
