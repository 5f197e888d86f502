import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { openStage, type Stage } from '../../testing/stage.ts'

let stage: Stage
before(async () => {
  stage = await openStage({
    edges: [{ name: 'edge-1', ackSecret: 'secret-1' }, { name: 'edge-2', ackSecret: 'secret-2' }, { name: 'silent' }],
  })
})
after(() => stage.close())

function acknowledge(body: unknown, secret?: string): Promise<Response> {
  return stage.post('/feed/acme/acks', body, secret === undefined ? {} : { authorization: `Bearer ${secret}` })
}

function position(): { sequence: number; chain: string } {
  const { sequence = 0, chain = '' } = stage.origin.status()[0] ?? {}
  return { sequence, chain }
}

test('the greatest sequence of each edge is remembered', async () => {
  const first = position()
  await stage.revoke(await stage.issuer.token())
  assert.equal((await acknowledge({ edge: 'edge-1', ...position() }, 'secret-1')).status, 204)
  assert.equal((await acknowledge({ edge: 'edge-1', ...first }, 'secret-1')).status, 204)
  const edges = stage.origin.status()[0]?.edges ?? []
  assert.equal(edges[0]?.sequence, first.sequence + 1)
  assert.ok(Math.abs((edges[0]?.acknowledgedAt ?? 0) - Date.now() / 1000) < 5)
  assert.equal(edges[1]?.sequence, undefined)
})

test('an acknowledgement without the secret of its edge is refused', async () => {
  const body = { edge: 'edge-1', ...position() }
  const bare = await acknowledge(body)
  assert.equal(bare.status, 401)
  assert.equal(bare.headers.get('www-authenticate'), 'Bearer')
  for (const [edge, secret] of [
    ['edge-1', 'secret-2'],
    ['edge-1', ''],
    ['unknown', 'secret-1'],
    ['silent', ''],
    ['silent', 'undefined'],
  ] as const) {
    assert.equal((await acknowledge({ ...body, edge }, secret)).status, 401, `${edge} ${secret}`)
  }
})

test('an acknowledgement of an unknown sequence is reported, once until it is over', async () => {
  const ahead = { edge: 'edge-2', ...position(), sequence: position().sequence + 1 }
  assert.equal((await acknowledge(ahead, 'secret-2')).status, 409)
  assert.equal((await acknowledge({ edge: 'edge-2', ...position(), chain: 'f'.repeat(32) }, 'secret-2')).status, 409)
  assert.equal((await acknowledge({ edge: 'edge-2', ...position() }, 'secret-2')).status, 204)
  assert.deepEqual(
    stage.reports.map(({ kind, edge, error }) => ({ kind, edge, code: error?.code, detail: error?.detail })),
    [
      { kind: 'acknowledgement', edge: 'edge-2', code: 'acknowledged_ahead', detail: 'ahead' },
      { kind: 'acknowledgement', edge: 'edge-2', code: undefined, detail: undefined },
    ],
  )
})

test('an invalid acknowledgement is refused', async () => {
  const good = { edge: 'edge-1', ...position() }
  const bad = [
    {},
    { ...good, edge: 7 },
    { ...good, sequence: '1' },
    { ...good, sequence: -1 },
    { ...good, sequence: 1.5 },
    { ...good, chain: 'x' },
    { ...good, chain: 7 },
    { ...good, more: 1 },
    ...['1', -1, 1.5, null, true].map((minor) => ({ ...good, minor })),
  ]
  for (const body of bad) assert.equal((await acknowledge(body, 'secret-1')).status, 400, JSON.stringify(body))
  assert.equal((await stage.post('/feed/other/acks', good, { authorization: 'Bearer secret-1' })).status, 404)
})

test('an edge names its minor version in the query or in the body', async () => {
  const minor = (): number | undefined => stage.origin.status()[0]?.edges.find(({ name }) => name === 'edge-1')?.minor
  const say = async (query: string, member: object = {}): Promise<number> => {
    const body = { edge: 'edge-1', ...position(), ...member }
    return (await stage.post(`/feed/acme/acks${query}`, body, { authorization: 'Bearer secret-1' })).status
  }
  for (const [query, member, expected] of [
    ['', {}, 0],
    ['?minor=1', {}, 1],
    ['?minor=0', {}, 0],
    ['', { minor: 1 }, 1],
    ['?minor=1', { minor: 1 }, 1],
    ['?minor=99', {}, 99],
    ['', { minor: 99 }, 99],
  ] as const) {
    assert.equal(await say(query, member), 204)
    assert.equal(minor(), expected, `${query} ${JSON.stringify(member)}`)
  }
  // A contradictory one, or one with another edge's secret, changes nothing.
  assert.equal(await say('?minor=1', { minor: 0 }), 400)
  assert.equal(
    (
      await stage.post(
        '/feed/acme/acks?minor=1',
        { edge: 'edge-1', ...position() },
        { authorization: 'Bearer secret-2' },
      )
    ).status,
    401,
  )
  assert.equal(await say('?minor=1', { chain: 'f'.repeat(32) }), 409)
  assert.equal(minor(), 99)
  const shown = (await (await stage.administer('GET', '/admin/realms/acme/edges')).json()) as {
    name: string
    minor?: number
  }[]
  assert.deepEqual(
    shown.map((edge) => edge.minor),
    [99, 0, undefined],
  )
})
