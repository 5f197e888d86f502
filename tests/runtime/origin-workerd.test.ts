// The origin in workerd: its feed is enforced by a gate in Node.

import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { createGate } from 'portcullis/edge'
import { generateFeedKey } from 'portcullis/origin'
import { freePort } from '../../www/demo/child.ts'
import { serveWorker } from '../../www/demo/workerd.ts'

const ISSUER = 'https://issuer.example/realms/test'

test('an origin in workerd', { timeout: 60_000 }, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'portcullis-'))
  const port = await freePort()
  const entry = fileURLToPath(new URL('origin-worker.ts', import.meta.url))
  const worker = await serveWorker({ name: 'origin worker', entry, folder, port, bindings: {}, readyPath: '/' })
  try {
    const url = `http://127.0.0.1:${port}`
    const post = (path: string, body: unknown) =>
      fetch(url + path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })
    const { privateKey, publicKey } = await generateKeyPair('ES256')
    const feedKey = await generateFeedKey()
    const jwks = { keys: [{ ...(await exportJWK(publicKey)), kid: 'k', alg: 'ES256' }] }
    const realm = { name: 'test', issuer: ISSUER, audience: 'api', jwks }
    const opened = await post('/', { signingKey: feedKey.signingKey, realms: [realm] })
    assert.equal(opened.status, 200, await opened.text())

    const gate = createGate({ realms: [{ ...realm, feed: { url: `${url}/feed/test`, keys: [feedKey.publicKey] } }] })
    const now = Math.floor(Date.now() / 1000)
    const sign = (jti: string) =>
      new SignJWT({ iss: ISSUER, aud: 'api', sub: 'user', jti, iat: now - 10, exp: now + 600, token_use: 'access' })
        .setProtectedHeader({ alg: 'ES256', kid: 'k', typ: 'JWT' })
        .sign(privateKey)
    // Concurrent revocations share a transaction, although each is a separate request.
    const tokens = await Promise.all(['a', 'b', 'c', 'd'].map(sign))
    for (const token of tokens) assert.equal((await gate.check(token)).ok, true)
    const answers = await Promise.all(tokens.map((token) => post('/v1/auth/token/revoke', { token })))
    for (const answer of answers) assert.deepEqual(await answer.json(), { revoked: true })
    await gate.refresh()
    for (const token of tokens)
      assert.deepEqual(await gate.check(token), { ok: false, reason: 'token_revoked', status: 401 })
    gate.close()
  } finally {
    await worker.stop()
    await rm(folder, { recursive: true, force: true })
  }
})
