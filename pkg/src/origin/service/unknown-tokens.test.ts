import assert from 'node:assert/strict'
import { generateKeyPair, SignJWT } from 'jose'
import { test } from 'node:test'
import { Metrics } from '../metrics/metrics.ts'
import { createTestIssuer, openStage } from '../testing/stage.ts'
import type { OriginReport } from '../api.ts'
import { UnknownTokens } from './unknown-tokens.ts'

test('an origin responds with 200, counts each token, and reports once without contents of the token', async () => {
  const [acme, other] = [await createTestIssuer(), await createTestIssuer('other', 'https://issuer.test/realms/other')]
  const stage = await openStage({ clients: [{ id: 'demo' }], realms: [acme.realm, other.realm] })
  const revoke = async (token: string): Promise<void> => {
    const body = new URLSearchParams({ client_id: 'demo', token })
    const response = await stage.get('/realms/acme/protocol/openid-connect/revoke', { method: 'POST', body })
    assert.deepEqual([response.status, await response.text()], [200, ''])
  }
  const counted = async (realm: string): Promise<number> => {
    const text = await (await stage.get('/metrics')).text()
    return Number(new RegExp(`^portcullis_unknown_tokens_total\\{realm="${realm}"\\} (\\d+)$`, 'm').exec(text)?.[1])
  }
  try {
    assert.equal(await counted('acme'), 0)
    // Known or expired tokens do not count.
    const past = Math.floor(Date.now() / 1000) - 1_000
    await revoke(await acme.token())
    await revoke(await acme.token({ iat: past, exp: past + 300 }))
    assert.equal(await counted('acme'), 0)
    assert.equal(stage.reports.length, 0)

    // As Keycloak signs its refresh tokens: with a key that it does not publish.
    const refresh = await new SignJWT({ typ: 'Refresh', sub: 'alice', sid: 's1', jti: 'secret-jti', azp: 'demo' })
      .setProtectedHeader({ alg: 'HS512', kid: 'internal' })
      .setIssuer(acme.realm.issuer)
      .sign(new Uint8Array(64))
    const { privateKey } = await generateKeyPair('EdDSA')
    const forged = await new SignJWT({ aud: 'api', sub: 'alice', jti: 'j', azp: 'demo' })
      .setProtectedHeader({ alg: 'EdDSA', kid: acme.jwk.kid ?? '', typ: 'JWT' })
      .setIssuer(acme.realm.issuer)
      .sign(privateKey)
    const unknown = [
      refresh,
      'an-opaque-secret-token',
      await acme.token({ iss: 'https://unknown.test' }),
      forged,
      `${await acme.token()}x`,
      await other.token(),
      await other.token({ token_use: 'refresh' }),
    ]
    for (const token of unknown) await revoke(token)
    assert.equal(await counted('acme'), unknown.length)
    assert.equal(await counted('other'), 0)
    const reports = stage.reports.map(({ kind, realm, error }) => [kind, realm, error?.code, error?.detail])
    assert.deepEqual(reports, [['unknown_token', 'acme', 'invalid_token', 'not_known']])
    const said = stage.reports[0]?.error?.message ?? ''
    assert.match(said, /not revoked/)
    for (const secret of [...unknown, 'secret', 'alice']) assert.ok(!said.includes(secret), said)
  } finally {
    await stage.close()
  }
})

test('reports a realm once a minute with the count, and another realm separately', () => {
  let nowMs = 0
  const reports: OriginReport[] = []
  const metrics = new Metrics(['acme', 'other'])
  const unknown = new UnknownTokens({
    count: (realm) => metrics.unknownToken(realm),
    onReport: (report) => reports.push(report),
    nowMs: () => nowMs,
  })
  for (let times = 0; times < 1_000; times += 1) unknown.note('acme', 'not_known')
  unknown.note('other', 'other_realm')
  nowMs = 59_999
  unknown.note('acme', 'not_known')
  assert.deepEqual(
    reports.map(({ realm, error }) => [realm, error?.detail]),
    [
      ['acme', 'not_known'],
      ['other', 'other_realm'],
    ],
  )
  nowMs = 60_000
  unknown.note('acme', 'not_known')
  assert.equal(reports.length, 3)
  assert.match(reports[2]?.error?.message ?? '', /^1001 since the last report: /)
})
