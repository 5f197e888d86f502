import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, request, type RequestOptions } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { RequestSource } from '../../api.ts'
import type { Connector } from '../../connectors/connector.ts'
import { toNodeListener } from '../../node/index.ts'
import { openStage, type Stage } from '../../testing/stage.ts'

/** A connector that has polled once and has one act waiting. */
const connector: Connector = {
  name: 'idp',
  realm: 'acme',
  connect: ({ metrics }) => ({
    receivers: {},
    start() {
      metrics.polled('user_events', 'done')
      metrics.lag('user_events', 1.5)
      metrics.waiting(1)
    },
    close: () => Promise.resolve(),
  }),
}

let stage: Stage
before(async () => {
  stage = await openStage({
    connectors: [connector],
    edges: [
      { name: 'edge-1', ackSecret: 'secret-1' },
      { name: 'edge "2"', ackSecret: 'secret-2' },
    ],
  })
})
after(async () => stage.close())

/** Returns the samples, keyed by name and labels. */
async function scrape(): Promise<Map<string, number>> {
  const answer = await stage.get('/metrics')
  assert.equal(answer.status, 200)
  const text = await answer.text()
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return new Map(
    lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]),
  )
}

test('revocations, edges, commits and refusals are measured', async () => {
  const before = await scrape()
  assert.equal(before.get('portcullis_revocations_total{realm="acme",kind="token"}'), 0)
  assert.equal((await stage.revoke(await stage.issuer.token())).status, 200)
  assert.equal((await stage.revoke(await stage.issuer.token())).status, 200)
  assert.equal((await stage.revoke('nonsense')).status, 401)
  await stage.origin.endGrant('acme', 'alice', 'demo')
  await stage.origin.raiseKeyNotBefore('acme', String(stage.issuer.jwk.kid), { notBefore: 1 })
  const status = stage.origin.status()[0]
  assert.ok(status)
  const acknowledgement = { edge: 'edge-1', sequence: status.sequence, chain: status.chain }
  assert.equal((await stage.post('/feed/acme/acks', acknowledgement, { authorization: 'Bearer secret-1' })).status, 204)
  assert.equal((await stage.revoke(await stage.issuer.token())).status, 200)

  const now = await scrape()
  assert.equal(now.get('portcullis_revocations_total{realm="acme",kind="token"}'), 3)
  assert.equal(now.get('portcullis_revocations_total{realm="acme",kind="grant"}'), 1)
  assert.equal(now.get('portcullis_revocations_total{realm="acme",kind="keyNotBefore"}'), 1)
  assert.equal(now.get('portcullis_grants{realm="acme"}'), 1)
  assert.equal(now.get('portcullis_key_not_befores{realm="acme"}'), 1)
  assert.equal(now.get('portcullis_sequence{realm="acme"}'), stage.sequence())
  assert.equal(now.get('portcullis_token_ids{realm="acme"}'), 3)
  assert.equal(now.get('portcullis_edge_lag{realm="acme",edge="edge-1"}'), 1)
  assert.equal(now.has('portcullis_edge_lag{realm="acme",edge="edge \\"2\\""}'), false)
  assert.equal(now.get('portcullis_edges{realm="acme",state="behind"}'), 1)
  assert.equal(now.get('portcullis_edges{realm="acme",state="unheard"}'), 1)
  assert.ok(
    Number(now.get('portcullis_edge_acknowledged_timestamp_seconds{realm="acme",edge="edge-1"}')) > 1_700_000_000,
  )
  assert.equal(now.get('portcullis_refusals_total{route="/v1/auth/token/revoke",error="invalid token"}'), 1)
  assert.equal(now.get('portcullis_requests_total{route="/v1/auth/token/revoke",method="POST",status="200"}'), 3)
  const commits = now.get('portcullis_store_commit_seconds_count') ?? 0
  assert.ok(commits >= 1)
  assert.equal(now.get('portcullis_store_commit_seconds_bucket{le="+Inf"}'), commits)
})

test('the body is OpenMetrics', async () => {
  const answer = await stage.get('/metrics')
  assert.equal(answer.headers.get('content-type'), 'application/openmetrics-text; version=1.0.0; charset=utf-8')
  const text = await answer.text()
  assert.ok(text.endsWith('# EOF\n'))
  const families = new Map<string, string>()
  const seen = new Set<string>()
  for (const line of text.trimEnd().split('\n').slice(0, -1)) {
    const type = /^# TYPE (\w+) (\w+)$/.exec(line)
    if (type !== null) {
      assert.ok(!families.has(type[1] ?? ''), line)
      families.set(type[1] ?? '', type[2] ?? '')
      continue
    }
    if (line.startsWith('# UNIT ') || line.startsWith('# HELP ')) continue
    const sample = /^(\w+)(?:\{(?:\w+="(?:[^"\\\n]|\\[\\n"])*",?)*\})? (-?[\d.e+-]+)$/.exec(line)
    assert.ok(sample, line)
    // A sample belongs to the family announced last, with the suffix that its type requires.
    const [family = '', kind = ''] = [...families].at(-1) ?? []
    const suffixes =
      { counter: ['_total'], gauge: [''], info: ['_info'], histogram: ['_bucket', '_sum', '_count'] }[kind] ?? []
    assert.ok(
      suffixes.some((suffix) => sample[1] === family + suffix),
      line,
    )
    const series = line.slice(0, line.lastIndexOf(' '))
    assert.ok(!seen.has(series), line)
    seen.add(series)
  }
})

test('measures connectors', async () => {
  const now = await scrape()
  assert.equal(
    now.get('portcullis_connector_polls_total{realm="acme",connector="idp",source="user_events",outcome="done"}'),
    1,
  )
  assert.equal(now.get('portcullis_connector_lag_seconds{realm="acme",connector="idp",source="user_events"}'), 1.5)
  assert.equal(now.get('portcullis_connector_waiting{realm="acme",connector="idp"}'), 1)
})

test('the example alerts name existing metrics', async () => {
  const rules = readFileSync(new URL('../../../../alerts.yml', import.meta.url), 'utf8')
  const measured = [...(await scrape()).keys()].map((series) => series.replace(/\{.*/, ''))
  const named = [...new Set(rules.match(/portcullis_\w+/g))]
  assert.ok(named.length > 5)
  for (const name of named) assert.ok(measured.includes(name), name)
})

test('only this machine may read without a credential', async () => {
  const from = async (
    source: RequestSource,
    url = 'http://127.0.0.1:8780',
    headers: Record<string, string> = {},
  ): Promise<number> => (await stage.origin.fetch(new Request(`${url}/metrics`, { headers }), source)).status
  const near = { address: '127.0.0.1' }
  assert.equal(await from(near), 200)
  assert.equal(await from({ address: '::1' }, 'http://localhost'), 200)
  assert.equal(await from({ address: '203.0.113.7' }, 'https://localhost'), 403)
  // A page of another site whose name was rebound to 127.0.0.1.
  for (const url of ['http://evil.test', 'https://origin.example', 'http://127.0.0.1.evil.test'])
    assert.equal(await from(near, url), 403, url)
  // The address is unknown, and the client chooses its Host.
  for (const source of [{}, { connection: 'unaddressed' } as const])
    assert.equal(await from(source, 'https://localhost'), 403)
  // A proxy on this machine forwards for another client.
  assert.equal(await from(near, undefined, { 'x-forwarded-for': '203.0.113.7' }), 403)
})

test('over a Unix socket and over rebound names, by real requests', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'portcullis-metrics-'))
  const socketPath = join(folder, 'origin.sock')
  const server = createServer(toNodeListener(stage.origin)).listen(socketPath)
  await once(server, 'listening')
  t.after(async () => {
    server.close()
    server.closeAllConnections()
    await rm(folder, { recursive: true, force: true })
  })
  const status = (options: RequestOptions): Promise<number | undefined> =>
    new Promise((resolve, reject) => {
      request(
        { path: '/metrics', ...options },
        (answer) => void answer.resume().once('end', () => resolve(answer.statusCode)),
      )
        .once('error', reject)
        .end()
    })
  for (const host of ['localhost', '127.0.0.1', '[::1]', 'origin.example']) {
    assert.equal(await status({ socketPath, headers: { host } }), 403, host)
    assert.equal(await status({ socketPath, path: '/feed/acme/manifest', headers: { host } }), 403, host)
  }
  const { hostname, port } = new URL(stage.server.url)
  for (const [host, expected] of [
    ['localhost', 200],
    [`127.0.0.1:${port}`, 200],
    ['evil.test', 403],
    [`evil.test:${port}`, 403],
  ] as const) {
    assert.equal(await status({ hostname, port, headers: { host } }), expected, host)
  }
})

test('any client may read with the credential', async () => {
  const own = await openStage({ metricsCredential: 'scraper' })
  const from = (headers: Record<string, string>): Promise<Response> =>
    own.origin.fetch(new Request('https://origin.example/metrics', { headers }), { address: '203.0.113.7' })
  try {
    assert.equal((await from({ authorization: 'Bearer scraper' })).status, 200)
    assert.equal((await from({ authorization: 'Bearer other' })).status, 401)
    assert.equal((await from({})).status, 401)
    assert.equal((await own.get('/metrics')).status, 401)
  } finally {
    await own.close()
  }
})
