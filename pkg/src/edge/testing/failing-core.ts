import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { Ledger } from '../../../wasm/origin/core.js'
import type { Gate, GateOptions, Report, Verdict } from '../../types.ts'
import { page } from '../../test-fixtures/server.ts'
import { clock, makeKey, TestRealm } from './realm.ts'

/** Enough for a module, a small state and few tokens. */
export const SMALL_MEMORY_BYTES: number = 4 * 1024 * 1024

/** More tokens than fit, each of the maximum length. */
const FLOOD = 600
/** The secret of long pushes. */
const SECRET = 'edge-secret-of-32-characters-or-so'
const PADDING = 'x'.repeat(11_000)

/** Each test's clock is ahead of the previous one's, so that its failures no longer count. */
const BETWEEN_TESTS_MS = 120_000
let aheadMs = 0

interface Victim {
  realm: TestRealm
  gate: Gate
  reports: Report[]
  /** Sends long tokens until the core has failed once more. */
  exhaust(): Promise<Verdict[]>
  faults(): number
}

function moveOn(t: TestContext): void {
  aheadMs += BETWEEN_TESTS_MS
  const { now } = Date
  t.mock.method(Date, 'now', () => now() + aheadMs)
}

async function victim(
  t: TestContext,
  createGate: (options: GateOptions) => Gate,
  jwks: 'static' | 'url' = 'static',
): Promise<Victim> {
  const realm = await TestRealm.start(t)
  const reports: Report[] = []
  const gate = createGate(
    realm.options(
      // All tokens are cached, and nothing is pulled in the background of requests.
      {
        verifiedTokenCacheBytes: 64 * 1024 * 1024,
        verifiedTokenCacheEntries: 100_000,
        refreshAfterSeconds: 1000,
        waitAfterSeconds: 1000,
        maxStaleSeconds: 1000,
        onReport: (report) => void reports.push(report),
      },
      {
        ...(jwks === 'url' ? { jwks: `${realm.server.url}/certs` } : {}),
        feed: { url: realm.feedUrl, keys: [realm.feedKey], acknowledge: { edge: 'edge', secret: SECRET } },
      },
    ),
  )
  t.after(() => gate.close())
  const faults = () => reports.filter(({ kind, error }) => kind === 'fault' && error.code === 'fault').length
  return {
    realm,
    gate,
    reports,
    faults,
    async exhaust() {
      const before = faults()
      const verdicts: Verdict[] = []
      for (let number = 0; number < FLOOD && faults() === before; number++)
        verdicts.push(await gate.check(await realm.token({ padding: PADDING })))
      assert.equal(faults(), before + 1, 'memory was to run out')
      return verdicts
    },
  }
}

/**
 * Tests gates whose module has at most `SMALL_MEMORY_BYTES`. The caller has loaded it, on a host that checks signatures
 * `at_once` or `later`.
 */
export function testFailingCore(createGate: (options: GateOptions) => Gate, host: 'at_once' | 'later'): void {
  test('a gate that runs out of memory refuses the token with 503, reports it, and recovers', async (t) => {
    moveOn(t)
    const { realm, gate, exhaust, reports } = await victim(t, createGate)
    realm.record({ kind: 'user', subject: 'bob' })
    const verdicts = await exhaust()
    assert.deepEqual(verdicts.pop(), { ok: false, reason: 'no_feed', status: 503 })
    assert.ok(verdicts.length > 10 && verdicts.every(({ ok }) => ok))
    const report = reports.find(({ kind }) => kind === 'fault')
    assert.equal(report?.realm, 'acme')
    assert.equal(report.error.detail, 'core_failed')
    // Nothing is accepted until the state has been loaded again.
    realm.instead.set('manifest', page(503))
    assert.equal(reasonOf(await gate.check(await realm.token())), 'no_feed')
    assert.equal(gate.status()[0]?.loaded, false)
    realm.instead.delete('manifest')
    await gate.refresh()
    const manifests = realm.server.count('/manifest')
    assert.equal(reasonOf(await gate.check(await realm.token())), 'accepted')
    assert.equal(reasonOf(await gate.check(await realm.token({ sub: 'bob' }))), 'user_revoked')
    assert.equal(realm.server.count('/manifest'), manifests)
  })

  test('all gates of the process move to the new instance with their keys', async (t) => {
    moveOn(t)
    const first = await victim(t, createGate)
    const second = await victim(t, createGate, 'url')
    const token = await second.realm.token()
    for (let times = 0; times < 3; times++) assert.equal(reasonOf(await second.gate.check(token)), 'accepted')
    await first.exhaust()
    assert.equal(reasonOf(await second.gate.check(await second.realm.token())), 'accepted')
    assert.equal(reasonOf(await second.gate.check(token)), 'accepted')
    assert.equal(reasonOf(await first.gate.check(await first.realm.token())), 'accepted')
    assert.equal(second.realm.server.count('/certs'), 1, 'the keys were passed on with their age')
    assert.equal(second.faults(), 0)
  })

  test('a token id of the lost core identifies no token in the new one', async (t) => {
    moveOn(t)
    const first = await victim(t, createGate)
    const { realm, gate } = await victim(t, createGate)
    const remembered = await realm.token({ jti: 'remembered' })
    for (let times = 0; times < 3; times++) assert.equal(reasonOf(await gate.check(remembered)), 'accepted')
    await first.exhaust()
    // Now another token is the first that the core caches.
    const other = await realm.token()
    for (let times = 0; times < 3; times++) assert.equal(reasonOf(await gate.check(other)), 'accepted')
    realm.record({ kind: 'token', tokenId: 'remembered', expiresAt: clock() + 600 })
    await gate.refresh()
    assert.equal(reasonOf(await gate.check(remembered)), 'token_revoked')
    assert.equal(reasonOf(await gate.check(other)), 'accepted')
  })

  test('a key of the new core is not confused with one of the lost core', async (t) => {
    moveOn(t)
    const first = await victim(t, createGate)
    const { realm, gate } = await victim(t, createGate, 'url')
    const before = await realm.token()
    assert.equal(reasonOf(await gate.check(before)), 'accepted')
    // The issuer gives the same name to another key.
    realm.keys[0] = await makeKey('first')
    aheadMs += 400_000
    await gate.refresh()
    const after = await realm.token()
    for (let times = 0; times < 2; times++) {
      assert.equal(reasonOf(await gate.check(after)), 'accepted')
      assert.equal(reasonOf(await gate.check(before)), 'bad_signature')
      if (times === 0) await first.exhaust()
    }
  })

  if (host === 'later') {
    test("a host's outcome that arrives after the core was lost counts for no other token", async (t) => {
      moveOn(t)
      const first = await victim(t, createGate)
      const { realm, gate } = await victim(t, createGate)
      await gate.refresh()
      const { verify } = SubtleCrypto.prototype
      const held: (() => void)[] = []
      let holding = true
      t.mock.method(
        SubtleCrypto.prototype,
        'verify',
        async function (this: SubtleCrypto, ...asked: Parameters<SubtleCrypto['verify']>) {
          const outcome = await verify.apply(this, asked)
          if (holding) await new Promise<void>((resolve) => void held.push(resolve))
          return outcome
        },
      )
      const good = gate.check(await realm.token())
      await until(() => held.length === 1)
      holding = false
      await first.exhaust()
      holding = true
      const [header, , signature] = (await realm.token()).split('.')
      const [, claims] = (await realm.token({ sub: 'mallory' })).split('.')
      const forged = [header, claims, signature].join('.')
      // It goes to the host under the number that the other one had in the lost core.
      const bad = gate.check(forged)
      await until(() => held.length === 2)
      held[0]?.()
      // The good token starts again in the new core.
      await until(() => held.length === 3)
      holding = false
      for (const release of held) release()
      assert.equal(reasonOf(await bad), 'bad_signature')
      assert.equal(reasonOf(await good), 'accepted')
      assert.equal(reasonOf(await gate.check(forged)), 'bad_signature')
    })
  }

  test('afterwards an older manifest or another history is refused, and the clock does not go back', async (t) => {
    moveOn(t)
    const { realm, gate, exhaust } = await victim(t, createGate)
    const oldest = realm.manifest()
    realm.record({ kind: 'user', subject: 'bob' })
    const older = realm.manifest()
    realm.record({ kind: 'user', subject: 'carol' })
    await gate.refresh()
    const soon = await realm.token({ exp: clock() + 100 })
    assert.equal(reasonOf(await gate.check(soon)), 'accepted')
    aheadMs += 200_000
    assert.equal(reasonOf(await gate.check(soon)), 'expired')
    await gate.refresh()
    aheadMs -= 200_000
    await exhaust()
    for (const bytes of [oldest, older]) {
      assert.throws(() => gate.applyFeed(bytes), { code: 'feed_refused', detail: 'older' })
      realm.instead.set('manifest', (_, response) =>
        response.writeHead(200, { 'content-type': 'application/octet-stream' }).end(bytes),
      )
      await assert.rejects(gate.refresh(), { code: 'feed_refused', detail: 'older' })
      assert.equal(reasonOf(await gate.check(await realm.token())), 'no_feed')
    }
    assert.throws(() => gate.applyFeed(forked(realm)), { code: 'feed_refused', detail: 'equivocation' })
    realm.instead.delete('manifest')
    await gate.refresh()
    assert.equal(reasonOf(await gate.check(await realm.token({ sub: 'carol', exp: clock() + 1000 }))), 'user_revoked')
    assert.equal(reasonOf(await gate.check(soon)), 'expired', 'it had expired before')
  })

  test('a feed that does not fit into memory is refused and reported, and the state stays', async (t) => {
    moveOn(t)
    const { realm, gate, faults } = await victim(t, createGate)
    const token = await realm.token()
    assert.equal(reasonOf(await gate.check(token)), 'accepted')
    const flood = new Uint8Array(3 * 1024 * 1024)
    flood.set(realm.manifest())
    const headers = { authorization: `Bearer ${SECRET}` }
    const answer = await gate.receiveFeed(
      new Request('http://edge.example/feed', { method: 'POST', body: flood, headers }),
    )
    assert.equal(answer.status, 503)
    assert.equal(faults(), 1)
    assert.equal(reasonOf(await gate.check(token)), 'accepted')
  })

  test('a core that fails repeatedly is not rebuilt for ten seconds', async (t) => {
    moveOn(t)
    const { realm, gate, exhaust, faults } = await victim(t, createGate)
    for (let times = 0; times < 4; times++) await exhaust()
    const manifests = realm.server.count('/manifest')
    for (let times = 0; times < 50; times++) {
      assert.deepEqual(await gate.check(await realm.token()), { ok: false, reason: 'no_feed', status: 503 })
    }
    await assert.rejects(gate.refresh(), { code: 'fault', detail: 'core_resting' })
    assert.equal(realm.server.count('/manifest') <= manifests + 1, true)
    assert.equal(faults(), 4)
    aheadMs += 11_000
    assert.equal(reasonOf(await gate.check(await realm.token())), 'accepted')
  })
}

async function until(met: () => boolean): Promise<void> {
  const deadline = performance.now() + 5000
  while (!met()) {
    assert.ok(performance.now() < deadline, 'it never happened')
    await pause(5)
  }
}

/** A manifest of the same sequence as the realm's, with other events. */
function forked(realm: TestRealm): Uint8Array {
  const ledger = new Ledger({
    issuer: realm.issuer,
    signingKey: realm.signingKey,
    leewaySeconds: 5,
    skewSeconds: 5,
    maxLifetimeSeconds: 86_400,
    issuerSkewSeconds: 0,
    errorRate: 1e-6,
    validForSeconds: 300,
    incarnation: 0,
  })
  while (ledger.head().sequence < realm.ledger.head().sequence) {
    ledger.stage({ kind: 'user', subject: `mallory-${ledger.head().sequence}` }, clock())
    ledger.commit()
  }
  return ledger.manifest(clock())
}

function reasonOf(verdict: Verdict): string {
  return verdict.ok ? 'accepted' : verdict.reason
}
