import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { Revocation } from '../../revocation.ts'
import { IssuerCheck } from '../client/issuer-check.ts'
import { openScene, type Scene } from '../testing/scene.ts'
import { NotBeforePoll } from './not-before-poll.ts'

const NOW = 1_800_000_000

interface Polled {
  scene: Scene
  recorded: Revocation[]
  /** Returns a poll with new memory, as after a restart. */
  restart(): NotBeforePoll
}

async function open(context: TestContext, now: () => number = () => NOW): Promise<Polled> {
  const scene = await openScene(context)
  const recorded: Revocation[] = []
  const { realm: client, store } = scene
  const record = async (revocation: Revocation): Promise<void> => void recorded.push(revocation)
  const restart = (): NotBeforePoll =>
    new NotBeforePoll({ client, realm: 'acme', connector: 'keycloak', store, record, nowMs: () => now() * 1_000 })
  return { scene, recorded, restart }
}

const SIGNAL = new AbortController().signal
const times = (recorded: readonly Revocation[]): unknown[] => recorded.map(({ kind, occurredAt }) => [kind, occurredAt])

test('records a not-before once when it changes, also across a restart', async (context) => {
  const { scene, recorded, restart } = await open(context)
  const first = restart()
  await first.poll(SIGNAL)
  scene.fake.notBefore = NOW - 100
  for (let polls = 0; polls < 3; polls += 1) await first.poll(SIGNAL)
  await restart().poll(SIGNAL)
  scene.fake.notBefore = NOW - 50
  await restart().poll(SIGNAL)
  assert.deepEqual(times(recorded), [
    ['realm', NOW - 100],
    ['realm', NOW - 50],
  ])
})

test('records one that was set before the first start', async (context) => {
  const { scene, recorded, restart } = await open(context)
  scene.fake.notBefore = NOW - 5_000
  await restart().poll(SIGNAL)
  assert.deepEqual(times(recorded), [['realm', NOW - 5_000]])
})

test('remembers one that moves back, and records one that is raised again', async (context) => {
  const { scene, recorded, restart } = await open(context)
  const poll = restart()
  for (const notBefore of [NOW - 10, 0, 0, NOW - 10]) {
    scene.fake.notBefore = notBefore
    await poll.poll(SIGNAL)
  }
  assert.deepEqual(times(recorded), [
    ['realm', NOW - 10],
    ['realm', NOW - 10],
  ])
})

test('records one in the future at each poll until it has passed', async (context) => {
  let now = NOW
  const { scene, recorded, restart } = await open(context, () => now)
  scene.fake.notBefore = NOW + 7_200
  const poll = restart()
  await poll.poll(SIGNAL)
  await poll.poll(SIGNAL)
  now = NOW + 7_200
  await poll.poll(SIGNAL)
  assert.deepEqual(times(recorded), [
    ['realm', NOW + 7_200],
    ['realm', NOW + 7_200],
  ])
})

test('records one in milliseconds once, not at every poll', async (context) => {
  const { scene, recorded, restart } = await open(context)
  scene.fake.notBefore = NOW * 1_000
  const poll = restart()
  for (let polls = 0; polls < 3; polls += 1) await poll.poll(SIGNAL)
  assert.equal(recorded.length, 1)
})

test('fails for an invalid time or another realm, and records nothing', async (context) => {
  const { scene, recorded, restart } = await open(context)
  for (const notBefore of [undefined, null, '1800000000', -1, 1.5, 1e300, {}, true]) {
    scene.fake.notBefore = notBefore
    await assert.rejects(restart().poll(SIGNAL), { code: 'connector_failed', detail: 'not_json' })
  }
  scene.fake.intercept = (_, response) => {
    response.end(JSON.stringify({ realm: 'other', 'tokens-not-before': NOW }))
    return true
  }
  await assert.rejects(restart().poll(SIGNAL), { detail: 'not_json' })
  assert.deepEqual(recorded, [])
})

test('the next poll records one that could not be recorded', async (context) => {
  const { scene } = await open(context)
  const recorded: Revocation[] = []
  let failing = true
  const record = async (revocation: Revocation): Promise<void> => {
    if (failing) throw new Error('full')
    recorded.push(revocation)
  }
  scene.fake.notBefore = NOW - 1
  const poll = new NotBeforePoll({
    client: scene.realm,
    realm: 'acme',
    connector: 'keycloak',
    store: scene.store,
    record,
    nowMs: () => NOW * 1_000,
  })
  await assert.rejects(poll.poll(SIGNAL), /full/)
  failing = false
  await poll.poll(SIGNAL)
  assert.equal(recorded.length, 1)
})

test('fails for a discovery document that names another host, and requests a correct one once a minute', async (context) => {
  let nowMs = NOW * 1_000
  const { scene } = await open(context)
  const { issuer } = scene.fake
  const check = new IssuerCheck({ realm: scene.realm, issuers: [issuer], nowMs: () => nowMs })
  await Promise.all([check.confirm(), check.confirm()])
  await check.confirm()
  assert.equal(scene.fake.requests.length, 1)
  nowMs += 60_000
  scene.fake.issuer = 'https://elsewhere.example/realms/acme'
  for (let times = 0; times < 2; times += 1) {
    await assert.rejects(
      check.confirm(),
      (error: Error & { detail?: string }) => error.detail === 'wrong_issuer' && !error.message.includes('elsewhere'),
    )
  }
  assert.equal(scene.fake.requests.length, 3)
})
