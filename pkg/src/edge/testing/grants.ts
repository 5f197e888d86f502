import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Gate, GateOptions } from '../../types.ts'
import { clock, TestRealm } from './realm.ts'

/** Tests the disconnection of a user's app, for each module and each way to verify signatures. */
export function testGrants(createGate: (options: GateOptions) => Gate): void {
  test("only the disconnected app's tokens of that user are refused, by azp and by client_id", async (t) => {
    const realm = await TestRealm.start(t)
    const gate = createGate(realm.options())
    t.after(() => gate.close())
    const now = clock()
    const tokens: [Record<string, unknown>, string][] = [
      [{ azp: 'agent' }, 'grant_revoked'],
      [{ client_id: 'agent' }, 'grant_revoked'],
      [{ azp: 'shop', client_id: 'agent' }, 'grant_revoked'],
      [{ azp: 'agent', client_id: 'shop', sid: 's1' }, 'grant_revoked'],
      [{ azp: 'agent', iat: now - 50 }, 'grant_revoked'],
      [{ azp: 'agent', iat: now - 49 }, 'accepted'],
      [{ azp: 'agent', sub: 'bob' }, 'accepted'],
      [{ azp: 'shop' }, 'accepted'],
      [{ azp: 'agent2' }, 'accepted'],
      [{}, 'accepted'],
    ]
    const signed = await Promise.all(tokens.map(([claims]) => realm.token({ iat: now - 60, ...claims })))
    const reasons = () =>
      Promise.all(
        signed.map(async (token) => {
          const verdict = await gate.check(token)
          return verdict.ok ? 'accepted' : verdict.reason
        }),
      )
    assert.deepEqual(
      await reasons(),
      tokens.map(() => 'accepted'),
    )
    realm.record({ kind: 'grant', subject: 'alice', client: 'agent', notBefore: now - 50 })
    await gate.refresh()
    assert.deepEqual(
      await reasons(),
      tokens.map(([, expected]) => expected),
    )

    const [revoked = ''] = signed
    const verdict = await gate.authenticate(
      new Request('https://api.example/', { headers: { authorization: `Bearer ${revoked}` } }),
    )
    assert.deepEqual(verdict, { ok: false, reason: 'grant_revoked', status: 401 })
    assert.ok(!verdict.ok)
    assert.match(
      gate.challenge(verdict).headers.get('www-authenticate') ?? '',
      /^Bearer error="invalid_token", error_description="[^"]*app[^"]*"$/,
    )
    const failed = (await gate.explain(revoked)).filter(({ outcome }) => outcome === 'failed')
    assert.deepEqual(
      failed.map(({ check, reason }) => [check, reason]),
      [['revocation', 'grant_revoked']],
    )
  })
}
