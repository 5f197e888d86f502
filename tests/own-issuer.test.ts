// The example of a custom issuer, with its ledger and a gate that reads the feed over HTTP.

import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { decodeJwt } from 'jose'
import { createGate } from 'portcullis/edge'
import { generateFeedKey } from 'portcullis/origin'
import { serve } from 'portcullis/origin/node'
import { openIssuer } from '../www/examples/own-issuer.ts'

const ISSUER = 'https://login.example'

test('rotates, refuses a reused token, and the edge refuses its session', { timeout: 30_000 }, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'portcullis-own-'))
  const { signingKey, publicKey } = await generateFeedKey()
  const issuer = await openIssuer({
    path: join(folder, 'own.db'),
    issuer: ISSUER,
    feedSigningKey: signingKey,
    reuseGraceSeconds: 0,
  })
  const server = await serve(issuer.origin, { port: 0 })
  const feed = { url: `${server.url}/feed/own`, keys: [publicKey] }
  const gate = createGate({ realms: [{ name: 'own', issuer: ISSUER, audience: 'api', jwks: issuer.jwks, feed }] })
  try {
    const first = await issuer.logIn('u-1', 'app')
    const other = await issuer.logIn('u-1', 'app')
    const second = await issuer.refresh(first.refresh_token, 'app')
    assert.ok(second !== undefined)
    assert.equal(decodeJwt(second.access_token)['sid'], decodeJwt(first.access_token)['sid'])
    assert.equal((await gate.check(second.access_token)).ok, true)
    assert.equal(await issuer.refresh(second.refresh_token, 'another app'), undefined)
    assert.equal(await issuer.refresh(first.refresh_token, 'app'), undefined)
    await gate.refresh()
    const verdict = await gate.check(second.access_token)
    assert.equal(verdict.ok ? 'accepted' : verdict.reason, 'session_revoked')
    assert.equal(await issuer.refresh(second.refresh_token, 'app'), undefined)
    assert.equal((await gate.check(other.access_token)).ok, true)
    assert.ok((await issuer.refresh(other.refresh_token, 'app')) !== undefined)
  } finally {
    gate.close()
    await server.close()
    await issuer.close()
    await rm(folder, { recursive: true })
  }
})
