import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { corePolicy } from '../../../policy.ts'
import { REASONS } from '../../../reasons.ts'
import { GateCore } from '../../core/gate.ts'
import { GATE_LIMITS } from '../../testing/gate-limits.ts'
import { openStage, type Stage } from '../../testing/stage.ts'

let stage: Stage
before(async () => (stage = await openStage()))
after(() => stage.close())

function openGate(): GateCore {
  const gate = new GateCore({
    ...GATE_LIMITS,
    realms: [{ ...corePolicy(stage.issuer.realm), keysFrom: 'caller', feedKeys: [stage.publicKey] }],
  })
  gate.setKeys(
    0,
    new TextEncoder().encode(JSON.stringify({ keys: [stage.issuer.jwk] })),
    Number.MAX_SAFE_INTEGER,
    'configuration',
  )
  return gate
}

const now = (): number => Math.floor(Date.now() / 1000)

async function bytesOf(response: Response): Promise<Uint8Array> {
  assert.equal(response.status, 200)
  assert.equal(response.headers.get('content-type'), 'application/octet-stream')
  return new Uint8Array(await response.arrayBuffer())
}

function reasonOf(gate: GateCore, token: string): string | undefined {
  const code = gate.check(token, now()) & 0xff
  return code === 0 ? undefined : REASONS[code - 1]
}

test('a gate that pulls manifest, sections and deltas gets the revocations', async () => {
  const [early, late, good] = [await stage.issuer.token(), await stage.issuer.token(), await stage.issuer.token()]
  await stage.revoke(early)
  const gate = openGate()
  gate.applyFeed(0, await bytesOf(await stage.get('/feed/acme/manifest')), now())
  for (const name of gate.missingSections(0)) {
    const response = await stage.get(`/feed/acme/sections/${name}`)
    assert.equal(response.headers.get('cache-control'), 'public, max-age=31536000, immutable')
    const section = await bytesOf(response)
    assert.equal(createHash('sha256').update(section).digest('hex'), name)
    gate.provideSection(0, section)
  }
  assert.equal(reasonOf(gate, early), 'token_revoked')
  assert.equal(reasonOf(gate, late), undefined)
  const sequence = gate.sequence(0) ?? -1
  assert.equal(sequence, stage.sequence())

  await stage.revoke(late)
  gate.applyFeed(0, await bytesOf(await stage.get(`/feed/acme/deltas?after=${sequence}`)), now())
  assert.equal(gate.sequence(0), sequence + 1)
  assert.equal(reasonOf(gate, late), 'token_revoked')
  assert.equal(reasonOf(gate, good), undefined)

  const heartbeat = await stage.get(`/feed/acme/deltas?after=${sequence + 1}`)
  assert.equal(heartbeat.headers.get('cache-control'), 'no-store')
  gate.applyFeed(0, await bytesOf(heartbeat), now())
  assert.equal(gate.sequence(0), sequence + 1)
  gate.free()
})

describe('manifest', () => {
  test('has a strong validator', async () => {
    const first = await stage.get('/feed/acme/manifest')
    const etag = first.headers.get('etag') ?? ''
    assert.match(etag, /^"[0-9a-f]{32}"$/)
    assert.equal(first.headers.get('cache-control'), 'public, no-cache')
    await first.arrayBuffer()
    // A manifest is signed again each second; within one it stays the same.
    let same = 0
    for (let attempt = 0; attempt < 5; attempt += 1) {
      const current = (await stage.get('/feed/acme/manifest')).headers.get('etag') ?? ''
      const again = await stage.get('/feed/acme/manifest', { headers: { 'if-none-match': `"other", W/${current}` } })
      if (again.status === 304) {
        same += 1
        assert.equal(again.headers.get('etag'), current)
        assert.equal(await again.text(), '')
      }
    }
    assert.ok(same >= 3)
    assert.equal(
      (await stage.get('/feed/acme/manifest', { headers: { 'if-none-match': etag.replace(/.{3}"$/, '000"') } })).status,
      200,
    )
    assert.equal((await stage.get('/feed/acme/manifest', { method: 'HEAD' })).status, 200)
  })

  test('returns at once if there is something newer, or without `waitSeconds`', async () => {
    await stage.revoke(await stage.issuer.token())
    const head = stage.sequence()
    const start = performance.now()
    await bytesOf(await stage.get(`/feed/acme/manifest?after=${head - 1}&waitSeconds=25`))
    await bytesOf(await stage.get(`/feed/acme/manifest?after=${head}`))
    await bytesOf(await stage.get('/feed/acme/manifest?waitSeconds=25'))
    assert.ok(performance.now() - start < 15_000)
  })

  test('waits for a change', async () => {
    const head = stage.sequence()
    const start = performance.now()
    const waiting = stage.get(`/feed/acme/manifest?after=${head}&waitSeconds=25`)
    setTimeout(() => void stage.issuer.token().then((token) => stage.revoke(token)), 150)
    const gate = openGate()
    gate.applyFeed(0, await bytesOf(await waiting), now())
    const waited = performance.now() - start
    assert.ok(waited > 100 && waited < 15_000, `waited ${waited} ms`)
    assert.equal(gate.sequence(0), head + 1)
    gate.free()
  })

  test('waits no longer than requested', async () => {
    const start = performance.now()
    await bytesOf(await stage.get(`/feed/acme/manifest?after=${stage.sequence()}&waitSeconds=1`))
    const waited = performance.now() - start
    assert.ok(waited > 900 && waited < 15_000, `waited ${waited} ms`)
  })
})

test('refuses parameters that are not whole numbers', async () => {
  const bad = [
    '/feed/acme/deltas',
    ...['', '-1', '1.5', 'x', '1e3', ' 1', '99999999999999999999', '1&after=1'].map(
      (after) => `/feed/acme/deltas?after=${after}`,
    ),
    '/feed/acme/manifest?after=x',
    '/feed/acme/manifest?after=1&waitSeconds=-1',
    '/feed/acme/stream?after=x',
  ]
  for (const path of bad) assert.equal((await stage.get(path)).status, 400, path)
})

test('a reader that is ahead of the ledger gets 409', async () => {
  assert.equal((await stage.get(`/feed/acme/deltas?after=${stage.sequence() + 1}`)).status, 409)
  assert.equal((await stage.get(`/feed/acme/stream?after=${stage.sequence() + 1}`)).status, 409)
})

test('serves sections only by their own names', async () => {
  const names = ['0'.repeat(64), '0'.repeat(63), 'A'.repeat(64), '%2e%2e', 'g'.repeat(64)]
  for (const name of names) assert.equal((await stage.get(`/feed/acme/sections/${name}`)).status, 404, name)
})

test('an unknown realm is not found', async () => {
  for (const path of ['manifest', 'deltas?after=0', `sections/${'0'.repeat(64)}`, 'stream']) {
    assert.equal((await stage.get(`/feed/other/${path}`)).status, 404)
    assert.equal((await stage.get(`/feed/%ff/${path}`)).status, 400)
  }
})

test('a feed with a credential is private', async () => {
  const guarded = await openStage({ feedCredential: 'open sesame' })
  try {
    for (const path of ['manifest', 'deltas?after=0', 'stream', `sections/${'0'.repeat(64)}`]) {
      const nothing = await guarded.get(`/feed/acme/${path}`)
      assert.equal(nothing.status, 401)
      assert.equal(nothing.headers.get('www-authenticate'), 'Bearer')
      const wrong = await guarded.get(`/feed/acme/${path}`, { headers: { authorization: 'Bearer close sesame' } })
      assert.equal(wrong.status, 401)
      assert.match(wrong.headers.get('www-authenticate') ?? '', /invalid_token/)
    }
    const right = await guarded.get('/feed/acme/manifest', { headers: { authorization: 'Bearer open sesame' } })
    assert.equal(right.status, 200)
    assert.equal(right.headers.get('cache-control'), 'private, no-cache')
  } finally {
    await guarded.close()
  }
})
