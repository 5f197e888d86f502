import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import {
  createOrigin,
  generateFeedKey,
  type Origin,
  type OriginRealm,
  type OriginReport,
} from '../../entry/origin/node.ts'
import { createDevIssuer } from '../../issuer/dev/index.ts'
import { IssuerClock } from './issuer-clock.ts'
import { ADMINISTRATOR, createTestIssuer, openStage } from '../testing/stage.ts'
import { freshStore } from '../testing/stores.ts'

const now = (): number => Math.floor(Date.now() / 1000)
const CERTS = 'https://issuer.test/certs'

/** A clock that measures, with access to the time of both machines. */
class Bench {
  /** Our time, in milliseconds. */
  nowMs = 1_800_000_000_000
  readonly reports: OriginReport[] = []
  readonly clock = new IssuerClock({
    realm: 'acme',
    issuerSkewSeconds: 2,
    skewSeconds: 5,
    onReport: (report) => this.reports.push(report),
    nowMs: () => this.nowMs,
  })

  /** Fetches from an issuer that is ahead; the request and the response take time. */
  async fetch(
    aheadMs: number,
    { url = CERTS, thereMs = 0, backMs = 0, headers = {} as Record<string, string> } = {},
  ): Promise<void> {
    const answer = async (): Promise<Response> => {
      this.nowMs += thereMs
      const date = new Date(Math.floor((this.nowMs + aheadMs) / 1000) * 1000).toUTCString()
      this.nowMs += backMs
      return new Response('{}', { headers: { date, ...headers } })
    }
    await this.clock.timing(answer)(url)
  }

  get told(): (string | undefined)[] {
    return this.reports.map(({ error }) => error?.detail)
  }
}

describe('the lead of an issuer', () => {
  test('is never underestimated once a Date proves it, for all fractions and delays', async () => {
    const bench = new Bench()
    let state = 1
    const random = (limit: number): number => (state = (state * 48_271) % 2_147_483_647) % limit
    let proven = 0
    for (let round = 0; round < 20_000; round += 1) {
      bench.nowMs += random(100_000)
      const [aheadMs, thereMs, backMs] = [random(12_000) - 4_000, random(700), random(700)]
      await bench.fetch(aheadMs, { thereMs, backMs })
      const { leadSeconds } = bench.clock
      const says = JSON.stringify({ aheadMs, thereMs, backMs, leadSeconds })
      if (leadSeconds > 0) assert.ok(leadSeconds * 1000 >= aheadMs, says)
      else assert.ok(aheadMs < 1000 + thereMs + backMs, says)
      assert.ok(leadSeconds * 1000 < Math.max(0, aheadMs) + 2000 + thereMs + backMs, says)
      if (leadSeconds > 0) proven += 1
    }
    assert.ok(proven > 5_000, String(proven))
  })

  test('is not measured from unauthenticated responses', async () => {
    const bench = new Bench()
    await bench.fetch(4_000, { url: 'http://issuer.test/certs' })
    assert.equal(bench.clock.leadSeconds, 0)
    for (const url of [CERTS, 'http://127.0.0.1:8780/certs', 'http://localhost/certs', 'http://[::1]/certs']) {
      const other = new Bench()
      await other.fetch(4_000, { url })
      assert.ok([4, 5].includes(other.clock.leadSeconds), url)
    }
  })

  test('follows the Date when the clock is corrected, and drops the lead that tokens have shown', async () => {
    const bench = new Bench()
    await bench.fetch(4_000)
    bench.clock.learn(bench.nowMs / 1000 + 4)
    assert.equal(bench.clock.leadSeconds, 5)
    bench.nowMs += 300_000
    await bench.fetch(0)
    assert.equal(bench.clock.leadSeconds, 0)
  })

  test('is kept if tokens have shown more than the Date ever did', async () => {
    const bench = new Bench()
    bench.clock.learn(bench.nowMs / 1000 + 9)
    await bench.fetch(4_000)
    await bench.fetch(0)
    assert.equal(bench.clock.leadSeconds, 9)
  })

  test("shown only by tokens survives a Date that never showed it, which may be a proxy's clock", async () => {
    const bench = new Bench()
    await bench.fetch(0)
    bench.clock.learn(bench.nowMs / 1000 + 3)
    await bench.fetch(0)
    assert.equal(bench.clock.leadSeconds, 3)
    bench.nowMs += 86_399_000
    assert.equal(bench.clock.leadSeconds, 3)
    bench.nowMs += 1_000
    assert.equal(bench.clock.leadSeconds, 0, 'not shown again for a day')
    bench.clock.learn(bench.nowMs / 1000 + 2)
    bench.clock.learn(bench.nowMs / 1000 + 1)
    assert.equal(bench.clock.leadSeconds, 2, 'the greatest counts')
  })

  test('is not learnt from a postdated, old or missing token', () => {
    const bench = new Bench()
    for (const iat of [bench.nowMs / 1000 + 3_601, bench.nowMs, bench.nowMs / 1000 - 9, 0, Number.NaN, Infinity])
      bench.clock.learn(iat)
    assert.deepEqual([bench.clock.leadSeconds, bench.told], [0, []])
  })

  test('is at least what a cached Date shows', async () => {
    const bench = new Bench()
    await bench.fetch(4_000)
    await bench.fetch(-60_000, { headers: { age: '64' } })
    assert.equal(bench.clock.leadSeconds, 5, 'an old Date reduces nothing')
    await bench.fetch(9_000, { headers: { age: '1' } })
    assert.equal(bench.clock.leadSeconds, 9)
  })

  test('is reported once when it begins and once when it ends, and separately beyond the allowance', async () => {
    const bench = new Bench()
    bench.clock.learn(bench.nowMs / 1000 + 2)
    bench.clock.tend()
    assert.deepEqual(bench.told, [], 'issuerSkewSeconds allows for it')
    for (const ahead of [3_000, 3_500, 3_100]) await bench.fetch(ahead)
    assert.deepEqual(bench.told, ['issuer_ahead'])
    await bench.fetch(20_000)
    assert.deepEqual(bench.told, ['issuer_ahead', 'issuer_beyond_skew'])
    assert.ok(
      bench.reports.every(
        ({ kind, realm, error }) => kind === 'clock' && realm === 'acme' && error?.code === 'clock_differs',
      ),
    )
    await bench.fetch(0)
    bench.clock.tend()
    assert.deepEqual(bench.told, ['issuer_ahead', 'issuer_beyond_skew', undefined, undefined])
  })

  test('is not reported repeatedly if it is not a whole number of seconds', async () => {
    const of = async (aheadMs: number): Promise<(string | undefined)[]> => {
      const bench = new Bench()
      for (let round = 0; round < 200; round += 1) {
        bench.nowMs += 2_137
        await bench.fetch(aheadMs, { thereMs: 20, backMs: 20 })
      }
      return bench.told
    }
    assert.deepEqual(await of(1_500), [])
    assert.deepEqual(await of(2_500), ['issuer_ahead'])
    assert.deepEqual(await of(4_950), ['issuer_ahead'])
    assert.deepEqual(await of(5_500), ['issuer_ahead', 'issuer_beyond_skew'])
  })

  test('a report about events ends some minutes after the last one', () => {
    const bench = new Bench()
    for (let round = 0; round < 3; round += 1) {
      bench.nowMs += 60_000
      bench.clock.took({ taken: 'caller_replaced', aheadBySeconds: 60 })
      bench.clock.tend()
    }
    assert.deepEqual(bench.told, ['caller_replaced'])
    bench.nowMs += 600_000
    bench.clock.tend()
    assert.deepEqual(bench.told, ['caller_replaced', undefined])
  })
})

/** Opens an origin that fetches its issuer's key set, with a `Date` this far ahead of ours. */
async function originOf(
  aheadSeconds: number,
  change: Partial<OriginRealm> = {},
): Promise<{ origin: Origin; reports: OriginReport[] }> {
  const issuer = await createTestIssuer()
  const reports: OriginReport[] = []
  const origin = await createOrigin({
    store: freshStore(),
    signingKey: (await generateFeedKey()).signingKey,
    realms: [{ ...issuer.realm, jwks: CERTS, ...change }],
    fetch: async () =>
      Response.json(
        { keys: [issuer.jwk] },
        { headers: { date: new Date((now() + aheadSeconds) * 1000).toUTCString() } },
      ),
    onReport: (report) => reports.push(report),
  })
  await origin.publishKeys('acme')
  return { origin, reports }
}

/** Returns the reason for which a token of alice's for the app `demo` is refused. */
function refused(origin: Origin, issuedAt: number): string | undefined {
  return origin.refuses('acme', {
    subject: 'alice',
    session: 's1',
    authorizedParty: 'demo',
    issuedAt,
    expiresAt: issuedAt + 300,
  })
}

const LOGOUTS: readonly [string, (origin: Origin) => Promise<unknown>][] = [
  ['logoutUser', (origin) => origin.logoutUser('acme', 'alice')],
  ['endGrant', (origin) => origin.endGrant('acme', 'alice', 'demo')],
  ['setClientNotBefore', (origin) => origin.setClientNotBefore('acme', 'demo')],
  ['logoutRealm', (origin) => origin.logoutRealm('acme')],
  ['setRealmNotBefore', (origin) => origin.setRealmNotBefore('acme')],
  ['endClientSession', (origin) => origin.endClientSession('acme', 's1', 'demo')],
]

describe('an issuer ahead of the origin', () => {
  for (const [verb, logOut] of LOGOUTS) {
    test(`according to its key set: ${verb} refuses tokens issued before, and a login some seconds later is accepted`, async () => {
      for (const ahead of [3, 4, 5]) {
        const { origin, reports } = await originOf(ahead)
        const before = now()
        await logOut(origin)
        const [issued, latest] = [before + ahead, now() + 5]
        assert.ok(refused(origin, issued) !== undefined, `${ahead} s: a token from before the logout is accepted`)
        assert.equal(refused(origin, latest + 1), undefined, `${ahead} s: a login after skewSeconds is refused`)
        // A `Date` has whole seconds.
        const told = reports.map(({ kind, realm, error }) => [kind, realm, error?.detail])
        if (ahead > 3) assert.deepEqual(told, [['clock', 'acme', 'issuer_ahead']])
        await origin.close()
      }
    })
  }

  test('in sync is not reported, and costs nothing beyond issuerSkewSeconds', async () => {
    for (const ahead of [0, -3]) {
      const { origin, reports } = await originOf(ahead)
      await origin.logoutUser('acme', 'alice')
      assert.equal(refused(origin, now() + 3), undefined)
      assert.deepEqual(reports, [])
      await origin.close()
    }
  })

  test("according to an administrator's token: its own logout includes the lead", async () => {
    const issuer = await createTestIssuer()
    const stage = await openStage({ realms: [{ ...issuer.realm, issuerSkewSeconds: 0 }] })
    try {
      // Further ahead than a logout covers, no token is accepted; and on a busy machine the second may have passed.
      for (let attempt = 0; attempt < 20 && stage.reports.length === 0; attempt += 1) {
        const iat = now() + 1
        const token = await issuer.token({ ...ADMINISTRATOR, iat, exp: iat + 300 })
        const path = '/admin/realms/acme/users/alice/logout'
        const answer = await stage.get(path, { method: 'POST', headers: { authorization: `Bearer ${token}` } })
        assert.equal(answer.status, 204)
        assert.equal(refused(stage.origin, iat), 'user_revoked')
      }
      assert.deepEqual(
        stage.reports.map(({ kind, error }) => [kind, error?.detail]),
        [['clock', 'issuer_ahead']],
      )
      const metrics = await (await stage.get('/metrics')).text()
      assert.match(metrics, /^portcullis_issuer_lead_seconds\{realm="acme"\} 1$/m)
    } finally {
      await stage.close()
    }
  })

  test('according to a revoked token; a token of an unknown key shows nothing', async () => {
    const stage = await openStage()
    try {
      const stranger = await createTestIssuer()
      assert.equal((await stage.revoke(await stranger.token({ iat: now() + 4 }))).status, 401)
      assert.equal(stage.reports.length, 0)
      const before = now()
      const ahead = await stage.issuer.token({ jti: 'ahead', iat: before + 30, exp: before + 330 })
      assert.equal((await stage.revoke(ahead)).status, 200)
      const ofIt = { tokenId: 'ahead', issuedAt: before + 30, expiresAt: before + 330 }
      assert.equal(stage.origin.refuses('acme', ofIt), 'token_revoked')
      assert.deepEqual(
        stage.reports.map(({ error }) => error?.detail),
        ['issuer_ahead', 'issuer_beyond_skew'],
      )
      await stage.origin.logoutUser('acme', 'alice')
      assert.equal(refused(stage.origin, now() + 6), undefined, 'skewSeconds is the maximum allowance')
    } finally {
      await stage.close()
    }
  })
})

describe('the time of an event', () => {
  test('by an authenticated source is recorded unchanged, even if it is ahead', async () => {
    for (const ahead of [-600, -1, 0, 4, 60, 3_590]) {
      const { origin, reports } = await originOf(0)
      const occurredAt = now() + ahead
      await origin.logoutUser('acme', 'alice', { occurredAt })
      assert.equal(origin.userNotBefore('acme', 'alice'), occurredAt)
      await origin.setClientNotBefore('acme', 'shop', undefined, { occurredAt })
      const ofShop = (issuedAt: number) =>
        origin.refuses('acme', { authorizedParty: 'shop', issuedAt, expiresAt: issuedAt + 300 })
      assert.deepEqual([ofShop(occurredAt), ofShop(occurredAt + 1)], ['client_revoked', undefined])
      await origin.endGrant('acme', 'bob', 'shop2', { occurredAt })
      assert.equal(origin.grantNotBefore('acme', 'bob', 'shop2'), occurredAt)
      await origin.endClientSession('acme', 's9', 'demo', { occurredAt })
      await origin.endSession('acme', 's8', { occurredAt })
      const ofSession = (session: string, issuedAt: number) =>
        origin.refuses('acme', { session, authorizedParty: 'demo', issuedAt, expiresAt: issuedAt + 300 })
      assert.deepEqual([ofSession('s9', occurredAt), ofSession('s9', occurredAt + 1)], ['session_revoked', undefined])
      assert.equal(ofSession('s8', Math.max(occurredAt, now()) + 59), 'session_revoked')
      await origin.logoutRealm('acme', { occurredAt })
      const ofNobody = (issuedAt: number) => origin.refuses('acme', { issuedAt, expiresAt: issuedAt + 300 })
      assert.deepEqual([ofNobody(occurredAt), ofNobody(occurredAt + 1)], ['realm_revoked', undefined])
      assert.equal(
        reports.filter(({ error }) => error?.detail === 'source_ahead').length,
        ahead > 0 ? 1 : 0,
        String(ahead),
      )
      const lines = await origin.audit.list({ realm: 'acme', action: 'user_logged_out', limit: 10 })
      assert.deepEqual(
        lines.map(({ detail }) => detail),
        [ahead > 0 ? 'source_ahead' : undefined],
      )
      assert.ok(!Object.hasOwn(lines[0] ?? {}, 'occurredAt'))
      await origin.close()
    }
  })

  test("by several nodes' clocks is recorded with their maximum difference added", async () => {
    const { origin } = await originOf(0, { sourceSkewSeconds: 3 })
    const occurredAt = now() - 10
    await origin.logoutUser('acme', 'alice', { occurredAt })
    assert.equal(origin.userNotBefore('acme', 'alice'), occurredAt + 3)
    await origin.close()
  })

  test('that no clock can show is replaced and reported, and the event is not lost', async () => {
    const { origin, reports } = await originOf(0)
    const before = now()
    await origin.logoutUser('acme', 'alice', { occurredAt: Date.now() })
    await origin.setClientNotBefore('acme', 'shop', Date.now())
    await origin.endGrant('acme', 'bob', 'demo', { notBefore: Date.now() })
    const after = now()
    for (const subject of [
      { subject: 'alice' },
      { authorizedParty: 'shop' },
      { subject: 'bob', authorizedParty: 'demo' },
    ]) {
      const asked = (issuedAt: number) => origin.refuses('acme', { ...subject, issuedAt, expiresAt: issuedAt + 300 })
      assert.notEqual(asked(before), undefined)
      assert.equal(asked(after + 3), undefined)
    }
    assert.deepEqual(
      reports.map(({ kind, error }) => [kind, error?.detail]),
      [
        ['clock', 'source_replaced'],
        ['clock', 'caller_replaced'],
      ],
    )
    await origin.setRealmNotBefore('acme', now() + 60)
    assert.equal(reports.length, 2, 'reported once')
    await origin.close()
  })

  test('must be a number of seconds, stated once', async () => {
    const { origin } = await originOf(0)
    for (const occurredAt of [0, -1, Number.NaN, Infinity, '5', null] as number[]) {
      await assert.rejects(origin.logoutUser('acme', 'alice', { occurredAt }), {
        code: 'invalid_event',
        detail: 'invalid_time',
      })
    }
    await assert.rejects(origin.setRealmNotBefore('acme', now(), { occurredAt: now() }), { detail: 'invalid_time' })
    await origin.logoutUser('acme', 'alice', { occurredAt: now() - 0.5 })
    await origin.close()
  })

  test('of a correction is refused if it is ahead', async () => {
    const { origin } = await originOf(0)
    const correction = { kind: 'user', subject: 'alice', notBefore: now() + 60 } as const
    await assert.rejects(origin.correct('acme', correction, { reason: 'test' }), { detail: 'not_before_in_future' })
    await origin.close()
  })

  test('cannot be stated by a request', async () => {
    const stage = await openStage()
    try {
      const path = '/admin/realms/acme/clients/shop/push-revocation'
      assert.equal((await stage.administer('POST', path, { occurredAt: now() })).status, 400)
      assert.equal((await stage.administer('POST', `${path}?occurredAt=1`)).status, 200)
      const ofShop = { authorizedParty: 'shop', issuedAt: now(), expiresAt: now() + 300 }
      assert.equal(stage.origin.refuses('acme', ofShop), 'client_revoked')
    } finally {
      await stage.close()
    }
  })
})

test('a development issuer measured by its own Date can log in again right after a logout', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'portcullis-clock-'))
  const issuer = await createDevIssuer({ issuer: 'http://localhost:8780/realms/acme', path: join(folder, 'issuer.db') })
  const certs = `${issuer.realm.issuer}/protocol/openid-connect/certs`
  const origin = await createOrigin({
    store: freshStore(),
    signingKey: (await generateFeedKey()).signingKey,
    realms: [{ ...issuer.realm, jwks: certs }],
    async fetch(input) {
      const answer = await issuer.fetch(new Request(input as string))
      assert.ok(answer !== undefined)
      answer.headers.set('date', new Date().toUTCString())
      return answer
    },
    onReport: (report) => assert.fail(report.error?.message),
  })
  issuer.attach(origin)
  await origin.publishKeys('acme')
  async function logIn(): Promise<{ sub: string; iat: number }> {
    const form = new URLSearchParams({
      grant_type: 'password',
      client_id: 'demo',
      username: 'alice',
      password: 'alice-password',
    })
    const answer = await issuer.fetch(
      new Request(`${issuer.realm.issuer}/protocol/openid-connect/token`, { method: 'POST', body: form }),
    )
    assert.equal(answer?.status, 200)
    const { access_token: token } = (await answer.json()) as { access_token: string }
    return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as { sub: string; iat: number }
  }
  const { sub, iat } = await logIn()
  await origin.logoutUser('acme', sub)
  assert.equal(origin.refuses('acme', { subject: sub, issuedAt: iat, expiresAt: iat + 300 }), 'user_revoked')
  const again = await logIn()
  assert.ok(again.iat > iat && again.iat <= now())
  assert.equal(origin.refuses('acme', { subject: sub, issuedAt: again.iat, expiresAt: again.iat + 300 }), undefined)
  await issuer.close()
  await origin.close()
  await rm(folder, { recursive: true })
})
