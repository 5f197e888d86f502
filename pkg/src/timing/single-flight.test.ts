import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { SingleFlight } from './single-flight.ts'

function counted(shareFlights: boolean, takesMs = 30, timeoutMs = 1000) {
  const seen = { started: 0, aborted: 0, fail: false }
  const flight = new SingleFlight(
    async (signal) => {
      seen.started += 1
      signal.addEventListener('abort', () => (seen.aborted += 1))
      await pause(takesMs, undefined, { signal })
      if (seen.fail) throw new Error('failed')
    },
    { shareFlights, timeoutMs },
  )
  return { seen, flight }
}

test('shared: many waiters, one flight', async () => {
  const { seen, flight } = counted(true)
  await Promise.all(Array.from({ length: 50 }, () => flight.join()))
  assert.equal(seen.started, 1)
  await flight.join()
  assert.equal(seen.started, 2)
})

test('not shared: waiters poll for the end of another flight, without awaiting its promise', async () => {
  const { seen, flight } = counted(false)
  await Promise.all(Array.from({ length: 50 }, () => flight.join()))
  assert.equal(seen.started, 1)
})

test('not shared: a flight whose request was cancelled is abandoned, and one waiter starts another', async () => {
  let started = 0
  const flight = new SingleFlight(
    () => {
      started += 1
      return started === 1 ? new Promise<void>(() => undefined) : pause(10)
    },
    { shareFlights: false, timeoutMs: 60_000 },
  )
  void flight.startUnlessRunning()
  await Promise.all([flight.join(), flight.join(), flight.join()])
  assert.equal(started, 2)
  flight.stop()
})

test('not shared: after a failure only one waiter at a time retries', async () => {
  const { seen, flight } = counted(false)
  seen.fail = true
  const endings = await Promise.allSettled(Array.from({ length: 5 }, () => flight.join()))
  assert.ok(endings.every((ending) => ending.status === 'rejected'))
  assert.ok(seen.started <= 5)
})

test('startUnlessRunning starts no second flight', async () => {
  const { seen, flight } = counted(true)
  const first = flight.startUnlessRunning()
  assert.notEqual(first, undefined)
  assert.equal(flight.startUnlessRunning(), undefined)
  await first
  assert.equal(seen.started, 1)
})

test('joinNext starts a flight after the call, one for all concurrent callers', async () => {
  const { seen, flight } = counted(true)
  void flight.join()
  await Promise.all([flight.joinNext(), flight.joinNext(), flight.joinNext()])
  assert.equal(seen.started, 2)
})

test('a flight is aborted at its timeout, and by stop', async () => {
  const slow = counted(true, 10_000, 30)
  await assert.rejects(slow.flight.join())
  assert.equal(slow.seen.aborted, 1)
  assert.equal(slow.flight.isRunning, false)
  const deaf = new SingleFlight(() => new Promise(() => undefined), { shareFlights: true, timeoutMs: 30 })
  await assert.rejects(deaf.join(), { code: 'timed_out' })
  const stopped = counted(true, 10_000)
  const flight = stopped.flight.join()
  stopped.flight.stop()
  await assert.rejects(flight)
})

test('a caller that has enough stops waiting, and the flight continues', async () => {
  for (const shareFlights of [true, false]) {
    let pieces = 0
    const flight = new SingleFlight(
      async (_signal, progressed) => {
        for (; pieces < 10; progressed()) {
          await pause(10)
          pieces += 1
        }
      },
      { shareFlights, timeoutMs: 5000 },
    )
    const starter = flight.joinUntil(() => pieces >= 3)
    const joined = flight.joinUntil(() => pieces >= 5)
    await starter.enough
    assert.ok(pieces >= 3 && pieces < 10, `${pieces}`)
    await joined.enough
    assert.ok(pieces >= 5 && pieces < 10, `${pieces}`)
    await starter.whole
    assert.equal(pieces, 10)
  }
})

test('a caller that never has enough settles with the flight', async () => {
  const { seen, flight } = counted(true)
  await flight.joinUntil(() => false).enough
  seen.fail = true
  const { whole, enough } = flight.joinUntil(() => false)
  await assert.rejects(enough, /failed/)
  await assert.rejects(whole, /failed/)
})
