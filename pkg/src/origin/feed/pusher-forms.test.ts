// Pushes to edges of different minor versions, and to edges that claim a minor version which they do not support.

import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { TestServer } from '../../test-fixtures/server.ts'
import type { OriginOptions } from '../options.ts'
import { openStage, type Stage, until } from '../testing/stage.ts'

/** The offset of the minor version in a statement. */
const MINOR_AT = 5
const MANIFEST = 'PCLM'

interface Push {
  minor: number | undefined
  isManifest: boolean
  answer: number
}

interface TestEdge {
  name: string
  pushUrl: string
  pushes: Push[]
  /** Returns the status of the next push. Default 200. */
  answer: (push: Omit<Push, 'answer'>) => number | Promise<number>
}

async function openEdge(t: TestContext, name: string): Promise<TestEdge> {
  const server = await TestServer.start((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', async () => {
      const body = Buffer.concat(chunks)
      const push = { minor: body[MINOR_AT], isManifest: body.subarray(0, 4).toString() === MANIFEST }
      const answer = await edge.answer(push)
      edge.pushes.push({ ...push, answer })
      response.writeHead(answer).end('{}')
    })
  })
  t.after(() => server.close())
  const edge: TestEdge = { name, pushUrl: `${server.url}/`, pushes: [], answer: () => 200 }
  return edge
}

async function openOrigin(
  t: TestContext,
  edges: readonly TestEdge[],
  more: Partial<OriginOptions> = {},
): Promise<Stage> {
  const stage = await openStage({
    edges: edges.map(({ name, pushUrl }) => ({ name, pushUrl, ackSecret: `of ${name}` })),
    heartbeatSeconds: 5,
    ...more,
  })
  t.after(() => stage.close())
  await until(() => edges.every((edge) => edge.pushes.length > 0 && isUpToDate(stage, edge)), 'the first pushes arrive')
  return stage
}

function isUpToDate(stage: Stage, { name }: TestEdge): boolean {
  return statusOf(stage, name)?.pushedSequence === stage.sequence()
}

function statusOf(
  stage: Stage,
  edge: string,
): { pushedSequence: number | undefined; minor: number | undefined } | undefined {
  return stage.origin.status()[0]?.edges.find(({ name }) => name === edge)
}

/** Acknowledges the edge's position, and its minor version if given. */
async function acknowledge(stage: Stage, { name }: TestEdge, minor?: number): Promise<void> {
  const { sequence, chain } = stage.origin.status()[0] ?? { sequence: 0, chain: '' }
  const body = { edge: name, sequence, chain, issuedAt: Math.floor(Date.now() / 1000) }
  const query = minor === undefined ? '' : `?minor=${minor}`
  assert.equal((await stage.post(`/feed/acme/acks${query}`, body, { authorization: `Bearer of ${name}` })).status, 204)
}

/** Records a change, and returns the pushes to the edge until it has it. */
async function pushesOfChange(stage: Stage, edge: TestEdge): Promise<Push[]> {
  const before = edge.pushes.length
  await stage.revoke(await stage.issuer.token())
  await until(() => isUpToDate(stage, edge), `${edge.name} has the change`)
  return edge.pushes.slice(before)
}

const reportsOf = (stage: Stage): unknown[] =>
  stage.reports.map(({ kind, realm, edge, error }) => [kind, realm, edge, error?.detail])

const delta = (minor: number, answer = 200): Push => ({ minor, isManifest: false, answer })
const manifest = (minor: number, answer = 200): Push => ({ minor, isManifest: true, answer })

test('pushes form 0 to an edge until it names its minor version, and to each edge its own form', async (t) => {
  const [old, unheard, recent, later] = [
    await openEdge(t, 'old'),
    await openEdge(t, 'unheard'),
    await openEdge(t, 'recent'),
    await openEdge(t, 'later'),
  ]
  const edges = [old, unheard, recent, later]
  const stage = await openOrigin(t, edges)
  assert.deepEqual(
    edges.map(({ pushes }) => pushes[0]),
    edges.map(() => manifest(0)),
  )
  await acknowledge(stage, old)
  await acknowledge(stage, recent, 1)
  await acknowledge(stage, later, 99)
  await stage.revoke(await stage.issuer.token())
  await until(() => edges.every((edge) => isUpToDate(stage, edge)), 'all have the change')
  assert.deepEqual(
    edges.map(({ pushes }) => pushes.at(-1)),
    [delta(0), delta(0), delta(1), delta(1)],
  )
  assert.deepEqual(
    edges.map(({ name }) => statusOf(stage, name)?.minor),
    [0, undefined, 1, 99],
  )
  // An older instance replaces it.
  await acknowledge(stage, recent)
  assert.deepEqual(await pushesOfChange(stage, recent), [delta(0)])
  assert.deepEqual(reportsOf(stage), [])
})

test('an edge that refuses the form it named gets form 0 at once, until it acknowledges again', async (t) => {
  const edge = await openEdge(t, 'edge-1')
  const stage = await openOrigin(t, [edge])
  await acknowledge(stage, edge, 1)
  assert.deepEqual(await pushesOfChange(stage, edge), [delta(1)])
  edge.answer = ({ minor }) => (minor === 0 ? 200 : 400)
  assert.deepEqual(await pushesOfChange(stage, edge), [delta(1, 400), manifest(0)])
  assert.equal(statusOf(stage, 'edge-1')?.minor, undefined)
  assert.deepEqual(await pushesOfChange(stage, edge), [delta(0)])
  assert.deepEqual(reportsOf(stage), [['push', 'acme', 'edge-1', 'minor']])
  // An older instance has replaced it, and states so.
  await acknowledge(stage, edge)
  assert.deepEqual(await pushesOfChange(stage, edge), [delta(0)])
  assert.deepEqual(reportsOf(stage).slice(1), [['push', 'acme', 'edge-1', undefined]])
  edge.answer = () => 200
  await acknowledge(stage, edge, 1)
  assert.deepEqual(await pushesOfChange(stage, edge), [delta(1)])
  assert.equal(stage.reports.length, 2)
})

test('an edge that claims an unsupported minor version still gets every change, and is reported once', async (t) => {
  const [liar, other] = [await openEdge(t, 'liar'), await openEdge(t, 'other')]
  liar.answer = ({ minor }) => (minor === 0 ? 200 : 400)
  const stage = await openOrigin(t, [liar, other])
  for (let change = 0; change < 5; change += 1) {
    await acknowledge(stage, liar, 1)
    assert.deepEqual(await pushesOfChange(stage, liar), [delta(1, 400), manifest(0)])
  }
  assert.equal(other.pushes.filter(({ minor }) => minor === 0).length, other.pushes.length)
  // No report with `status`: no push counted as failed, so no pause followed.
  assert.deepEqual(reportsOf(stage), [['push', 'acme', 'liar', 'minor']])
})

test('an acknowledgement does not restore the refused form before the change has arrived', async (t) => {
  const edge = await openEdge(t, 'edge-1')
  const stage = await openOrigin(t, [edge])
  await acknowledge(stage, edge, 1)
  let failures = 1
  edge.answer = async ({ minor }) => {
    if (minor !== 0) return 400
    if (failures-- === 0) return 200
    await acknowledge(stage, edge, 1)
    return 503
  }
  assert.deepEqual(await pushesOfChange(stage, edge), [delta(1, 400), manifest(0, 503), manifest(0)])
})

test('an edge that refuses every form counts as failing', async (t) => {
  const edge = await openEdge(t, 'edge-1')
  const stage = await openOrigin(t, [edge])
  await acknowledge(stage, edge, 1)
  let refusals = 3
  edge.answer = () => (refusals-- > 0 ? 400 : 200)
  assert.deepEqual(await pushesOfChange(stage, edge), [delta(1, 400), manifest(0, 400), manifest(0, 400), manifest(0)])
  assert.deepEqual(reportsOf(stage), [
    ['push', 'acme', 'edge-1', 'minor'],
    ['push', 'acme', 'edge-1', 'status'],
    ['push', undefined, 'edge-1', undefined],
  ])
})
