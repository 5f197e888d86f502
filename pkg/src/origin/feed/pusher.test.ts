import assert from 'node:assert/strict'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { openStage, until } from '../testing/stage.ts'

type Answer = number | 'hang' | 'break' | 'hold'

interface TestEdge {
  url: string
  /** Each push that arrived: the kind of its message, and the response. */
  pushes: {
    magic: string
    bytes: number
    type: string | undefined
    authorization: string | undefined
    answer: Answer
  }[]
  /** Responses to the next pushes; then 200. */
  plan: Answer[]
  /** Responds to held pushes with 200. */
  release(): void
  close(): Promise<void>
}

async function openEdge(...plan: Answer[]): Promise<TestEdge> {
  const pushes: TestEdge['pushes'] = []
  const held: (() => void)[] = []
  const server: Server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('error', () => undefined)
    request.on('end', () => {
      const answer = plan.shift() ?? 200
      const body = Buffer.concat(chunks)
      const { 'content-type': type, authorization } = request.headers
      pushes.push({ magic: body.subarray(0, 4).toString(), bytes: body.length, type, authorization, answer })
      if (answer === 'break') request.socket.destroy()
      else if (answer === 'hold') held.push(() => response.writeHead(200).end('{}'))
      else if (answer !== 'hang') response.writeHead(answer).end('{}')
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/portcullis/feed`,
    pushes,
    plan,
    release: () => held.splice(0).forEach((answer) => answer()),
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function pushed(stage: Awaited<ReturnType<typeof openStage>>): number | undefined {
  return stage.origin.status()[0]?.edges[0]?.pushedSequence
}

const MANIFEST = 'PCLM'
const DELTA = 'PCLD'

test('an edge gets the manifest first, each change once it is durable, and heartbeats', async () => {
  const edge = await openEdge()
  const stage = await openStage({ edges: [{ name: 'edge-1', pushUrl: edge.url }] })
  try {
    await until(() => edge.pushes.length === 1, 'the manifest arrives')
    assert.equal(edge.pushes[0]?.magic, MANIFEST)
    assert.equal(edge.pushes[0]?.type, 'application/octet-stream')
    for (let change = 0; change < 3; change += 1) {
      await stage.revoke(await stage.issuer.token())
      await until(() => pushed(stage) === stage.sequence(), 'the change arrives')
    }
    assert.ok(edge.pushes.slice(1).every(({ magic }) => magic === DELTA))
    const count = edge.pushes.length
    await until(() => edge.pushes.length === count + 2, 'two heartbeats arrive')
    assert.deepEqual(stage.reports, [])
  } finally {
    await stage.close()
    await edge.close()
  }
})

test('an edge that cannot follow gets the manifest', async () => {
  const edge = await openEdge(200, 409, 200, 410)
  const stage = await openStage({ edges: [{ name: 'edge-1', pushUrl: edge.url }] })
  try {
    for (let change = 0; change < 2; change += 1) {
      await until(() => pushed(stage) === stage.sequence(), 'the edge is up to date')
      await stage.revoke(await stage.issuer.token())
    }
    await until(() => edge.pushes.length >= 5 && pushed(stage) === stage.sequence(), 'the edge is up to date again')
    assert.deepEqual(
      edge.pushes.slice(0, 5).map(({ magic, answer }) => [magic, answer]),
      [
        [MANIFEST, 200],
        [DELTA, 409],
        [MANIFEST, 200],
        [DELTA, 410],
        [MANIFEST, 200],
      ],
    )
    assert.deepEqual(stage.reports, [])
  } finally {
    await stage.close()
    await edge.close()
  }
})

test('retries a flaky edge and reports it once', async () => {
  const edge = await openEdge(200, 500, 'break', 503, 400)
  const stage = await openStage({ edges: [{ name: 'edge-1', pushUrl: edge.url }] })
  try {
    await until(() => pushed(stage) === stage.sequence(), 'the manifest arrives')
    await stage.revoke(await stage.issuer.token())
    await until(() => pushed(stage) === stage.sequence(), 'the change arrives in the end')
    assert.deepEqual(
      stage.reports.map(({ kind, edge, error }) => [kind, edge, error?.code]),
      [
        ['push', 'edge-1', 'push_failed'],
        ['push', 'edge-1', undefined],
      ],
    )
    assert.ok(!JSON.stringify(stage.reports.map(({ error }) => error?.message)).includes('127.0.0.1'))
  } finally {
    await stage.close()
    await edge.close()
  }
})

test('an edge that hangs blocks no other, and finally gets all changes in one delta', async () => {
  const edge = await openEdge(200, 'hang')
  const quick = await openEdge()
  const stage = await openStage({
    edges: [
      { name: 'edge-1', pushUrl: edge.url },
      { name: 'edge-2', pushUrl: quick.url },
    ],
    pushTimeoutMs: 3_000,
    heartbeatSeconds: 5,
  })
  try {
    await until(() => pushed(stage) === stage.sequence(), 'the manifest arrives')
    for (let change = 0; change < 20; change += 1) {
      await stage.revoke(await stage.issuer.token())
      if (change === 0) assert.deepEqual(stage.reports, [], 'the push that hangs was waited for')
    }
    const before = edge.pushes.length
    await until(
      () => stage.origin.status()[0]?.edges[1]?.pushedSequence === stage.sequence(),
      'the quick edge is up to date',
    )
    await until(() => pushed(stage) === stage.sequence(), 'the slow edge is up to date')
    assert.ok(edge.pushes.length - before <= 2, `${edge.pushes.length - before} pushes for 20 changes`)
  } finally {
    await stage.close()
    await edge.close()
    await quick.close()
  }
})

/** Returns the pushes to an edge that holds the first change until the next delta is long. */
async function pushesOfLongDelta(secret: string | undefined, ...plan: Answer[]): Promise<TestEdge['pushes']> {
  const edge = await openEdge(200, 'hold', ...plan)
  const edges = [{ name: 'edge-1', pushUrl: edge.url, ...(secret === undefined ? {} : { ackSecret: secret }) }]
  const stage = await openStage({ edges, heartbeatSeconds: 5, pushTimeoutMs: 60_000 })
  try {
    await until(() => pushed(stage) === stage.sequence(), 'the manifest arrives')
    await stage.origin.endSession('acme', 'first')
    await until(() => edge.pushes.length === 2, 'the first change is held')
    await Promise.all(Array.from({ length: 12_000 }, (_, user) => stage.origin.logoutUser('acme', `user-${user}`)))
    const before = edge.pushes.length
    edge.release()
    const answers = plan.length + 1
    await until(() => edge.pushes.length >= before + answers, 'the edge is notified')
    assert.deepEqual(stage.reports.filter(({ error }) => error !== undefined).length, plan.length)
    return edge.pushes.slice(before, before + answers)
  } finally {
    await stage.close()
    await edge.close()
  }
}

test('a long delta carries the secret', async () => {
  const [long] = await pushesOfLongDelta('of edge-1')
  assert.ok(long !== undefined && long.bytes > 65_536, `${long?.bytes} bytes`)
  assert.equal(long.authorization, 'Bearer of edge-1')
})

test('sends a heartbeat instead to an edge without a secret, or one that rejected a long delta', async () => {
  const [hint] = await pushesOfLongDelta(undefined)
  assert.ok(hint !== undefined && hint.bytes < 1_000, `${hint?.bytes} bytes`)
  assert.deepEqual([hint.magic, hint.authorization], [DELTA, undefined])
  const [long, second] = await pushesOfLongDelta('of edge-1', 'break')
  assert.ok(long !== undefined && long.bytes > 65_536)
  assert.ok(second !== undefined && second.bytes < 1_000)
})

test('a secret with characters beyond ASCII does not block pushes', async () => {
  const edge = await openEdge()
  const stage = await openStage({ edges: [{ name: 'edge-1', pushUrl: edge.url, ackSecret: 'gehéim' }] })
  try {
    await until(() => pushed(stage) === stage.sequence(), 'the manifest arrives')
    assert.equal(edge.pushes[0]?.authorization, undefined)
  } finally {
    await stage.close()
    await edge.close()
  }
})

test('closing aborts a push that hangs', async () => {
  const edge = await openEdge('hang')
  const stage = await openStage({ edges: [{ name: 'edge-1', pushUrl: edge.url }], pushTimeoutMs: 120_000 })
  await until(() => edge.pushes.length === 1, 'the push is under way')
  const start = performance.now()
  await stage.close()
  assert.ok(performance.now() - start < 60_000)
  await edge.close()
})

test('does not follow a redirect', async () => {
  const edge = await openEdge(302, 302)
  const stage = await openStage({ edges: [{ name: 'edge-1', pushUrl: edge.url }] })
  try {
    await until(() => stage.reports.length > 0, 'the failure is reported')
    assert.equal(stage.reports[0]?.error?.code, 'push_failed')
  } finally {
    await stage.close()
    await edge.close()
  }
})
