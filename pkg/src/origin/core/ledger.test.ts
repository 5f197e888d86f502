// The ledger behind the wasm boundary: every kind of event, and its statistics. The meaning of events is tested in
// Rust.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import '../../entry/origin/node.ts'
import { corePolicy } from '../../policy.ts'
import { coreCode } from './module.ts'
import { createLedger, stageEvent } from './guarded-ledger.ts'
import { generateFeedKey } from './feed-key.ts'
import type { LedgerCore, LedgerEvent, LedgerOptions } from './ledger.ts'

const NOW = 1_800_000_000
const THUMBPRINT = 'A'.repeat(43)

async function options(change: object = {}): Promise<LedgerOptions> {
  const { signingKey } = await generateFeedKey()
  return {
    issuer: 'https://issuer.test',
    signingKey,
    leewaySeconds: 5,
    skewSeconds: 5,
    maxLifetimeSeconds: 86_400,
    issuerSkewSeconds: 0,
    errorRate: 1e-6,
    validForSeconds: 300,
    incarnation: 0,
    ...change,
  }
}

async function openLedger(change: object = {}): Promise<LedgerCore> {
  return createLedger('acme', await options(change))
}

/** Returns the row's sequence; `undefined` if the event was already in force. */
function record(ledger: LedgerCore, event: LedgerEvent): number | undefined {
  const row = stageEvent(ledger, event, NOW)?.row
  ledger.commit()
  return row?.sequence
}

test('corrections undo the event on the same subject', async () => {
  const ledger = await openLedger()
  const token = { issuedAt: NOW, expiresAt: NOW + 300 }
  const subject = {
    ...token,
    subject: 'alice',
    session: 's',
    authorizedParty: 'demo',
    tokenVersion: 1,
    keyThumbprint: THUMBPRINT,
  }
  const cases: [LedgerEvent, LedgerEvent][] = [
    [
      { kind: 'user', subject: 'alice' },
      { kind: 'correction', correction: { kind: 'user', subject: 'alice' } },
    ],
    [
      { kind: 'session', session: 's' },
      { kind: 'correction', correction: { kind: 'session', session: 's', notBefore: NOW - 9 } },
    ],
    [
      { kind: 'clientSession', session: 's', authorizedParty: 'demo' },
      { kind: 'correction', correction: { kind: 'clientSession', session: 's', authorizedParty: 'demo' } },
    ],
    [
      { kind: 'grant', subject: 'alice', client: 'demo' },
      { kind: 'correction', correction: { kind: 'grant', subject: 'alice', client: 'demo' } },
    ],
    [
      { kind: 'keyNotBefore', thumbprint: THUMBPRINT },
      { kind: 'correction', correction: { kind: 'keyNotBefore', thumbprint: THUMBPRINT, notBefore: NOW - 9 } },
    ],
    [
      { kind: 'client', client: 'demo' },
      { kind: 'correction', correction: { kind: 'client', client: 'demo', notBefore: NOW - 9.5 } },
    ],
    [{ kind: 'realm' }, { kind: 'correction', correction: { kind: 'realm' } }],
    [
      { kind: 'tokenVersion', subject: 'alice', minimum: 7 },
      { kind: 'correction', correction: { kind: 'tokenVersion', subject: 'alice', minimum: 1 } },
    ],
  ]
  for (const [mistake, correction] of cases) {
    assert.equal(ledger.refuses(subject), undefined)
    assert.notEqual(record(ledger, mistake), undefined)
    assert.notEqual(ledger.refuses(subject), undefined, mistake.kind)
    assert.notEqual(record(ledger, correction), undefined)
    assert.equal(ledger.refuses(subject), undefined, mistake.kind)
    assert.equal(record(ledger, correction), undefined, 'no longer a change')
  }
  record(ledger, { kind: 'keyBanned', thumbprint: THUMBPRINT })
  assert.equal(ledger.bans(THUMBPRINT), true)
  record(ledger, { kind: 'correction', correction: { kind: 'keyBanned', thumbprint: THUMBPRINT } })
  assert.equal(ledger.bans(THUMBPRINT), false)
  ledger.free()
})

test('refuses an event that is misspelt, out of range or has an extra member', async () => {
  const ledger = await openLedger()
  const bad: [string, object][] = [
    ['invalid_option', { kind: 'correction', correction: { kind: 'user', subject: 'alice', not_before: 1 } }],
    ['invalid_option', { kind: 'correction', correction: { kind: 'token', tokenId: 'a' } }],
    ['invalid_option', { kind: 'correction' }],
    ['invalid_option', { kind: 'tokenVersion', subject: 'alice', minimum: -1 }],
    ['invalid_event', { kind: 'correction', correction: { kind: 'user', subject: 'alice', notBefore: Number.NaN } }],
    ['invalid_event', { kind: 'correction', correction: { kind: 'keyBanned', thumbprint: 'short' } }],
    ['invalid_event', { kind: 'keyNotBefore', thumbprint: 'short' }],
    // The members of a client session.
    ['invalid_option', { kind: 'grant', session: 's', authorizedParty: 'demo' }],
    ['invalid_option', { kind: 'grant', subject: 'alice', client: 'demo', session: 's' }],
    ['invalid_option', { kind: 'correction', correction: { kind: 'grant', session: 's', authorizedParty: 'demo' } }],
    ['not_before_in_future', { kind: 'correction', correction: { kind: 'realm', notBefore: NOW * 1000 } }],
    ['private_key', { kind: 'keys', jwks: '{"keys":[{"kty":"oct","k":"c2VjcmV0"}]}' }],
    ['not_a_jwks', { kind: 'keys', jwks: '' }],
  ]
  for (const [code, event] of bad) {
    assert.throws(
      () => stageEvent(ledger, event as LedgerEvent, NOW),
      (error) => coreCode(error) === code,
      JSON.stringify(event),
    )
  }
  assert.equal(ledger.head().sequence, 0)
  ledger.free()
})

test('refuses an unknown option', async () => {
  const misspelt = { ...(await options()), maxSessionsSeconds: 1 }
  assert.throws(() => createLedger('acme', misspelt), /maxSessionsSeconds/)
})

test('reads the policy as a gate does, and requires the same issuer', async () => {
  const policy = corePolicy({ name: 'acme', issuer: 'https://issuer.test', audience: 'api' })
  assert.equal((await openLedger({ policy })).sequence, 0)
  for (const [change, option] of [
    [{ issuer: 'https://other.test' }, 'policy'],
    [{ profile: 'other' }, 'profile'],
    [{ compare: 'other' }, 'compare'],
  ] as const) {
    await assert.rejects(openLedger({ policy: { ...policy, ...change } }), {
      code: 'invalid_option',
      message: new RegExp(`refused: .*${option}: `),
    })
  }
})

test('keys can be withdrawn', async () => {
  const ledger = await openLedger()
  assert.equal(record(ledger, { kind: 'keysWithdrawn' }), undefined)
  assert.equal(record(ledger, { kind: 'keys', jwks: '{"keys":[]}' }), 1)
  assert.equal(record(ledger, { kind: 'keysWithdrawn' }), 2)
  ledger.free()
})

test('refuses a token that does not know the last logout', async () => {
  const ledger = await openLedger()
  record(ledger, { kind: 'user', subject: 'alice', notBefore: NOW - 100 })
  const ask = (lastLogoutTime?: number) =>
    ledger.refuses({
      subject: 'alice',
      issuedAt: NOW,
      expiresAt: NOW + 300,
      ...(lastLogoutTime === undefined ? {} : { lastLogoutTime }),
    })
  assert.deepEqual([ask(), ask(NOW - 100), ask(NOW - 101)], [undefined, undefined, 'user_revoked'])
  ledger.free()
})

test('the chain of the past, another signing key, and stats', async () => {
  const ledger = await openLedger()
  const before = ledger.head()
  record(ledger, { kind: 'user', subject: 'alice' })
  record(ledger, { kind: 'token', tokenId: 'a', expiresAt: NOW + 300 })
  assert.equal(ledger.chainAt(before.sequence), before.chain)
  assert.equal(ledger.chainAt(2), ledger.head().chain)
  assert.equal(ledger.chainAt(3), undefined)

  const { signingKey, publicKey } = await generateFeedKey()
  const [signed, heartbeat] = [ledger.signedDelta(2, NOW).bytes, (): Uint8Array => ledger.signedDelta(2, NOW).bytes]
  ledger.setSigningKey(signingKey)
  assert.notDeepEqual(heartbeat(), signed)
  assert.throws(
    () => ledger.setSigningKey(publicKey),
    (error) => coreCode(error) === 'invalid_option',
  )

  ledger.manifest(NOW)
  const { filterFill, errorRate, sectionBytes, ...counts } = ledger.stats()
  assert.deepEqual(counts, {
    sequence: 2,
    tokenIds: 1,
    buckets: 1,
    epochs: 1,
    grants: 0,
    clients: 0,
    bans: 0,
    keyNotBefores: 0,
    versions: 0,
    bounds: { leewaySeconds: 5, skewSeconds: 5, maxLifetimeSeconds: 86_400, maxSessionSeconds: undefined },
  })
  assert.deepEqual([filterFill, errorRate, sectionBytes > 100], [1 / 50, 1e-6, true])
  ledger.free()
})

test('wider bounds than those recorded take effect later', async () => {
  const settings = await options({ maxLifetimeSeconds: 3600 })
  const [narrow, wide] = [
    createLedger('acme', settings),
    createLedger('acme', { ...settings, maxLifetimeSeconds: 86_400 }),
  ]
  const row = stageEvent(narrow, { kind: 'bounds' }, NOW)?.row
  assert.ok(row !== undefined && row.keepUntil === undefined)
  wide.restorePage(
    new Float64Array([row.sequence]),
    new Uint32Array([row.payload.length]),
    Buffer.concat([row.chain, row.payload]),
  )
  assert.equal(record(wide, { kind: 'bounds' }), 2)
  assert.equal(wide.stats().bounds.maxLifetimeSeconds, 3600)
  const later = NOW + 2 * 86_400
  assert.equal(stageEvent(wide, { kind: 'bounds' }, later)?.row.sequence, 3)
  wide.commit()
  assert.equal(wide.stats().bounds.maxLifetimeSeconds, 86_400)
  narrow.free()
  wide.free()
})
