// A gate compares its policy with the one that the origin states: if they differ, revocations would be looked up under
// other names.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createGate } from '../entry/edge/node.ts'
import type { Gate, RealmOptions, TokenOptions, Verdict } from '../types.ts'
import { clock, type StatedPolicy, TestRealm } from './testing/realm.ts'
import { withByte } from './testing/statements.ts'

/**
 * Each option that must be the same at both, with a value that only the gate has; without `issuer`, which makes another
 * realm.
 */
const DIFFERENCES: Record<string, Partial<TokenOptions>> = {
  'claimNames.lastLogoutTime': { claimNames: { lastLogoutTime: 'their-logout' } },
  'claimNames.session': { claimNames: { session: 'their-session' } },
  'claimNames.subject': { claimNames: { subject: 'their-user' } },
  'claimNames.tokenId': { claimNames: { tokenId: 'their-id' } },
  'claimNames.tokenUse': { claimNames: { tokenUse: 'their-use' } },
  'claimNames.tokenVersion': { claimNames: { tokenVersion: 'their-version' } },
  compare: { compare: 'authTime' },
  issuerClaim: { issuerClaim: 'their-issuer' },
  profile: { profile: 'keycloak' },
  grantClaim: { grantClaim: 'their-app' },
}

/** A token that is valid by each of these policies. */
function tokenFor(realm: TestRealm): Promise<string> {
  const their = {
    'their-logout': clock(),
    'their-session': 's',
    'their-user': 'alice',
    'their-id': 'i',
    'their-use': 'access',
    'their-app': 'a',
  }
  return realm.token({
    ...their,
    'their-version': 1,
    'their-issuer': realm.issuer,
    auth_time: clock() - 10,
    typ: 'Bearer',
  })
}

function reasonOf(verdict: Verdict): string {
  return verdict.ok ? 'accepted' : verdict.reason
}

function agreement(gate: Gate): [string | undefined, string[] | undefined] {
  const [status] = gate.status()
  return [status?.policyAgreement, status?.policyDifferences]
}

/** The reports about the policy. */
function reported({ reports }: TestRealm): string[] {
  return reports
    .filter(({ error }) => /^policy_/.test(error.code))
    .map(({ kind, error: { code, detail } }) => `${kind} ${code} ${detail}`)
}

async function failures(gate: Gate, token: string): Promise<string[]> {
  const failed = (await gate.explain(token)).filter(({ outcome }) => outcome === 'failed')
  return failed.map(({ check, reason, detail }) => `${check} ${reason}: ${detail}`)
}

for (const [option, different] of Object.entries(DIFFERENCES)) {
  test(`a policy that differs in ${option} is refused and named, once`, async (t) => {
    const realm = await TestRealm.start(t)
    const gate = createGate(realm.options({}, different))
    t.after(() => gate.close())
    const token = await tokenFor(realm)
    assert.deepEqual(await gate.check(token), { ok: false, reason: 'no_feed', status: 503 })
    assert.equal(reasonOf(gate.checkSync(token)), 'no_feed')
    assert.deepEqual(await failures(gate, token), [`feed no_feed: the origin's policy differs in ${option}`])
    assert.deepEqual(agreement(gate), ['differs', [option]])
    realm.record({ kind: 'user', subject: 'bob' })
    await gate.refresh()
    assert.deepEqual(reported(realm), ['options policy_differs differs'])
    const message = realm.reports[0]?.error.message ?? ''
    assert.ok(message.startsWith(`gate and origin differ in ${option}: every token is refused`), message)
    assert.doesNotMatch(message, /their-|authTime|issuedAt|keycloak|generic/, 'no values')
  })

  test(`with acceptDifferingPolicy one that differs in ${option} is reported, once`, async (t) => {
    const realm = await TestRealm.start(t)
    const gate = createGate(realm.options({}, { ...different, acceptDifferingPolicy: true }))
    t.after(() => gate.close())
    const token = await tokenFor(realm)
    assert.equal(reasonOf(await gate.check(token)), 'accepted')
    assert.deepEqual(await failures(gate, token), [])
    assert.deepEqual(agreement(gate), ['differs', [option]])
    await gate.refresh()
    assert.deepEqual(reported(realm), ['options policy_differs differs'])
    assert.match(realm.reports[0]?.error.message ?? '', /still accepted/)
  })
}

test('several options that differ are all named', async (t) => {
  const realm = await TestRealm.start(t, 'acme', { compare: 'authTime', claimNames: { session: 'session' } })
  const gate = createGate(realm.options({}, { grantClaim: 'app' }))
  t.after(() => gate.close())
  assert.equal(reasonOf(await gate.check(await realm.token())), 'no_feed')
  assert.deepEqual(agreement(gate), ['differs', ['claimNames.session', 'compare', 'grantClaim']])
})

test('an equal policy has the status same and no report; before the first statement there is no status', async (t) => {
  for (const policy of [
    {},
    { compare: 'authTime', grantClaim: 'app', claimNames: { subject: 'uid' } } satisfies StatedPolicy,
  ]) {
    const realm = await TestRealm.start(t, 'acme', policy)
    const gate = createGate(realm.options({}, policy))
    t.after(() => gate.close())
    assert.deepEqual(agreement(gate), [undefined, []])
    assert.equal(reasonOf(await gate.check(await realm.token({ uid: 'alice', auth_time: clock() - 10 }))), 'accepted')
    assert.deepEqual(agreement(gate), ['same', []])
    assert.equal(gate.status()[0]?.minor, 1)
    await gate.refresh()
    assert.deepEqual(realm.reports, [])
  }
})

test('an older origin that states no policy is used, and reported once', async (t) => {
  const stating = await TestRealm.start(t)
  stating.minor = 0
  for (const realm of [stating, await TestRealm.start(t, 'acme', 'not_stated')]) {
    const gate = createGate(realm.options())
    t.after(() => gate.close())
    assert.equal(reasonOf(await gate.check(await realm.token())), 'accepted')
    assert.deepEqual(agreement(gate), ['not_stated', []])
    assert.equal(gate.status()[0]?.minor, realm.minor)
    for (let i = 0; i < 3; i++) await gate.refresh()
    assert.deepEqual(reported(realm), ['options policy_unknown not_stated'])
  }
})

test('a policy in another version of the digest is used, and reported once', async (t) => {
  const realm = await TestRealm.start(t)
  const gate = createGate(realm.options())
  t.after(() => gate.close())
  const [, digest = ''] = gate.status()[0]?.policy.split(':') ?? []
  realm.instead.set('manifest', (_, response) => {
    const manifest = realm.manifest()
    // The version precedes the digest.
    const at = Buffer.from(manifest).indexOf(Buffer.from(digest, 'hex')) - 1
    response.writeHead(200, { 'content-type': 'application/octet-stream' }).end(withByte(realm, manifest, at, 9))
  })
  assert.equal(reasonOf(await gate.check(await realm.token())), 'accepted')
  assert.deepEqual(agreement(gate), ['other_version', []])
  await gate.refresh()
  assert.deepEqual(reported(realm), ['options policy_unknown other_version'])
})

test("another policy after an origin's restart is applied at the next refresh, and each change is reported", async (t) => {
  const realm = await TestRealm.start(t, 'acme', { compare: 'authTime' })
  const gate = createGate(realm.options())
  t.after(() => gate.close())
  const token = await realm.token()
  const verdicts = [reasonOf(await gate.check(token))]
  for (const policy of [{}, { grantClaim: 'app' }, {}, { grantClaim: 'app' }] satisfies StatedPolicy[]) {
    realm.restart(policy)
    await gate.refresh()
    verdicts.push(reasonOf(await gate.check(token)))
  }
  assert.deepEqual(verdicts, ['no_feed', 'accepted', 'no_feed', 'accepted', 'no_feed'])
  assert.deepEqual(
    reported(realm),
    Array.from({ length: 3 }, () => 'options policy_differs differs'),
  )
})

test('tokens that are refused for the policy cause no more requests than others', async (t) => {
  const realm = await TestRealm.start(t)
  const more: Partial<RealmOptions> = { compare: 'authTime' }
  const gate = createGate(realm.options({ waitAfterSeconds: 1000 }, more))
  t.after(() => gate.close())
  const token = await realm.token({ auth_time: clock() - 10 })
  assert.equal(reasonOf(await gate.check(token)), 'no_feed')
  const startedAtMs = Date.now()
  for (let i = 0; i < 200; i++) assert.equal(reasonOf(await gate.check(token)), 'no_feed')
  const asked = realm.server.count('/deltas') + realm.server.count('/manifest') - 1
  // One refresh a second, by two requests if it takes long.
  assert.ok(asked <= 2 + (2 * (Date.now() - startedAtMs)) / 1000, `${asked} requests`)
})
