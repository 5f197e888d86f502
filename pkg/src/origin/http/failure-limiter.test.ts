import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FailureLimiter, type Target } from './failure-limiter.ts'
import { createOrigin, generateFeedKey } from '../index.ts'
import { createTestIssuer } from '../testing/stage.ts'
import { freshStore } from '../testing/stores.ts'

const alice = account('alice')
const bob = account('bob')

test('a pair of address and account waits after its allowance; other pairs do not', () => {
  let nowMs = 0
  const limiter = new FailureLimiter(100, () => nowMs)
  for (let failures = 0; failures < 100; failures++) {
    assert.equal(limiter.retryAfterSeconds('203.0.113.7', alice), undefined)
    limiter.failed('203.0.113.7', alice)
  }
  assert.equal(limiter.retryAfterSeconds('203.0.113.7', alice), 1)
  assert.equal(limiter.retryAfterSeconds('203.0.113.7', bob), undefined)
  assert.equal(limiter.retryAfterSeconds('203.0.113.8', alice), undefined)
  nowMs += 600
  assert.equal(limiter.retryAfterSeconds('203.0.113.7', alice), undefined)
  limiter.failed('203.0.113.7', alice)
  assert.equal(limiter.retryAfterSeconds('203.0.113.7', alice), 1)
  nowMs += 60_000
  for (let failures = 0; failures < 100; failures++) limiter.failed('203.0.113.7', alice)
  assert.equal(limiter.retryAfterSeconds('203.0.113.7', alice), 1)
})

test('an address waits after five allowances over all accounts; its routes do not count, nor do other addresses', () => {
  let nowMs = 0
  const limiter = new FailureLimiter(100, () => nowMs)
  for (let index = 0; index < 1_000; index++) limiter.failed('203.0.113.7', { kind: 'route', name: `${index}` })
  for (let index = 0; index < 500; index++) {
    assert.equal(limiter.retryAfterSeconds('203.0.113.7', account(`${index}`)), undefined)
    limiter.failed('203.0.113.7', account(`${index}`))
  }
  assert.equal(limiter.retryAfterSeconds('203.0.113.7', alice), 1)
  assert.equal(limiter.retryAfterSeconds('203.0.113.7', { kind: 'route', name: 'any' }), undefined)
  assert.equal(limiter.retryAfterSeconds('203.0.113.8', alice), undefined)
  nowMs += 120
  assert.equal(limiter.retryAfterSeconds('203.0.113.7', alice), undefined)
})

test('made-up names at one address never evict a name that fails often', () => {
  for (const address of ['203.0.113.7', undefined]) {
    const limiter = new FailureLimiter(10_000, () => 0)
    for (let failures = 0; failures < 10_000; failures++) limiter.failed(address, alice)
    for (let index = 0; index < 5_000; index++) limiter.failed(address, account(`made up ${index}`))
    assert.notEqual(limiter.retryAfterSeconds(address, alice), undefined)
    assert.equal(limiter.retryAfterSeconds(address, bob), undefined)
  }
})

test('an attacker with many addresses does not fill the memory', () => {
  const limiter = new FailureLimiter(1, () => 0)
  limiter.failed('first', alice)
  for (let index = 0; index < 10_000; index++) limiter.failed(`203.0.113.${index}`, alice)
  assert.equal(limiter.retryAfterSeconds('first', alice), undefined)
  assert.notEqual(limiter.retryAfterSeconds('203.0.113.9999', alice), undefined)

  const many = new FailureLimiter(1_000, () => 0)
  for (let failures = 0; failures < 1_000; failures++) many.failed('first', alice)
  for (let network = 0; network < 20; network++) {
    for (let index = 0; index < 1_000; index++) many.failed(`198.51.100.${network}`, account(`${index}`))
  }
  assert.equal(many.retryAfterSeconds('first', alice), undefined)
})

test('made-up clients do not restore an allowance at an origin, from one address or one IPv6 network', async () => {
  const { signingKey } = await generateFeedKey()
  const { realm } = await createTestIssuer()
  const clients = [{ id: 'backend', secret: 'backend-secret' }]
  // One a minute, so that none is regained during the test.
  const origin = await createOrigin({
    store: freshStore(),
    signingKey,
    realms: [realm],
    clients,
    maxFailuresPerMinute: 1,
  })
  const guess = async (address: string, id: string, secret: string): Promise<number> => {
    const body = new URLSearchParams({ client_id: id, client_secret: secret, token: 'x' })
    const request = new Request(`https://origin.example/realms/${realm.name}/protocol/openid-connect/revoke`, {
      method: 'POST',
      body,
    })
    return (await origin.fetch(request, { address })).status
  }
  try {
    // More names than the number of pairs once remembered.
    const places: [number, (index: number) => string][] = [
      [10_001, () => '203.0.113.7'],
      [20, (index) => `2001:db8:0:1::${index.toString(16)}`],
      [20, (index) => (index % 2 === 0 ? '198.51.100.7' : '::ffff:198.51.100.7')],
    ]
    for (const [names, place] of places) {
      assert.equal(await guess(place(1), 'backend', 'wrong'), 401)
      const statuses: number[] = []
      for (let index = 0; index < names; index++) statuses.push(await guess(place(index), `made up ${index}`, 'wrong'))
      assert.deepEqual(statuses.slice(0, 5), [401, 401, 401, 401, 429])
      assert.equal(await guess(place(0), 'backend', 'backend-secret'), 429)
    }
    assert.equal(await guess('203.0.113.8', 'backend', 'backend-secret'), 200)
    assert.equal(await guess('2001:db8:0:2::1', 'backend', 'backend-secret'), 200)
  } finally {
    await origin.close()
  }
})

function account(name: string): Target {
  return { kind: 'account', name }
}
