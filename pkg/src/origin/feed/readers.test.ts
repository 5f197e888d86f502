import assert from 'node:assert/strict'
import { afterEach, beforeEach, test } from 'node:test'
import { CpuBudget, Readers } from './readers.ts'
import { openStage, type Stage, until } from '../testing/stage.ts'

const ADDRESS = '203.0.113.7'
const MOST = 5

let stage: Stage
let open: AbortController[]
beforeEach(async () => {
  open = []
  stage = await openStage({ maxWaitingPerAddress: MOST, edges: [{ name: 'edge-1', ackSecret: 'secret' }] })
})
afterEach(async () => {
  for (const each of open) each.abort()
  await stage.close()
})

interface Asked {
  method?: string
  signal?: AbortSignal
}

function ask(
  path: string,
  address: string | undefined = ADDRESS,
  { method = 'GET', signal }: Asked = {},
): Promise<Response> {
  const request = new Request(`https://origin.test${path}`, { method, ...(signal === undefined ? {} : { signal }) })
  return stage.origin.fetch(request, address === undefined ? {} : { address })
}

/** Opens streams, and returns a function that closes each of them. */
async function openStreams(count: number, address = ADDRESS): Promise<AbortController[]> {
  const streams = Array.from({ length: count }, () => new AbortController())
  open.push(...streams)
  for (const { signal } of streams) assert.equal((await ask('/feed/acme/stream', address, { signal })).status, 200)
  return streams
}

async function assertFull(address = ADDRESS): Promise<void> {
  const response = await ask('/feed/acme/stream', address)
  assert.equal(response.status, 429)
  assert.ok(Number(response.headers.get('retry-after')) > 0)
  assert.equal(((await response.json()) as { error: string }).error, 'too_many_requests')
}

/** Asserts that all places are free: exactly this many streams can be opened. */
async function assertFree(): Promise<void> {
  const streams = await openStreams(MOST)
  await assertFull()
  for (const stream of streams) stream.abort()
}

test('limits streams and long polls of one address together, without affecting others', async () => {
  await openStreams(MOST - 1)
  const poll = new AbortController()
  const polled = ask(`/feed/acme/manifest?after=${stage.sequence()}&waitSeconds=25`, ADDRESS, { signal: poll.signal })
  await assertFull()
  assert.equal((await ask(`/feed/acme/manifest?after=${stage.sequence()}&waitSeconds=25`)).status, 429)
  // A request that need not wait gets a response.
  for (const path of [
    '/feed/acme/manifest',
    '/feed/acme/manifest?after=0',
    `/feed/acme/deltas?after=${stage.sequence()}`,
  ]) {
    assert.equal((await ask(path)).status, 200)
  }
  await openStreams(1, '203.0.113.8')
  poll.abort()
  assert.equal((await polled).status, 200)
  await openStreams(1)
  await assertFull()
})

test('an IPv6 subscriber counts as one address; without an address only the limit for all applies', async () => {
  for (let host = 1; host <= MOST; host += 1) await openStreams(1, `2001:db8:0:7::${host.toString(16)}`)
  await assertFull('2001:db8:0:7:ffff::1')
  await openStreams(1, '2001:db8:0:8::1')
  for (let times = 0; times < MOST + 1; times += 1) {
    const stop = new AbortController()
    open.push(stop)
    const request = new Request('https://origin.test/feed/acme/stream', { signal: stop.signal })
    assert.equal((await stage.origin.fetch(request)).status, 200)
  }
})

test('releases a place whenever its reader leaves', async () => {
  // By the connection, before the body is read.
  for (const stream of await openStreams(MOST)) stream.abort()
  await assertFree()
  // By cancelling the body.
  for (let times = 0; times < MOST; times += 1) await (await ask('/feed/acme/stream')).body?.cancel()
  await assertFree()
  // Gone before the response.
  for (let times = 0; times < MOST; times += 1) {
    const stream = await ask('/feed/acme/stream', ADDRESS, { signal: AbortSignal.abort() })
    const poll = await ask(`/feed/acme/manifest?after=${stage.sequence()}&waitSeconds=25`, ADDRESS, {
      signal: AbortSignal.abort(),
    })
    assert.deepEqual([stream.status, poll.status], [200, 200])
  }
  await assertFree()
  // Without a body, or refused.
  for (let times = 0; times < MOST; times += 1) {
    assert.equal((await ask('/feed/acme/stream', ADDRESS, { method: 'HEAD' })).status, 200)
    assert.equal((await ask('/feed/acme/stream?after=999999')).status, 409)
    assert.equal((await ask('/feed/nowhere/stream')).status, 404)
  }
  await assertFree()
})

test('drops a reader that does not read, and releases its place', async () => {
  await openStreams(MOST)
  await assertFull()
  // A megabyte for each that is not read.
  for (let round = 0; round < 60; round += 1) {
    await Promise.all(
      Array.from({ length: 4_000 }, (_, user) => stage.origin.logoutUser('acme', `user-${round}-${user}`)),
    )
    const response = await ask('/feed/acme/stream')
    await response.body?.cancel()
    if (response.status === 200) return
  }
  assert.fail('they are still there')
})

test('a client that disconnects over HTTP releases its place', async () => {
  async function openAll(): Promise<{ statuses: number[]; stop: AbortController }> {
    const stop = new AbortController()
    const opened = Array.from({ length: MOST }, () => stage.get('/feed/acme/stream', { signal: stop.signal }))
    return { statuses: (await Promise.all(opened)).map(({ status }) => status), stop }
  }
  for (let round = 0; round < 3; round += 1) {
    await until(async () => {
      const { statuses, stop } = await openAll()
      const areAll = statuses.every((status) => status === 200)
      if (areAll) assert.equal((await stage.get('/feed/acme/stream')).status, 429)
      stop.abort()
      return areAll
    }, 'all places are free')
  }
})

test('a revocation by an address with too many waiting requests does not wait for edges', async () => {
  await openStreams(MOST)
  const token = await stage.issuer.token()
  const beganAtMs = performance.now()
  const request = new Request('https://origin.test/v1/auth/token/revoke?wait=enforced&timeoutMs=20000', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ token }),
  })
  const response = await stage.origin.fetch(request, { address: ADDRESS })
  assert.equal(response.status, 200)
  assert.equal(((await response.json()) as { enforced: number }).enforced, 0)
  assert.ok(performance.now() - beganAtMs < 10_000)
})

test('by default one address has 500 of the 10,000 places', async () => {
  const other = await openStage()
  try {
    const responses: Response[] = []
    for (let times = 0; times < 501; times += 1) {
      responses.push(
        await other.origin.fetch(new Request('https://origin.test/feed/acme/stream'), { address: ADDRESS }),
      )
    }
    assert.deepEqual([responses[499]?.status, responses[500]?.status], [200, 429])
    await Promise.all(responses.map((response) => response.body?.cancel()))
  } finally {
    await other.close()
  }
})

test('a CPU budget is spent by work, and refills', () => {
  const clock = { nowMs: 0 }
  const budget = new CpuBudget(() => clock.nowMs)
  assert.equal(
    budget.charge(() => ((clock.nowMs += 29), 'done')),
    'done',
  )
  assert.equal(budget.isSpent, false)
  assert.throws(() =>
    budget.charge(() => {
      clock.nowMs += 10
      throw new Error('failed')
    }),
  )
  assert.equal(budget.isSpent, true)
  clock.nowMs += 500
  assert.equal(budget.isSpent, false)
  const readers = new Readers({ maxWaitingPerAddress: 1, nowMs: () => clock.nowMs })
  readers.budget('a').charge(() => (clock.nowMs += 100))
  assert.equal(readers.budget('a').isSpent, true)
  // Made-up addresses evict the budget that was used least recently.
  for (let network = 0; network < 2_000; network += 1) readers.budget(String(network))
  assert.equal(readers.budget('a').isSpent, false)
})
