import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, beforeEach, describe, test } from 'node:test'
import { PortcullisError } from '../../errors.ts'
import { openDatabase } from '../../origin/store/sqlite/database.ts'
import type { OriginReport } from '../../origin/api.ts'
import { openStage, type Stage, until } from '../../origin/testing/stage.ts'
import {
  createRefreshTokens,
  opaqueToken,
  type RefreshTokens,
  type RefreshTokensOptions,
  type Rotation,
} from './index.ts'

let stage: Stage
let folder: string
let files = 0

before(async () => {
  stage = await openStage()
  folder = await mkdtemp(join(tmpdir(), 'portcullis-refresh-'))
})
after(async () => {
  await stage.close()
  await rm(folder, { recursive: true })
})

const HOUR_MS = 3_600_000
let nowMs: number
beforeEach(() => void (nowMs = Date.now()))

function open(options: Partial<RefreshTokensOptions> = {}): RefreshTokens {
  const path = join(folder, `${(files += 1)}.db`)
  return createRefreshTokens({
    path,
    realm: 'acme',
    origin: stage.origin,
    nowMs: () => nowMs,
    onReport: () => undefined,
    ...options,
  })
}

/** A login of a distinct user. */
function logIn(
  tokens: RefreshTokens,
  more: { session?: string; subject?: string; client?: string } = {},
): { session: string; subject: string; token: string } {
  const login = {
    session: crypto.randomUUID(),
    subject: crypto.randomUUID(),
    client: 'demo',
    token: opaqueToken(),
    ...more,
  }
  tokens.begin(login)
  return login
}

async function rotate(
  tokens: RefreshTokens,
  presented: string,
  client = 'demo',
): Promise<{ next: string; rotation: Rotation }> {
  const next = opaqueToken()
  return { next, rotation: await tokens.rotate({ presented, next, client }) }
}

async function outcome(tokens: RefreshTokens, presented: string, client = 'demo'): Promise<string> {
  const { rotation } = await rotate(tokens, presented, client)
  return rotation.outcome === 'refused' ? rotation.reason : rotation.outcome
}

/** As the ledger says. */
function hasEnded(session: string): boolean {
  const now = Math.floor(Date.now() / 1000)
  return stage.origin.refuses('acme', { session, issuedAt: now, expiresAt: now + 300 }) === 'session_revoked'
}

describe('rotation', () => {
  test('returns the login; each token is valid once', async () => {
    const tokens = open({ maxSeconds: 7_200 })
    const login = {
      session: 's',
      subject: 'u',
      client: 'demo',
      token: 't1',
      scope: 'openid x',
      tokenVersion: 4,
      address: '203.0.113.1',
    }
    tokens.begin(login)
    const startedAt = Math.floor(nowMs / 1000)
    const first = await tokens.rotate({ presented: 't1', next: 't2', client: 'demo' })
    const family = {
      session: 's',
      subject: 'u',
      client: 'demo',
      scope: 'openid x',
      tokenVersion: 4,
      startedAt,
      endsAt: startedAt + 7_200,
    }
    assert.deepEqual(first, { outcome: 'rotated', family })
    assert.equal((await tokens.rotate({ presented: 't2', next: 't3', client: 'demo' })).outcome, 'rotated')
    assert.deepEqual(tokens.find('t1'), { client: 'demo', session: 's', subject: 'u' })
    assert.equal(tokens.find('t4'), undefined)
    await tokens.close()
  })

  test('stores names completely, even with a NUL in them', async () => {
    const tokens = open()
    const names = { session: 's\u0000a', subject: 'u\u0000a', client: 'c\u0000a' }
    const login = logIn(tokens, names)
    const { next } = await rotate(tokens, login.token, names.client)
    assert.deepEqual(tokens.find(login.token), names)
    assert.deepEqual(
      tokens.sessions(login.subject).map((each) => [each.session, each.clients]),
      [['s\u0000a', ['c\u0000a']]],
    )
    assert.equal(await outcome(tokens, login.token, names.client), 'reused')
    assert.equal(hasEnded('s\u0000a'), true)
    assert.equal(hasEnded('s'), false)
    assert.equal(await outcome(tokens, next, names.client), 'session_ended')
    await tokens.close()
  })

  test('refuses unknown tokens and those of another client; the session continues', async () => {
    const tokens = open()
    const { token } = logIn(tokens)
    assert.equal(await outcome(tokens, 'never given'), 'unknown_token')
    assert.equal(await outcome(tokens, ''), 'unknown_token')
    assert.equal(await outcome(tokens, token, 'backend'), 'other_client')
    const { next } = await rotate(tokens, token)
    assert.equal(await outcome(tokens, token, 'backend'), 'other_client')
    assert.equal(await outcome(tokens, next), 'rotated')
    await tokens.close()
  })

  test('of another realm is unknown', async () => {
    const database = openDatabase(join(folder, 'realms.db'))
    const tokens = createRefreshTokens({ database, realm: 'acme', origin: stage.origin })
    const others = createRefreshTokens({ database, realm: 'other', origin: stage.origin })
    const { token, subject } = logIn(tokens)
    assert.equal(await outcome(others, token), 'unknown_token')
    assert.deepEqual(others.sessions(subject), [])
    assert.equal(await outcome(tokens, token), 'rotated')
    await Promise.all([tokens.close(), others.close()])
    database.close()
  })

  test('ends after too long a time unused or in total', async () => {
    const tokens = open({ idleSeconds: 1_800, maxSeconds: 3_600 })
    const idle = logIn(tokens)
    let { token } = logIn(tokens)
    nowMs += 1_799_000
    token = (await rotate(tokens, token)).next
    nowMs += 1_000
    assert.equal(await outcome(tokens, idle.token), 'expired')
    token = (await rotate(tokens, token)).next
    nowMs += 799_000
    token = (await rotate(tokens, token)).next
    nowMs += 1_001_000
    assert.equal(await outcome(tokens, token), 'expired')
    assert.equal(hasEnded(idle.session), false)
    await tokens.close()
  })

  test('follows the ledger: session, user, client, realm and token version', async () => {
    const tokens = open()
    const [session, user, version, raised] = [logIn(tokens), logIn(tokens), logIn(tokens), logIn(tokens)]
    await stage.origin.endSession('acme', session.session)
    await stage.origin.logoutUser('acme', user.subject)
    await stage.origin.raiseTokenVersion('acme', version.subject, 2)
    assert.equal(await outcome(tokens, session.token), 'session_revoked')
    assert.equal(await outcome(tokens, user.token), 'user_revoked')
    assert.equal(await outcome(tokens, version.token), 'version_revoked')
    assert.equal(await outcome(tokens, raised.token), 'rotated')
    const later = { session: 'later', subject: version.subject, client: 'demo', token: opaqueToken(), tokenVersion: 2 }
    tokens.begin(later)
    assert.equal(await outcome(tokens, later.token), 'rotated')
    await tokens.close()
  })

  test('of a client that has left its session is refused; the session continues for the others', async () => {
    const tokens = open()
    const left = logIn(tokens)
    const other = logIn(tokens, { session: left.session, subject: left.subject, client: 'backend' })
    await stage.origin.endClientSession('acme', left.session, 'demo')
    assert.equal(await outcome(tokens, left.token), 'session_revoked')
    assert.deepEqual(
      tokens.sessions(left.subject).map(({ clients }) => clients),
      [['backend']],
    )
    assert.equal(await outcome(tokens, other.token, 'backend'), 'rotated')
    await tokens.close()
  })

  test('of a disconnected app is refused, in all its sessions; those of other apps and users are not', async () => {
    const tokens = open()
    const one = logIn(tokens)
    const two = logIn(tokens, { subject: one.subject })
    const sharing = logIn(tokens, { subject: one.subject, session: one.session, client: 'backend' })
    const other = logIn(tokens)
    await stage.origin.endGrant('acme', one.subject, 'demo')
    assert.equal(await outcome(tokens, one.token), 'grant_revoked')
    assert.equal(await outcome(tokens, two.token), 'grant_revoked')
    assert.deepEqual(
      tokens.sessions(one.subject).map(({ session, clients }) => [session, clients]),
      [[one.session, ['backend']]],
    )
    assert.equal(await outcome(tokens, sharing.token, 'backend'), 'rotated')
    assert.equal(await outcome(tokens, other.token), 'rotated')
    const issuedAt = stage.origin.grantNotBefore('acme', one.subject, 'demo') + 1
    tokens.begin({ session: 'again', subject: one.subject, client: 'demo', token: 'connected again', issuedAt })
    assert.equal(await outcome(tokens, 'connected again'), 'rotated')
    await tokens.close()
  })

  test('counts from the creation of the tokens, not from when they were stored', async () => {
    const tokens = open()
    const issuedAt = Math.floor(nowMs / 1000)
    const subject = crypto.randomUUID()
    await stage.origin.logoutUser('acme', subject)
    tokens.begin({ session: crypto.randomUUID(), subject, client: 'demo', token: 'made before', issuedAt })
    assert.equal(await outcome(tokens, 'made before'), 'user_revoked')
    await tokens.close()
  })

  test('stores only hashes, and no token twice', async () => {
    const path = join(folder, 'hashes.db')
    const tokens = open({ path })
    const { token, ...login } = logIn(tokens)
    const { next } = await rotate(tokens, token)
    const database = openDatabase(path)
    const text = JSON.stringify(
      ['refresh_families', 'refresh_tokens'].map((table) => database.prepare(`SELECT * FROM ${table}`).all()),
    )
    database.close()
    assert.ok(text.includes(login.session) && !text.includes(token) && !text.includes(next))
    assert.throws(() => tokens.begin({ ...login, client: 'demo', token }), { code: 'invalid_option' })
    await assert.rejects(tokens.rotate({ presented: next, next: token, client: 'demo' }), { code: 'invalid_option' })
    assert.equal(await outcome(tokens, next), 'rotated')
    await tokens.close()
  })

  test('refuses names that the ledger could not revoke', () => {
    const tokens = open()
    for (const member of ['session', 'subject', 'client']) {
      for (const name of ['', 'x'.repeat(1_025), '€'.repeat(342), 'a\ud800']) {
        assert.throws(() => logIn(tokens, { [member]: name }), {
          code: 'invalid_option',
          message: new RegExp(`login\\.${member} must be`),
        })
      }
      logIn(tokens, { [member]: '€'.repeat(341) })
    }
    tokens.close()
  })
})

describe('a reused token', () => {
  test('ends only its session, here and in the ledger', async () => {
    const tokens = open()
    const subject = crypto.randomUUID()
    const [stolen, other] = [logIn(tokens, { subject }), logIn(tokens, { subject })]
    logIn(tokens, { subject, session: stolen.session, client: 'backend' })
    const { next } = await rotate(tokens, stolen.token)
    const access = await stage.issuer.token({ sid: stolen.session, sub: subject })
    const again = (await rotate(tokens, stolen.token)).rotation
    assert.equal(again.outcome, 'reused')
    assert.equal(again.outcome === 'reused' && again.ledger, 'told')
    assert.ok(hasEnded(stolen.session))
    assert.equal(await outcome(tokens, next), 'session_ended')
    assert.deepEqual(
      tokens.sessions(subject).map(({ session }) => session),
      [other.session],
    )
    const head = stage.sequence()
    assert.equal(await outcome(tokens, stolen.token), 'session_ended')
    assert.equal(stage.sequence(), head)
    assert.equal(await outcome(tokens, other.token), 'rotated')
    // The origin's own gate decides like every edge.
    const judged = await stage.get('/admin/realms/acme/users/u/logout', {
      method: 'POST',
      headers: { authorization: `Bearer ${access}` },
    })
    assert.equal(judged.status, 401)
    await tokens.close()
  })

  test('even if it was spent many rotations ago and has expired meanwhile', async () => {
    const tokens = open({ reuseGraceSeconds: 10 })
    const { session, token } = logIn(tokens)
    let newest = token
    for (let round = 0; round < 4; round += 1) {
      nowMs += 1_000_000
      const { next, rotation } = await rotate(tokens, newest)
      assert.equal(rotation.outcome, 'rotated')
      newest = next
    }
    tokens.sweep()
    assert.equal(await outcome(tokens, token), 'reused')
    assert.ok(hasEnded(session))
    assert.equal(await outcome(tokens, newest), 'session_ended')
    await tokens.close()
  })

  test('counts as a lost race within the grace period, and as stolen after it', async () => {
    const tokens = open({ reuseGraceSeconds: 10 })
    const { token, session } = logIn(tokens)
    const { next } = await rotate(tokens, token)
    nowMs += 9_999
    assert.equal(await outcome(tokens, token), 'lost_race')
    assert.equal(hasEnded(session), false)
    const last = await rotate(tokens, next)
    assert.equal(last.rotation.outcome, 'rotated')
    nowMs += 1
    assert.equal(await outcome(tokens, token), 'reused')
    assert.ok(hasEnded(session))
    assert.equal(await outcome(tokens, last.next), 'session_ended')
    await tokens.close()
  })

  test('gets no longer grace period after a clock went back', async () => {
    const tokens = open({ reuseGraceSeconds: 10 })
    const { token } = logIn(tokens)
    await rotate(tokens, token)
    nowMs -= HOUR_MS
    assert.equal(await outcome(tokens, token), 'reused')
    await tokens.close()
  })
})

for (const [reuseGraceSeconds, lost] of [
  [0, 'reused'],
  [10, 'lost_race'],
] as const) {
  test(`two at once, a hundred times: one wins, with ${reuseGraceSeconds} s of grace the other is '${lost}'`, async () => {
    const tokens = open({ reuseGraceSeconds })
    for (let round = 0; round < 100; round += 1) {
      const { token, session } = logIn(tokens)
      const both = await Promise.all([rotate(tokens, token), rotate(tokens, token)])
      assert.deepEqual(both.map(({ rotation }) => rotation.outcome).sort(), ['rotated', lost].sort())
      assert.equal(hasEnded(session), reuseGraceSeconds === 0)
      const next = both.find(({ rotation }) => rotation.outcome === 'rotated')?.next ?? ''
      assert.equal(await outcome(tokens, next), reuseGraceSeconds === 0 ? 'session_ended' : 'rotated')
    }
    await tokens.close()
  })
}

describe('reports a reuse to the ledger', () => {
  const failing = {
    refuses: (): undefined => undefined,
    endSession: () => Promise.reject(new PortcullisError('store_unavailable', 'full')),
  }

  test('later if it cannot be written now; the session has already ended', async () => {
    const told: string[] = []
    const reports: OriginReport[] = []
    let works = false
    const origin = {
      refuses: (): undefined => undefined,
      async endSession(_realm: string, session: string) {
        if (!works) throw new PortcullisError('store_unavailable', 'full')
        told.push(session)
      },
    }
    const tokens = open({ origin, onReport: (report) => reports.push(report) })
    const { token, session } = logIn(tokens)
    const { next } = await rotate(tokens, token)
    const { rotation } = await rotate(tokens, token)
    assert.equal(rotation.outcome === 'reused' && rotation.ledger, 'to_be_told')
    assert.equal(await outcome(tokens, next), 'session_ended')
    assert.deepEqual(
      reports.map(({ error }) => error?.code),
      ['store_unavailable'],
    )
    assert.equal(await tokens.tellLedger(), 1)
    works = true
    await until(() => told.length > 0, 'the report to the ledger is retried')
    assert.deepEqual(told, [session])
    assert.equal(await tokens.tellLedger(), 0)
    assert.deepEqual(
      reports.map(({ error }) => error?.code),
      ['store_unavailable', undefined],
    )
    await tokens.close()
  })

  test('at the next start if the process ended in between', async () => {
    const path = join(folder, 'killed.db')
    const before = open({ path, origin: { ...failing, endSession: () => new Promise(() => undefined) } })
    const { token, session } = logIn(before)
    await rotate(before, token)
    void rotate(before, token)
    // The first process never reaches its ledger again; the next process opens its file.
    const next = open({ path })
    await until(() => hasEnded(session), 'the ledger has the session')
    assert.equal(await next.tellLedger(), 0)
    await next.close()
  })

  test('even when all its tokens have expired meanwhile', async () => {
    const path = join(folder, 'expired.db')
    const before = open({ path, origin: failing })
    const { token, session } = logIn(before)
    await rotate(before, token)
    await rotate(before, token)
    nowMs += 24 * HOUR_MS
    assert.equal(before.sweep(), 0)
    await before.close()
    const next = open({ path })
    await until(() => hasEnded(session), 'the ledger has the session')
    await next.tellLedger()
    assert.equal(next.sweep(), 1)
    await next.close()
  })
})

test('a session is ended in the ledger first', async () => {
  const tokens = open()
  const { token, session } = logIn(tokens)
  await tokens.endSession(session, { actor: 'user:u' })
  assert.ok(hasEnded(session))
  assert.equal(await outcome(tokens, token), 'session_ended')
  await tokens.close()
  const broken = open({
    origin: {
      refuses: () => undefined,
      endSession: () => Promise.reject(new PortcullisError('store_unavailable', 'full')),
    },
  })
  const lives = logIn(broken)
  await assert.rejects(broken.endSession(lives.session), { code: 'store_unavailable' })
  assert.equal(await outcome(broken, lives.token), 'rotated')
  await broken.close()
})

test('lists the sessions of a user that can be continued', async () => {
  const tokens = open()
  const subject = crypto.randomUUID()
  const startedAt = Math.floor(nowMs / 1000)
  tokens.begin({ session: 'a', subject, client: 'demo', token: 'a1', address: '203.0.113.1' })
  tokens.begin({ session: 'a', subject, client: 'backend', token: 'a2' })
  logIn(tokens)
  nowMs += 60_000
  tokens.begin({ session: 'b', subject, client: 'demo', token: 'b1' })
  await tokens.rotate({ presented: 'a1', next: 'a3', client: 'demo', address: '203.0.113.2' })
  assert.deepEqual(tokens.sessions(subject), [
    {
      session: 'a',
      subject,
      clients: ['demo', 'backend'],
      startedAt,
      lastUsedAt: startedAt + 60,
      address: '203.0.113.2',
    },
    {
      session: 'b',
      subject,
      clients: ['demo'],
      startedAt: startedAt + 60,
      lastUsedAt: startedAt + 60,
      address: undefined,
    },
  ])
  nowMs += 1_799_000
  assert.deepEqual(
    tokens.sessions(subject).map(({ session }) => session),
    ['a', 'b'],
  )
  nowMs += 1_000
  assert.deepEqual(tokens.sessions(subject), [])
  await tokens.close()
})

test('lists no session that the ledger refuses', async () => {
  const tokens = open()
  const [out, ended, raised, lives] = [logIn(tokens), logIn(tokens), logIn(tokens), logIn(tokens)]
  await stage.origin.logoutUser('acme', out.subject)
  await stage.origin.endSession('acme', ended.session)
  await stage.origin.raiseTokenVersion('acme', raised.subject, 1)
  const counts = [out, ended, raised, lives].map(({ subject }) => tokens.sessions(subject).length)
  assert.deepEqual(counts, [0, 0, 0, 1])
  await tokens.close()
})

test('deletes expired families and keeps the rest', async () => {
  const tokens = open()
  const old = logIn(tokens)
  nowMs += 1_000_000
  const young = logIn(tokens)
  nowMs += 800_000
  assert.equal(tokens.sweep(), 1)
  assert.equal(tokens.find(old.token), undefined)
  assert.equal(await outcome(tokens, young.token), 'rotated')
  await tokens.close()
})

test('names wrong options; a closed store rejects calls', async () => {
  const good = { path: join(folder, 'options.db'), realm: 'acme', origin: stage.origin }
  const bad: [RegExp, object][] = [
    [/either path or database/, { ...good, path: undefined }],
    [/realm is missing/, { ...good, realm: undefined }],
    [/origin must be an origin/, { ...good, origin: {} }],
    [/idleSeconds must be/, { ...good, idleSeconds: 0 }],
    [/reuseGraceSeconds must be/, { ...good, reuseGraceSeconds: -1 }],
    [/unknown option 'grace'/, { ...good, grace: 1 }],
  ]
  for (const [message, options] of bad) {
    assert.throws(() => createRefreshTokens(options as RefreshTokensOptions), { code: 'invalid_option', message })
  }
  const tokens = createRefreshTokens(good)
  await tokens.close()
  await assert.rejects(tokens.rotate({ presented: 'a', next: 'b', client: 'demo' }), { code: 'closed' })
})
