// The verdict follows from the state at the moment at which it is made: nothing may be applied between the last
// inspection and the result.

import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { createGate } from '../entry/edge/node.ts'
import type { Gate, GateOptions, Verdict } from '../types.ts'
import { OpenGate } from './open-gate.ts'
import { Tenants } from './testing/tenants.ts'

/** Makes a revocation of `alice` arrive in the microtask after the next inspection that accepts a token. */
function revokeAfterInspection(t: TestContext, tenants: Tenants, gate: Gate): { sequence: number } {
  const { inspect } = OpenGate.prototype
  const arrived = { sequence: 0 }
  t.mock.method(OpenGate.prototype, 'inspect', function (this: OpenGate, token: string) {
    const finding = inspect.call(this, token)
    if ('reason' in finding && finding.reason === undefined && arrived.sequence === 0) {
      arrived.sequence = -1
      queueMicrotask(() => {
        const before = gate.status()[0]?.sequence
        tenants.record('a', { kind: 'user', subject: 'alice' })
        arrived.sequence = gate.applyFeed(tenants.statement('a', 'deltas', '', before)).sequence
      })
    }
    return finding
  })
  return arrived
}

/** The same options with the realm in an array. */
function withoutFunction(tenants: Tenants): GateOptions {
  const { issuers: _, ...options } = tenants.options()
  return { ...options, realms: [tenants.realm('a')] }
}

function mustBeOfOneState(verdict: Verdict, arrived: { sequence: number }): void {
  assert.ok(arrived.sequence > 0, 'the revocation has arrived')
  if (verdict.ok) assert.notEqual(verdict.sequence, arrived.sequence, 'accepted at the position of its own revocation')
  else assert.equal(verdict.reason, 'user_revoked')
}

test('a revocation that arrives right after the first fetches', async (t) => {
  const tenants = await Tenants.start(t)
  for (const options of [withoutFunction(tenants), tenants.options()]) {
    tenants.lose('a')
    const gate = createGate(options)
    t.after(() => gate.close())
    const arrived = revokeAfterInspection(t, tenants, gate)
    mustBeOfOneState(await gate.check(await tenants.token('a')), arrived)
    t.mock.restoreAll()
  }
})

test('a revocation that arrives while a token that is ahead of the state needs no further refresh', async (t) => {
  const tenants = await Tenants.start(t)
  const gate = createGate(withoutFunction(tenants))
  t.after(() => gate.close())
  const ahead = (): Promise<string> => tenants.token('a', { rsq: 999 })
  assert.ok((await gate.check(await ahead())).ok)
  const token = await ahead()
  const arrived = revokeAfterInspection(t, tenants, gate)
  mustBeOfOneState(await gate.check(token), arrived)
})
