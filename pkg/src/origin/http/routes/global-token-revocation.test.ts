// POST /realms/{realm}/global-token-revocation: the effects of a call, and its records.

import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import type { Connector } from '../../connectors/connector.ts'
import type { Forwarder } from '../../connectors/forwarder.ts'
import {
  acme,
  ALICE,
  call,
  callerOf,
  OKTA,
  okta,
  openRealms,
  refusesAlice,
  SECRET,
  sequencesOf,
  statusOf,
  unixSeconds,
} from '../../testing/revocation-callers.ts'
import type { Stage } from '../../testing/stage.ts'

let stage: Stage

describe('a caller', () => {
  beforeEach(async () => {
    stage = await openRealms({ secrets: [SECRET], callers: [callerOf('acme')] })
  })
  afterEach(() => stage.close())

  test('with a JWT as Okta sends it revokes all tokens of a user, and the next login works', async () => {
    const token = await acme.token()
    const before = unixSeconds()
    assert.equal(refusesAlice(stage, before), false)
    const response = await call(stage, await okta.jwt(), { sub_id: ALICE })
    assert.deepEqual(
      [response.status, await response.text(), response.headers.get('cache-control')],
      [204, '', 'no-store'],
    )
    assert.equal(refusesAlice(stage, before), true)
    assert.equal(refusesAlice(stage, unixSeconds() + 1), false)
    assert.equal(stage.origin.refuses('acme', { subject: 'bob', issuedAt: 1, expiresAt: 2 }), undefined)
    assert.equal(stage.origin.userNotBefore('other', 'alice'), 0)
    assert.equal((await stage.revoke(token)).status, 200)
  })

  test('with a secret likewise; the member may have its older name, and opaque names the sub', async () => {
    const opaque = { format: 'opaque', id: 'alice' }
    for (const body of [{ sub_id: ALICE }, { subject: ALICE }, { sub_id: opaque }, { subject: opaque }]) {
      await stage.close()
      stage = await openRealms({ secrets: ['one-more-secret-of-acme', SECRET] })
      const before = unixSeconds()
      assert.equal(await statusOf(stage, SECRET, body), 204)
      assert.equal(refusesAlice(stage, before), true)
    }
  })

  test('is in the audit log, under its own action', async () => {
    assert.equal(await statusOf(stage, await okta.jwt(), { sub_id: ALICE }), 204)
    assert.equal(await statusOf(stage, SECRET, { sub_id: { format: 'opaque', id: 'bob' } }), 204)
    const lines = await stage.origin.audit.list({ realm: 'acme', action: 'tokens_revoked_globally', limit: 10 })
    assert.deepEqual(
      lines.map(({ actor, subject, detail }) => [actor, subject, detail]),
      [
        ['connector:global-token-revocation', 'bob', 'secret'],
        ['connector:global-token-revocation', 'alice', `caller ${OKTA}`],
      ],
    )
    assert.ok(lines.every(({ sequence, address }) => sequence !== undefined && address !== undefined))
  })

  test('may wait for the edges', async () => {
    const response = await call(stage, SECRET, { sub_id: ALICE }, { query: '?wait=enforced&timeoutMs=0' })
    assert.equal(response.status, 200)
    assert.equal(((await response.json()) as { sequence: number }).sequence, sequencesOf(stage)[0])
    assert.equal((await call(stage, SECRET, { sub_id: ALICE }, { query: '?wait=nonsense' })).status, 400)
  })

  test('states that the identity server is to end its sessions too', async () => {
    const told: string[] = []
    const forwarder: Forwarder = {
      messageFor(event) {
        told.push(event.action)
        return { entry: { queue: 'kept', at: event.now, payload: new Uint8Array() } }
      },
      stored: async () => 'queued',
      withdrawn: () => undefined,
    }
    const connector: Connector = {
      name: 'kept',
      realm: 'acme',
      connect: () => ({ receivers: {}, forwarder, start() {}, async close() {} }),
    }
    await stage.close()
    stage = await openRealms(
      { secrets: [SECRET], subjectsOf: { opaque: () => ['alice', 'bob'] } },
      { connectors: [connector] },
    )
    const response = await call(stage, SECRET, { sub_id: { format: 'opaque', id: 'family' } })
    assert.deepEqual([response.status, response.headers.get('portcullis-upstream')], [204, 'queued'])
    assert.deepEqual(told, ['tokens_revoked_globally', 'tokens_revoked_globally'])
  })

  test('needs no query in its audience, and cannot affect a user of another realm', async () => {
    assert.equal(
      (await call(stage, await okta.jwt(), { sub_id: { ...ALICE, iss: 'https://issuer.test/realms/other' } })).status,
      404,
    )
    assert.equal(stage.origin.userNotBefore('other', 'alice'), 0)
  })
})

test('limits guesses from one address, and still accepts a valid secret from there', async () => {
  stage = await openRealms({ secrets: [SECRET] }, { maxFailuresPerMinute: 5 })
  try {
    const statuses: number[] = []
    for (let index = 0; index < 8; index += 1) statuses.push(await statusOf(stage, `guess-${index}`, { sub_id: ALICE }))
    assert.deepEqual(statuses, [401, 401, 401, 401, 401, 429, 429, 429])
    assert.equal(await statusOf(stage, SECRET, { sub_id: ALICE }), 204)
  } finally {
    await stage.close()
  }
})
