import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AuditEntry } from '../store/audit-entry.ts'
import { AuditLog } from './log.ts'
import { AuditBounds } from '../recording/audit-bounds.ts'
import type { Committer } from '../recording/committer.ts'
import { createTestIssuer, openStage } from '../testing/stage.ts'
import { freshStore } from '../testing/stores.ts'

/** Opens a log whose clock stops until the test moves it, over a committer that only keeps lines. */
function openLog(realms: string[]) {
  const lines: Omit<AuditEntry, 'at'>[] = []
  const state = { nowMs: 0, failing: false }
  const committer: Pick<Committer, 'isClosed' | 'note' | 'written'> = {
    isClosed: false,
    async note(entry) {
      if (state.failing) throw new Error('failing on purpose')
      lines.push(entry)
    },
    async written() {},
  }
  const bounds = new AuditBounds({ realms, nowMs: () => state.nowMs })
  const log = new AuditLog({ store: freshStore(), committer, realms, bounds })
  const refuse = (times: number, address: string, realm = 'acme'): void => {
    for (let time = 0; time < times; time += 1)
      log.refused({ realm, subject: '/somewhere', detail: 'invalid_token', address })
  }
  return { log, lines, state, refuse }
}

test('refusals are bounded by address and by realm, and omitted lines are counted', async () => {
  const { log, lines, state, refuse } = openLog(['acme', 'other'])
  refuse(150, '203.0.113.1')
  assert.equal(lines.length, 100)
  // Neither another address nor another realm is affected.
  refuse(1, '203.0.113.2')
  refuse(1, '203.0.113.2', 'other')
  assert.equal(lines.length, 102)
  for (let host = 3; host < 20; host += 1) refuse(100, `203.0.113.${host}`)
  assert.equal(lines.filter(({ realm }) => realm === 'acme').length, 600)
  refuse(1, '203.0.113.100', 'other')
  assert.equal(lines.filter(({ realm }) => realm === 'other').length, 2)
  const leftOut = 50 + 1_700 - 499
  state.nowMs += 60_000
  await log.summarize()
  assert.deepEqual(lines.at(-1), {
    realm: 'acme',
    action: 'refused',
    detail: 'left_out',
    reason: `${leftOut} more requests were refused`,
  })
  await log.summarize()
  assert.equal(lines.length, 603)
  // The realm regains one a second, the address one in six seconds.
  refuse(100, '203.0.113.1')
  assert.equal(lines.length, 613)
})

test('retries a summary that could not be written', async () => {
  const { log, lines, state, refuse } = openLog(['acme'])
  refuse(101, '203.0.113.1')
  state.failing = true
  await assert.rejects(log.summarize())
  state.failing = false
  await log.summarize()
  assert.equal(lines.at(-1)?.reason, '1 more requests were refused')
})

test('acts of users and clients are bounded by network and by realm, and omitted lines are counted by action', async () => {
  const { log, lines, state } = openLog(['acme'])
  const act = async (times: number, address: string, actor = 'user:alice'): Promise<void> => {
    for (let time = 0; time < times; time += 1) await log.note({ realm: 'acme', action: 'login', actor, address })
  }
  await act(310, '203.0.113.1')
  assert.equal(lines.length, 300)
  // One subscriber has the whole /64.
  for (let host = 0; host < 310; host += 1) await act(1, `2001:db8::${host.toString(16)}`, 'client:demo')
  assert.equal(lines.length, 600)
  await act(400, '203.0.113.1', 'admin:bob')
  assert.equal(lines.length, 1_000)
  await log.note({ realm: 'acme', action: 'refresh', actor: 'client:demo', address: '203.0.113.1' })
  await log.summarize()
  assert.deepEqual(lines.slice(1_000), [
    { realm: 'acme', action: 'login', detail: 'left_out', reason: '20 more like this' },
    { realm: 'acme', action: 'refresh', detail: 'left_out', reason: '1 more like this' },
  ])
  for (let host = 1; host < 60; host += 1) await act(300, `198.51.100.${host}`)
  assert.equal(lines.length, 1_002 + 10_000 - 600)
  state.nowMs += 60_000
  await act(100, '203.0.113.1')
  assert.equal(lines.length, 1_002 + 10_000 - 600 + 30)
  // Without an address only the realm's bound applies.
  for (let time = 0; time < 400; time += 1) await log.note({ realm: 'acme', action: 'login', actor: 'user:alice' })
  assert.equal(lines.length, 1_002 + 10_000 - 600 + 300)
})

test('limits refusals noted by an issuer, but not acts of the application', async () => {
  const { log, lines } = openLog(['acme'])
  for (let time = 0; time < 150; time += 1)
    await log.note({ realm: 'acme', action: 'login_refused', address: '203.0.113.1' })
  for (let time = 0; time < 150; time += 1) await log.note({ realm: 'acme', action: 'login', address: '203.0.113.1' })
  assert.equal(lines.filter(({ action }) => action === 'login_refused').length, 100)
  assert.equal(lines.filter(({ action }) => action === 'login').length, 150)
})

test('unlimited addresses take no more memory than a thousand', () => {
  const { refuse, lines } = openLog(['acme'])
  for (let network = 0; network < 5_000; network += 1) refuse(1, `2001:db8:0:${network.toString(16)}::1`)
  assert.equal(lines.length, 600)
})

test("an origin's log returns a noted line at once", async () => {
  const { realm } = await createTestIssuer()
  const stage = await openStage({ realms: [{ ...realm, keysInFeed: 'omit' }] })
  const { audit } = stage.origin
  try {
    void audit.note({ realm: 'acme', action: 'login', actor: 'user:alice', subject: 'alice', address: '203.0.113.7' })
    void audit.note({ realm: 'acme', action: 'logout' })
    const [second, first] = await audit.list({ realm: 'acme', limit: 10 })
    assert.ok(Math.abs((first?.at ?? 0) - Date.now() / 1000) < 60)
    const { at: _, ...rest } = first ?? {}
    assert.deepEqual(rest, {
      id: 1,
      realm: 'acme',
      action: 'login',
      actor: 'user:alice',
      subject: 'alice',
      address: '203.0.113.7',
    })
    assert.equal(second?.actor, 'application')
    // Long names are truncated, stay distinct, and are found by their full length.
    for (const [first, second] of [
      ['x'.repeat(2_000), `${'x'.repeat(1_999)}y`],
      ['名'.repeat(91), `${'名'.repeat(90)}字`],
      [`\0${'z'.repeat(270)}!`, `\0${'z'.repeat(271)}`],
    ] as const) {
      for (const actor of [first, second]) await audit.note({ realm: 'acme', action: 'login', actor, subject: actor })
      for (const actor of [first, second]) {
        const [found, ...others] = await audit.list({ realm: 'acme', actor, subject: actor, limit: 10 })
        assert.deepEqual(others, [])
        assert.ok(Buffer.byteLength(found?.actor ?? '') <= 271 && found?.actor === found?.subject)
        assert.equal(found?.actor?.[1], first[1])
      }
    }
    const whole = `user:${'s'.repeat(255)}`
    await audit.note({ realm: 'acme', action: 'login', actor: whole })
    assert.equal((await audit.list({ realm: 'acme', limit: 1 }))[0]?.actor, whole)
    for (const entry of [
      undefined,
      {},
      { realm: 'acme', action: 'x' },
      { realm: 'acme', action: 'login', token: 'eyJ' },
      { realm: 'acme', action: 'login', actor: 7 },
    ]) {
      await assert.rejects(audit.note(entry as never), { code: 'invalid_option' })
    }
    await assert.rejects(audit.note({ realm: 'other', action: 'login' }), { code: 'unknown_realm' })
    for (const query of [
      undefined,
      {},
      { realm: 'acme' },
      { realm: 'acme', limit: 0 },
      { realm: 'acme', limit: 1_001 },
      { realm: 'acme', limit: 1, from: -1 },
    ]) {
      await assert.rejects(audit.list(query as never), { code: 'invalid_option' })
    }
    assert.deepEqual(await audit.list({ realm: 'other', limit: 1 }), [])
  } finally {
    await stage.close()
  }
  await assert.rejects(audit.note({ realm: 'acme', action: 'login' }), { code: 'closed' })
  await assert.rejects(audit.list({ realm: 'acme', limit: 1 }), { code: 'closed' })
})

test('counts omitted lines before an origin closes', async () => {
  const stage = await openStage()
  for (let time = 0; time < 101; time += 1) await stage.origin.audit.note({ realm: 'acme', action: 'login_refused' })
  await stage.close()
  const store = stage.reopenStore()
  await store.open()
  assert.equal((await store.auditEntries({ realm: 'acme', limit: 1 }))[0]?.detail, 'left_out')
  await store.close()
})
