// A row is red for each kind of fault that the matrix must find, planted around a real gate, and green without a fault.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { createGate, type Gate } from 'portcullis/edge'
import type { Environment, Running } from './environment.ts'
import { askGate } from './hosts/gate.ts'
import { probe } from './probe.ts'
import { openStage, type Stage } from './stage.ts'
import { table } from './table.ts'
import { failed, judged } from './walk.ts'

let stage: Stage

before(async () => {
  stage = await openStage()
})

after(async () => stage.close())

const ENVIRONMENT: Environment = {
  name: 'a gate',
  configuration: 'in this process',
  tier: 'short',
  start: () => Promise.reject(new Error('not started')),
}

/** Returns a gate without faults. */
function running(gate: Gate): Running {
  return {
    ask: (token, scope) => askGate(gate, token, scope),
    close: async () => gate.close(),
  }
}

/** Returns why the row is red; `undefined` if it is green. */
async function reasonFor(fault: (good: Running) => Partial<Running>): Promise<string | undefined> {
  const good = running(createGate(stage.gateAt(stage.originUrl)))
  try {
    const { outcome, reason } = judged(ENVIRONMENT, await probe({ ...good, ...fault(good) }, stage), '')
    assert.equal(outcome, reason === undefined ? 'passed' : 'failed')
    return reason
  } finally {
    await good.close()
  }
}

test('a gate is green', async () => {
  assert.equal(await reasonFor(() => ({})), undefined)
})

test('a gate that accepts everything is red', async () => {
  const reason = await reasonFor(({ ask }) => ({
    ask: async (token, scope) => (token === undefined ? ask(token, scope) : 200),
  }))
  assert.match(reason ?? '', /garbage: 200 instead of 401; missing scope: 200 instead of 403/)
})

test('an application without a gate is red at its first response', async () => {
  assert.match((await reasonFor(() => ({ ask: async () => 200 }))) ?? '', /no token: 200 instead of 401/)
})

test('a revocation that never arrives is red', async () => {
  assert.equal(await reasonFor(() => ({ revoke: async () => undefined })), 'revoked: 200 instead of 401')
})

test('a missing scope check is red', async () => {
  assert.equal(await reasonFor(({ ask }) => ({ ask: (token) => ask(token) })), 'missing scope: 200 instead of 403')
})

test('a gate that refuses everything after a revocation is red', async () => {
  let isRevoked = false
  const fault = ({ ask }: Running): Partial<Running> => ({
    ask: async (token, scope) => (isRevoked ? 401 : ask(token, scope)),
    revoke: async (token) => {
      isRevoked = true
      await stage.revoke(token)
    },
  })
  await assert.rejects(reasonFor(fault), /an unrevoked token gets 401/)
})

test('a known limitation is shown with the tool’s message, and any other failure is red', () => {
  const limited: Environment = { ...ENVIRONMENT, notMet: { because: 'it cannot', prints: /use the other one/ } }
  assert.deepEqual(failed(limited, new Error('error: use the other one\n  at x')), {
    outcome: 'not met',
    reason: 'it cannot. It prints: use the other one',
  })
  assert.equal(failed(limited, new Error('out of memory')).outcome, 'failed')
  assert.equal(judged(limited, [], '').outcome, 'failed')
})

test('the table shows the configuration, every response and the reason', () => {
  const entry = { tool: 'tool', environment: { ...ENVIRONMENT, configuration: 'a | b' } }
  const answers = [{ step: 'no token', expected: 401, status: 200 }] as const
  const text = table([
    { entry, version: '1.2.3', outcome: 'failed', answers, reason: 'no token: 200 instead of 401', seconds: 1 },
  ])
  assert.match(text, /^\| a gate \| 1\.2\.3 \| `a \\\| b` \| 200, not 401 \| – \| – \| – \| – \| FAILED \| 1\.0 \|$/m)
  assert.match(text, /^a gate: failed, because no token: 200 instead of 401$/m)
  assert.match(text, /^1 environments: 0 passed, 1 failed, 0 not met, 0 skipped/m)
})
