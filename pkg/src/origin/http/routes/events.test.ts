import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { AuditEntry, StoredAuditEntry } from '../../index.ts'
import { ADMINISTRATOR, createTestIssuer, openStage, type Stage, type TestIssuer } from '../../testing/stage.ts'

const EVENTS = '/admin/realms/acme/events'
const LINES = 1_100

let stage: Stage
let other: TestIssuer
let token: string
before(async () => {
  const acme = await createTestIssuer('acme')
  other = await createTestIssuer('other', 'https://issuer.test/realms/other')
  // Published keys are also lines of the log.
  stage = await openStage({ realms: [acme.realm, other.realm].map((realm) => ({ ...realm, keysInFeed: 'omit' })) })
  token = await acme.token(ADMINISTRATOR)
  const entries = Array.from(
    { length: LINES },
    (_, index): Omit<AuditEntry, 'at'> => ({
      realm: 'acme',
      action: index % 2 === 0 ? 'login' : 'logout',
      actor: `user:${index % 10}`,
      subject: String(index),
    }),
  )
  await Promise.all(entries.map((entry) => stage.origin.audit.note(entry)))
  await stage.origin.audit.note({ realm: 'other', action: 'login', subject: 'elsewhere' })
})
after(() => stage.close())

function ask(query = '', headers: Record<string, string> = {}): Promise<Response> {
  return stage.get(EVENTS + query, { headers: { authorization: `Bearer ${token}`, ...headers } })
}

async function page(query = ''): Promise<StoredAuditEntry[]> {
  const response = await ask(query)
  assert.equal(response.status, 200, query)
  assert.equal(response.headers.get('content-type'), 'application/json')
  assert.equal(response.headers.get('cache-control'), 'no-store')
  return (await response.json()) as StoredAuditEntry[]
}

const subjects = (entries: StoredAuditEntry[]): number[] => entries.map(({ subject }) => Number(subject))
/** The subjects in descending order from the newest. */
const down = (count: number, from = LINES - 1, step = 1): number[] =>
  Array.from({ length: count }, (_, index) => from - index * step)

test('returns the newest lines first, a hundred at a time by default', async () => {
  const entries = await page()
  assert.deepEqual(subjects(entries), down(100))
  const [{ at = 0, ...newest } = {}] = entries
  assert.deepEqual(newest, { id: LINES, realm: 'acme', action: 'logout', actor: 'user:9', subject: '1099' })
  assert.ok(Math.abs(at - Date.now() / 1000) < 60)
  assert.deepEqual(subjects(await page('?max=3')), down(3))
  assert.equal((await page('?max=1000')).length, 1_000)
})

test('each page leads to the next one, with the same filter, until the last', async () => {
  let next: string | undefined = '?max=100&action=login&actor=user%3A4'
  const found: number[] = []
  let pages = 0
  while (next !== undefined) {
    const response = await ask(next)
    found.push(...subjects((await response.json()) as StoredAuditEntry[]))
    const link: string | null = response.headers.get('link')
    const target: string | undefined = link === null ? undefined : /^<(.*)>; rel="next"$/.exec(link)?.[1]
    assert.ok(link === null || target?.startsWith(`${EVENTS}?`), `link is ${link}`)
    next = target?.slice(EVENTS.length)
    pages += 1
  }
  assert.deepEqual(found, down(110, 1_094, 10))
  assert.equal(pages, 2)
  // Exactly as many as exist: no page follows.
  assert.equal((await ask('?max=110&actor=user%3A4')).headers.get('link'), null)
})

test('filters limit it', async () => {
  const now = Math.floor(Date.now() / 1000)
  assert.deepEqual(subjects(await page('?subject=77')), [77])
  assert.deepEqual(await page('?subject=elsewhere'), [])
  assert.deepEqual(await page('?action=key_banned'), [])
  assert.deepEqual(await page(`?from=${now + 3_600}`), [])
  assert.deepEqual(await page(`?to=${now - 3_600}`), [])
  assert.equal((await page(`?from=${now - 3_600}&to=${now + 3_600}&max=7`)).length, 7)
  assert.deepEqual(subjects(await page('?before=3')), [1, 0])
  assert.deepEqual(await page('?before=0'), [])
})

test('returns all of it as JSON lines', async () => {
  for (const [query, accept] of [
    ['?format=jsonl', '*/*'],
    ['', 'application/x-ndjson'],
    ['', 'text/html, Application/X-NDJSON; q=0.9'],
  ] as const) {
    const response = await ask(query, { accept })
    assert.equal(response.status, 200)
    assert.equal(response.headers.get('content-type'), 'application/x-ndjson')
    const text = await response.text()
    assert.ok(text.endsWith('}\n'))
    const entries = text
      .trimEnd()
      .split('\n')
      .map((each) => JSON.parse(each) as StoredAuditEntry)
    assert.deepEqual(subjects(entries), down(LINES))
  }
  const some = await (await ask('?format=jsonl&max=600&action=login')).text()
  assert.deepEqual(
    subjects(
      some
        .trimEnd()
        .split('\n')
        .map((each) => JSON.parse(each) as StoredAuditEntry),
    ),
    down(550, 1_098, 2),
  )
  assert.equal(await (await ask('?format=jsonl&subject=nobody')).text(), '')
  assert.equal(
    (await ask('?format=json', { accept: 'application/x-ndjson' })).headers.get('content-type'),
    'application/json',
  )
  assert.equal((await ask('', { accept: 'application/x-ndjson;q=0' })).headers.get('content-type'), 'application/json')
  assert.equal(
    (await stage.get(`${EVENTS}?format=jsonl`, { method: 'HEAD', headers: { authorization: `Bearer ${token}` } }))
      .status,
    200,
  )
})

test('an unfinished export blocks nothing', async () => {
  const response = await ask('?format=jsonl')
  const reader = response.body?.getReader()
  assert.equal((await reader?.read())?.done, false)
  await reader?.cancel()
  assert.equal((await page('?max=1')).length, 1)
})

test('control characters and newlines in a line are escaped', async () => {
  const reason = 'a "quote",\na line\u2028and \u0000\u001b[31m <script>'
  await stage.origin.audit.note({ realm: 'other', action: 'logout', reason, subject: 'escaped' })
  const headers = { authorization: `Bearer ${await other.token(ADMINISTRATOR)}` }
  const text = await (await stage.get('/admin/realms/other/events?format=jsonl&subject=escaped', { headers })).text()
  assert.equal(text.split('\n').length, 2)
  assert.ok(!/[\u0000\u001b]/.test(text))
  assert.equal((JSON.parse(text) as StoredAuditEntry).reason, reason.replace('\0', '\ufffd'))
})

test('refuses an invalid query in the common error format', async () => {
  const before = await page('?max=1')
  const bad = [
    'limit=3',
    'action=Login',
    'action=',
    'action=login&action=logout',
    'max=0',
    'max=1001',
    'max=-1',
    'max=1.5',
    'max=1e2',
    'max=',
    'max=99999999999999999999',
    'before=x',
    'before=9007199254740992',
    'from=-1',
    'from=now',
    'from=1&from=1',
    'to=0x1',
    'format=csv',
    'format=jsonl&format=json',
    'actor=',
    `${'x'.repeat(5_000)}=1`,
    '%00=1',
    '__proto__=1',
    'format=jsonl&max=1001',
    'first=0',
  ]
  for (const query of bad) {
    const response = await ask(`?${query}`)
    assert.equal(response.status, 400, query)
    const { error, error_description: description, ...more } = (await response.json()) as Record<string, string>
    assert.equal(error, 'invalid_request')
    assert.deepEqual(more, {})
    assert.ok(description !== undefined && !description.includes('xxx'), query)
  }
  assert.deepEqual(await page('?max=1'), before)
})

test('only an administrator of the realm may read it, with any query', async () => {
  const elsewhere = await other.token(ADMINISTRATOR)
  for (const query of ['', '?max=0', '?format=jsonl']) {
    assert.equal((await stage.get(EVENTS + query)).status, 401)
    assert.equal((await ask(query, { authorization: 'Bearer x' })).status, 401)
    assert.equal((await ask(query, { authorization: `Bearer ${await other.token()}` })).status, 403)
    assert.equal((await ask(query, { authorization: `Bearer ${elsewhere}` })).status, 403)
  }
  const response = await stage.get(EVENTS, { method: 'POST', headers: { authorization: `Bearer ${token}` } })
  assert.equal(response.status, 405)
  assert.equal(response.headers.get('allow'), 'GET, HEAD')
})

test('the log has refusals, without anything that the client sent', async () => {
  const acme = await createTestIssuer('acme')
  const own = await openStage({
    realms: [acme.realm, other.realm].map((realm) => ({ ...realm, keysInFeed: 'omit' })),
    edges: [{ name: 'edge', ackSecret: 'secret' }],
    feedCredential: 'feed',
  })
  try {
    const post = (path: string, body: unknown, authorization?: string): Promise<Response> =>
      own.post(path, body, authorization === undefined ? {} : { authorization })
    const user = `Bearer ${await acme.token({ sub: 'mallory' })}`
    assert.equal((await post('/v1/auth/token/revoke', { token: 'attacker.attacker.attacker' })).status, 401)
    assert.equal(
      (await post('/v1/auth/token/revoke', { token: await acme.token({ token_use: 'refresh' }) })).status,
      401,
    )
    assert.equal((await post('/admin/realms/acme/users/attacker/logout', {})).status, 401)
    assert.equal((await post('/admin/realms/acme/users/attacker/logout', {}, 'Bearer attacker')).status, 401)
    assert.equal((await post('/admin/realms/acme/users/attacker/logout', {}, user)).status, 403)
    assert.equal((await post('/admin/realms/attacker/users/a/logout', {}, user)).status, 403)
    const acknowledgement = { edge: 'edge', sequence: 0, chain: '0'.repeat(32) }
    assert.equal((await post('/feed/acme/acks', acknowledgement, 'Bearer attacker')).status, 401)
    // Not a write, not a refusal, or unknown.
    assert.equal((await own.get('/feed/acme/manifest')).status, 401)
    assert.equal((await post('/v1/auth/token/revoke', { tokens: 'attacker' })).status, 400)
    assert.equal((await own.get('/attacker')).status, 404)
    const listed = async (realm: string): Promise<(string | undefined)[][]> => {
      const lines = await own.origin.audit.list({ realm, limit: 100 })
      for (const line of lines) {
        const { id, at, sequence, ...rest } = line
        assert.deepEqual(Object.keys(rest).sort(), ['action', 'address', 'detail', 'realm', 'subject'])
        assert.equal(line.action, 'refused')
        assert.ok(
          line.address === '127.0.0.1' || line.address === '::1' || line.address === '::ffff:127.0.0.1',
          line.address,
        )
        assert.doesNotMatch(JSON.stringify(line), /attacker|mallory|eyJ/)
      }
      return lines.map(({ subject, detail }) => [subject, detail]).reverse()
    }
    const everywhere = [
      ['/v1/auth/token/revoke', 'invalid_token'],
      ['/v1/auth/token/revoke', 'unexpected_token_use'],
    ]
    const unknown = ['/admin/realms/{realm}/users/{id}/logout', 'insufficient_scope']
    assert.deepEqual(await listed('other'), [...everywhere, unknown])
    assert.deepEqual(await listed('acme'), [
      ...everywhere,
      ['/admin/realms/{realm}/users/{id}/logout', 'missing_token'],
      ['/admin/realms/{realm}/users/{id}/logout', 'invalid_token'],
      ['/admin/realms/{realm}/users/{id}/logout', 'insufficient_scope'],
      unknown,
      ['/feed/{realm}/acks', 'invalid_token'],
    ])
  } finally {
    await own.close()
  }
})
