import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PortcullisError } from '../../../../errors.ts'
import type { OriginReport } from '../../../api.ts'
import { until } from '../../../testing/stage.ts'
import { Conditions } from '../../conditions.ts'
import type { PolledSource } from '../../connector-metrics.ts'
import { failure } from '../client/failure.ts'
import { type Poll, PollLoop } from './poll-loop.ts'

interface Watched {
  loop: PollLoop
  reports: OriginReport[]
  /** `done` or `failed` for each poll. */
  outcomes: string[]
  lags: number[]
}

function watch(poll: Poll, intervalMs = 5, nowMs: () => number = Date.now): Watched {
  const reports: OriginReport[] = []
  const outcomes: string[] = []
  const lags: number[] = []
  const metrics = {
    polled: (_: PolledSource, outcome: 'done' | 'failed') => void outcomes.push(outcome),
    lag: (_: PolledSource, seconds: number) => void lags.push(seconds),
    waiting: () => undefined,
  }
  const conditions = new Conditions({ realm: 'acme', connector: 'keycloak' }, (report) => reports.push(report))
  return {
    loop: new PollLoop({ source: 'not_before', intervalMs, poll, conditions, metrics, nowMs }),
    reports,
    outcomes,
    lags,
  }
}

test('reports a failure once, retries, and reports its end', async () => {
  let failing = true
  const watched = watch(async () => {
    if (failing) throw failure('unreachable', 'it could not be reached')
  })
  watched.loop.start()
  await until(() => watched.outcomes.length >= 2, 'two polls')
  failing = false
  await until(() => watched.outcomes.includes('done'), 'a poll that succeeds')
  await watched.loop.close()
  const told = watched.reports.map(({ kind, condition, error }) => [kind, condition, error?.code, error?.detail])
  assert.deepEqual(told, [
    ['connector', 'not_before', 'connector_failed', 'unreachable'],
    ['connector', 'not_before', undefined, undefined],
  ])
})

test('also reports a different failure, and an unexpected error', async () => {
  const errors: unknown[] = [
    failure('timeout', 'x'),
    failure('timeout', 'x'),
    failure('redirect', 'x'),
    new TypeError('x'),
    new PortcullisError('store_unavailable', 'x'),
  ]
  const watched = watch(async () => {
    const error = errors.shift()
    if (error !== undefined) throw error
  }, 1)
  while (errors.length > 0) await watched.loop.ask().catch(() => undefined)
  assert.deepEqual(
    watched.reports.map(({ error }) => `${error?.code} ${error?.detail}`),
    ['connector_failed timeout', 'connector_failed redirect', 'fault undefined', 'store_unavailable undefined'],
  )
  await watched.loop.close()
})

test('polls never overlap, and all requests during one share the next', async () => {
  let [running, most, polls] = [0, 0, 0]
  const watched = watch(async () => {
    running += 1
    polls += 1
    most = Math.max(most, running)
    await new Promise((resolve) => setTimeout(resolve, 30))
    running -= 1
  }, 60_000)
  watched.loop.start()
  await until(() => running === 1, 'the first poll')
  await Promise.all(Array.from({ length: 20 }, () => watched.loop.ask()))
  assert.deepEqual([polls, most], [2, 1])
  await watched.loop.close()
})

test('polls nothing after closing, and closing waits for records in progress', async () => {
  let [isRecorded, polls] = [false, 0]
  let aborted: AbortSignal | undefined
  const watched = watch(async (signal) => {
    polls += 1
    aborted = signal
    await new Promise((resolve) => setTimeout(resolve, 50))
    isRecorded = true
  })
  watched.loop.start()
  await until(() => polls === 1, 'a poll')
  // The next poll, which must no longer begin.
  const asked = watched.loop.ask().catch((error: PortcullisError) => error.code)
  await watched.loop.close()
  assert.equal(await asked, 'closed')
  assert.deepEqual([isRecorded, aborted?.aborted, watched.outcomes.length, watched.reports.length], [true, true, 0, 0])
  await assert.rejects(watched.loop.ask(), { code: 'closed' })
  await new Promise((resolve) => setTimeout(resolve, 20))
  assert.equal(polls, 1)
})

test('measures the lag while polls fail, and during a poll of several parts', async () => {
  let nowMs = 1_000_000
  let step = 0
  const watched = watch(
    async (_, readUntil) => {
      step += 1
      nowMs += 10_000
      if (step === 2) throw failure('unreachable', 'x')
      if (step === 3) readUntil(nowMs - 5_000)
    },
    60_000,
    () => nowMs,
  )
  await watched.loop.ask()
  await watched.loop.ask().catch(() => undefined)
  await watched.loop.ask()
  assert.deepEqual(watched.lags, [10, 20, 5, 10])
  await watched.loop.close()
})
