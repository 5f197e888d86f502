import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { json } from '../../test-fixtures/server.ts'
import type { Gate, GateOptions, Report, Verdict } from '../../types.ts'
import { clock, TestRealm } from './realm.ts'

interface Crowd {
  realm: TestRealm
  gate: Gate
  reports: Report[]
  /** Returns tokens signed by a key that the host can use. */
  good(count: number): Promise<string[]>
  /** Returns tokens that name a key that the host cannot use, with a signature of the right length. */
  garbage(count: number): string[]
  /** How often the key set was fetched. */
  fetches(): number
}

/**
 * Tests a gate that leaves every signature to the host and waits for its outcomes. The caller has loaded the module;
 * `slim` means that the module itself cannot verify these signatures.
 */
export function testManyTokens(createGate: (options: GateOptions) => Gate, module: 'slim' | 'full'): void {
  const undecided = module === 'slim' ? 'unsupported_algorithm' : 'unknown_key'

  test('1,000 made-up tokens that name a key which the host cannot use cause one fetch of the keys', async (t) => {
    const { gate, good, garbage, reports, fetches } = await crowd(t, createGate)
    const bad = await Promise.all(garbage(500).map((token) => gate.check(token)))
    for (const token of garbage(500)) bad.push(await gate.check(token))
    assert.deepEqual(tally(bad), { [undecided]: 1000 })
    assert.deepEqual(tally(await Promise.all((await good(10)).map((token) => gate.check(token)))), { accepted: 10 })
    // A full module does not accept such a key into its set, so its garbage names no key; a lookup for it is bounded as
    // such.
    if (module === 'slim') {
      assert.equal(fetches(), 1)
      assert.deepEqual(
        reports.map(({ kind, error }) => `${kind} ${error.detail}`),
        ['jwks undecided'],
      )
    } else assert.ok(fetches() <= 10)
  })

  test('2,000 good tokens at once are accepted, and so are 300', async (t) => {
    const { gate, good, fetches, reports } = await crowd(t, createGate)
    for (const count of [300, 2000]) {
      assert.deepEqual(tally(await Promise.all((await good(count)).map((token) => gate.check(token)))), {
        accepted: count,
      })
    }
    assert.equal(fetches(), 1)
    // The full module checks that a key is on its curve.
    assert.deepEqual(
      reports.map(({ error }) => error?.code),
      module === 'slim' ? [] : ['keys_skipped'],
    )
  })

  test("good tokens among made-up ones are accepted, in any order of the host's outcomes", async (t) => {
    const { gate, good, garbage } = await crowd(t, createGate)
    // Signatures return late and in another order.
    const { verify } = SubtleCrypto.prototype
    t.mock.method(
      SubtleCrypto.prototype,
      'verify',
      async function (this: SubtleCrypto, ...asked: Parameters<SubtleCrypto['verify']>) {
        const outcome = await verify.apply(this, asked)
        await pause(Math.random() * 20)
        return outcome
      },
    )
    const [tokens, noise] = [await good(600), garbage(600)]
    const mixed = await Promise.all(
      tokens.flatMap((token, index) => [gate.check(noise[index] ?? ''), gate.check(token)]),
    )
    assert.deepEqual(tally(mixed.filter((_, index) => index % 2 === 1)), { accepted: 600 })
    assert.equal(mixed.filter(({ ok }) => ok).length, 600)
  })

  test('explain waits for a slot among many tokens, with the same result as alone', async (t) => {
    const { gate, good } = await crowd(t, createGate)
    const tokens = await good(400)
    const [first = ''] = tokens
    const [checks] = await Promise.all([gate.explain(first), ...tokens.map((token) => gate.check(token))])
    assert.deepEqual(
      checks.filter(({ outcome }) => outcome !== 'passed'),
      [],
    )
    for (const explained of await Promise.all(tokens.slice(0, 300).map((token) => gate.explain(token)))) {
      assert.deepEqual(
        explained.filter(({ outcome }) => outcome !== 'passed'),
        [],
      )
    }
  })
}

async function crowd(t: TestContext, createGate: (options: GateOptions) => Gate): Promise<Crowd> {
  // The clock is stopped: on a slow machine nothing becomes due again, and no token at the host is considered lost.
  const now = Date.now()
  t.mock.method(Date, 'now', () => now)
  const realm = await TestRealm.start(t)
  const { privateKey, publicKey } = await generateKeyPair('ES256')
  const usable = { ...(await exportJWK(publicKey)), kid: 'usable', alg: 'ES256', use: 'sig' }
  // Not a point of the curve: WebCrypto refuses to import it.
  const coordinate = Buffer.alloc(32, 7).toString('base64url')
  const unusable = { kty: 'EC', crv: 'P-256', x: coordinate, y: coordinate, kid: 'unusable', alg: 'ES256', use: 'sig' }
  realm.instead.set('certs', json({ keys: [usable, unusable] }))
  const reports: Report[] = []
  const gate = createGate(
    realm.options(
      { onReport: (report) => void reports.push(report), verifiedTokenCacheEntries: 0, jwksTimeoutMs: 60_000 },
      { jwks: `${realm.server.url}/certs` },
    ),
  )
  t.after(() => gate.close())
  // Keys and state are loaded before the many tokens.
  await gate.refresh()
  let number = 0
  const claims = () => {
    number += 1
    return {
      iss: realm.issuer,
      aud: 'api',
      sub: 'alice',
      jti: `many-${number}`,
      iat: clock() - 10,
      exp: clock() + 600,
      token_use: 'access',
    }
  }
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  return {
    realm,
    gate,
    reports,
    good: (count) =>
      Promise.all(
        Array.from({ length: count }, () =>
          new SignJWT(claims()).setProtectedHeader({ alg: 'ES256', kid: 'usable', typ: 'JWT' }).sign(privateKey),
        ),
      ),
    garbage: (count) =>
      Array.from({ length: count }, () => {
        const input = `${part({ alg: 'ES256', kid: 'unusable', typ: 'JWT' })}.${part(claims())}`
        return `${input}.${Buffer.alloc(64, (number % 250) + 1).toString('base64url')}`
      }),
    fetches: () => realm.server.count('/certs'),
  }
}

function tally(verdicts: readonly Verdict[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const verdict of verdicts) {
    const outcome = verdict.ok ? 'accepted' : verdict.reason
    counts[outcome] = (counts[outcome] ?? 0) + 1
  }
  return counts
}
