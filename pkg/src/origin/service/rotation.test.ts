import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createGate, type Gate, type Report } from '../../entry/edge/node.ts'
import { createOrigin, generateFeedKey, type JWK, type Origin } from '../../entry/origin/node.ts'
import { ADMINISTRATOR, ISSUER, openStage } from '../testing/stage.ts'

function openGate(keys: JWK[], fetch: (request: Request) => Promise<Response>): { gate: Gate; reports: Report[] } {
  const reports: Report[] = []
  const gate = createGate({
    realms: [{ name: 'acme', issuer: ISSUER, audience: 'api', feed: { url: 'https://origin.test/feed/acme', keys } }],
    fetch: (input, init) => fetch(new Request(input, init)),
    onReport: (report) => reports.push(report),
  })
  return { gate, reports }
}

test('rotates the signing key while running, and no gate loses anything', async () => {
  const next = await generateFeedKey()
  const stage = await openStage()
  const { gate, reports } = openGate([stage.publicKey, next.publicKey], (request) => stage.origin.fetch(request))
  const behind = openGate([stage.publicKey], (request) => stage.origin.fetch(request))
  try {
    const tokens = await Promise.all(['a', 'b', 'c'].map((sid) => stage.issuer.token({ sid })))
    for (const each of [gate, behind.gate]) assert.equal((await each.check(tokens[0] ?? '')).ok, true)
    await stage.origin.endSession('acme', 'a')
    await gate.refresh()
    await stage.origin.rotateSigningKey(next.signingKey, { actor: 'operator' })
    await stage.origin.endSession('acme', 'b')
    await gate.refresh()
    assert.deepEqual(await Promise.all(tokens.map(async (token) => (await gate.check(token)).ok)), [false, false, true])
    assert.equal(gate.status()[0]?.sequence, stage.sequence())
    assert.deepEqual(reports, [])
    // A gate that has not pinned the new key refuses later statements.
    await assert.rejects(behind.gate.refresh(), { code: 'feed_refused', detail: 'unknown_key' })
    // The origin's own gate continues to work with its keys.
    assert.equal((await stage.revoke(tokens[2] ?? '')).status, 200)
    const response = await stage.get('/admin/realms/acme/edges', {
      headers: { authorization: `Bearer ${await stage.issuer.token(ADMINISTRATOR)}` },
    })
    assert.equal(response.status, 200)
    const [line] = await stage.origin.audit.list({ realm: 'acme', action: 'feed_key_rotated', limit: 1 })
    assert.equal(line?.actor, 'operator')
    assert.deepEqual(stage.reports, [])
  } finally {
    gate.close()
    behind.gate.close()
    await stage.close()
  }
})

test('rotates the key several times', async () => {
  const keys = [await generateFeedKey(), await generateFeedKey()]
  const stage = await openStage()
  const { gate, reports } = openGate([stage.publicKey, ...keys.map(({ publicKey }) => publicKey)], (request) =>
    stage.origin.fetch(request),
  )
  try {
    for (const { signingKey } of [...keys, ...keys]) {
      await stage.origin.rotateSigningKey(signingKey)
      const { sequence } = await stage.origin.logoutUser('acme', `user ${Math.random()}`)
      await gate.refresh()
      assert.equal(gate.status()[0]?.sequence, sequence)
    }
    assert.deepEqual(reports, [])
  } finally {
    gate.close()
    await stage.close()
  }
})

test('rotates the key across a restart', async () => {
  const next = await generateFeedKey()
  const stage = await openStage()
  const { issuer } = stage
  let origin: Origin = stage.origin
  const { gate, reports } = openGate([stage.publicKey, next.publicKey], (request) => origin.fetch(request))
  try {
    const token = await issuer.token()
    assert.equal((await gate.check(token)).ok, true)
    await origin.close()
    origin = await createOrigin({ store: stage.reopenStore(), signingKey: next.signingKey, realms: [issuer.realm] })
    await origin.revokeToken(token)
    await gate.refresh()
    assert.deepEqual(await gate.check(token), { ok: false, reason: 'token_revoked', status: 401 })
    assert.deepEqual(reports, [])
  } finally {
    gate.close()
    await origin.close()
    await stage.close()
  }
})

test('an invalid signing key changes nothing', async () => {
  const stage = await openStage()
  try {
    const { signingKey, publicKey } = await generateFeedKey()
    for (const bad of [
      publicKey,
      { ...signingKey, d: 'x' },
      { ...signingKey, x: String(stage.publicKey.x) },
      { ...signingKey, crv: 'X25519' },
      {},
    ]) {
      await assert.rejects(stage.origin.rotateSigningKey(bad as JWK), { code: 'invalid_option' })
    }
    assert.equal((await stage.revoke(await stage.issuer.token())).status, 200)
  } finally {
    await stage.close()
  }
})
