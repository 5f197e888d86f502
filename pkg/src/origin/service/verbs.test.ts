import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import type { DatedAct, IssuerAdministration, Origin, Recorded } from '../index.ts'
import { createTestIssuer, openStage, type Stage } from '../testing/stage.ts'

let stage: Stage
/** Called when the issuer is to end a session. */
let onSessionEnded: (sid: string) => Promise<void>

/** Refresh tokens are `refresh:<client>:<session>`. */
const administration: IssuerAdministration = {
  users: async () => [],
  sessions: async () => undefined,
  keys: async () => [],
  addKey: () => Promise.reject(new Error('this issuer adds no keys')),
  retireKey: async () => 'unknown',
  async refreshToken(token) {
    const [word, client, session] = token.split(':')
    return word === 'refresh' && client !== undefined && session !== undefined
      ? { client, session, subject: 'alice' }
      : undefined
  },
  sessionEnded: (sid) => onSessionEnded(sid),
}

beforeEach(async () => {
  const issuer = await createTestIssuer()
  stage = await openStage({ clients: [{ id: 'demo' }], realms: [{ ...issuer.realm, administration }] })
  stage.issuer = issuer
})
afterEach(() => stage.close())

const now = (): number => Math.floor(Date.now() / 1000)
type Verb = (origin: Origin, act: DatedAct) => Promise<Recorded>

/** Returns the verbs, each with its own subject; the tokens are created once. */
async function verbs(): Promise<[name: string, verb: Verb][]> {
  onSessionEnded = async () => undefined
  const [token, ofClient] = [await stage.issuer.token(), await stage.issuer.token()]
  return [
    ['revokeToken', (origin, act) => origin.revokeToken(token, act)],
    ['revokeOAuthToken, access', (origin, act) => origin.revokeOAuthToken('acme', 'demo', ofClient, act)],
    ['revokeOAuthToken, refresh', (origin, act) => origin.revokeOAuthToken('acme', 'demo', 'refresh:demo:s1', act)],
    ['endSession', (origin, act) => origin.endSession('acme', 's2', act)],
    ['endClientSession', (origin, act) => origin.endClientSession('acme', 's3', 'demo', act)],
    ['logoutUser', (origin, act) => origin.logoutUser('acme', 'alice', act)],
    ['endGrant', (origin, act) => origin.endGrant('acme', 'alice', 'demo', act)],
    ['setClientNotBefore', (origin, act) => origin.setClientNotBefore('acme', 'shop', undefined, act)],
    ['setRealmNotBefore', (origin, act) => origin.setRealmNotBefore('acme', undefined, act)],
    ['raiseTokenVersion', (origin, act) => origin.raiseTokenVersion('acme', 'bob', 3, act)],
    ['raiseKeyNotBefore', (origin, act) => origin.raiseKeyNotBefore('acme', String(stage.issuer.jwk.kid), act)],
    ['banKey', (origin, act) => origin.banKey('acme', String(stage.issuer.jwk.kid), { force: true, ...act })],
  ]
}

/** The effects of a token's revocation. */
const ENDED: Readonly<Record<string, string>> = {
  revokeToken: 'token',
  'revokeOAuthToken, access': 'token',
  'revokeOAuthToken, refresh': 'session',
}

test('every verb returns whether the ledger changed, and its sequence', async () => {
  // A time ahead of us, because a session's end is the later of that and its arrival, and a second may pass between two
  // calls.
  const occurredAt = now() + 60
  for (const [name, verb] of await verbs()) {
    const before = stage.sequence()
    const recorded = {
      realm: 'acme',
      sequence: before + 1,
      ...(ENDED[name] === undefined ? {} : { ended: ENDED[name] }),
    }
    assert.deepEqual(await verb(stage.origin, { occurredAt }), { ...recorded, changed: true }, name)
    assert.deepEqual(await verb(stage.origin, { occurredAt: occurredAt - 1 }), { ...recorded, changed: false }, name)
  }
  const { sequence, changed } = await stage.origin.logoutRealm('acme', { occurredAt: occurredAt - 1 })
  assert.equal(changed, false)
  assert.deepEqual(await stage.origin.logoutRealm('acme', { occurredAt: occurredAt + 1 }), {
    realm: 'acme',
    sequence: sequence + 1,
    changed: true,
  })
  const correction = { kind: 'user', subject: 'alice' } as const
  assert.equal((await stage.origin.correct('acme', correction, { reason: 'test' })).changed, true)
})

test('every verb checks the time of the event before it does anything', async () => {
  const before = stage.sequence()
  for (const [name, verb] of await verbs()) {
    for (const occurredAt of [0, Number.NaN, '5'] as number[]) {
      await assert.rejects(verb(stage.origin, { occurredAt }), { code: 'invalid_event', detail: 'invalid_time' }, name)
    }
  }
  assert.equal(stage.sequence(), before)
})

test("without a not-before, the time still shows the issuer's lead, and is not in the log", async () => {
  const stage = await openStage()
  try {
    await stage.origin.raiseTokenVersion('acme', 'alice', 1, { occurredAt: now() + 60 })
    await stage.origin.revokeToken(await stage.issuer.token(), { occurredAt: now() + 60 })
    assert.deepEqual(
      stage.reports.map(({ error }) => error?.detail),
      ['issuer_ahead', 'issuer_beyond_skew'],
    )
    for (const line of await stage.origin.audit.list({ realm: 'acme', limit: 10 }))
      assert.ok(!Object.hasOwn(line, 'occurredAt'))
  } finally {
    await stage.close()
  }
})

test('the time of a revoked refresh token applies to its session', async () => {
  const occurredAt = now() + 120
  await stage.origin.revokeOAuthToken('acme', 'demo', 'refresh:demo:s9', { occurredAt })
  const ofIt = (issuedAt: number): unknown =>
    stage.origin.refuses('acme', { session: 's9', issuedAt, expiresAt: issuedAt + 300 })
  assert.equal(ofIt(occurredAt + 60), 'session_revoked')
  assert.equal(ofIt(occurredAt + 61), undefined)
})

describe('revokeOAuthToken', () => {
  test('refuses tokens of another client or that cannot be revoked, and records nothing', async () => {
    const before = stage.sequence()
    const { origin } = stage
    const ask = (token: string): Promise<Recorded> => origin.revokeOAuthToken('acme', 'demo', token)
    const of = (claims: Record<string, unknown>): Promise<string> => stage.issuer.token(claims)
    const refusals: [string, object][] = [
      [await of({ azp: 'other' }), { code: 'invalid_event', detail: 'other_client' }],
      ['refresh:other:s1', { code: 'invalid_event', detail: 'other_client' }],
    ]
    for (const [token, error] of refusals) await assert.rejects(ask(token), error)
    await assert.rejects(origin.revokeOAuthToken('none', 'demo', 'x'), { code: 'unknown_realm' })
    assert.deepEqual(await ask('not a token'), { realm: 'acme', sequence: before, changed: false, ended: 'token' })
    assert.equal(stage.sequence(), before)
  })
})

describe('an issuer that cannot end a session', () => {
  const failures: [string, () => Promise<void>][] = [
    ['rejects', () => Promise.reject(new Error('the issuer is down'))],
    [
      'throws',
      () => {
        throw new Error('the issuer is down')
      },
    ],
  ]
  const verbs: [string, (sid: string) => Promise<Recorded>][] = [
    ['endSession', (sid) => stage.origin.endSession('acme', sid)],
    ['revokeOAuthToken', (sid) => stage.origin.revokeOAuthToken('acme', 'demo', `refresh:demo:${sid}`)],
  ]
  for (const [how, fail] of failures) {
    for (const [name, verb] of verbs) {
      test(`${how}: ${name} has recorded it, and reports that`, async () => {
        onSessionEnded = fail
        const [session, reports] = [`${how}-${name}`, stage.reports.length]
        assert.equal((await verb(session)).changed, true)
        assert.equal(
          stage.origin.refuses('acme', { session, issuedAt: now(), expiresAt: now() + 300 }),
          'session_revoked',
        )
        assert.deepEqual(
          stage.reports.slice(reports).map(({ kind, error }) => [kind, error?.message]),
          [['fault', 'realm acme: the issuer could not end a session that is revoked']],
        )
      })
    }
  }

  test('does not fail the request', async () => {
    onSessionEnded = () => Promise.reject(new Error('the issuer is down'))
    const body = new URLSearchParams({ client_id: 'demo', token: 'refresh:demo:s-http' })
    const response = await stage.get('/realms/acme/protocol/openid-connect/revoke', { method: 'POST', body })
    assert.equal(response.status, 200)
    assert.equal(stage.reports.at(-1)?.kind, 'fault')
  })
})
