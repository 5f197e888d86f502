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

test('not shared: waiters watch the flight of another and land with it, without awaiting its promise', async () => {
  const { seen, flight } = counted(false)
  await Promise.all(Array.from({ length: 50 }, () => flight.join()))
  assert.equal(seen.started, 1)
})

test('not shared: a flight whose request is gone is given up, and one waiter starts anew', async () => {
  let started = 0
  const flight = new SingleFlight(
    () => {
      started += 1
      return started === 1 ? new Promise<void>(() => undefined) : pause(10)
    },
    { shareFlights: false, timeoutMs: 60_000 },
  )
  void flight.behind()
  await Promise.all([flight.join(), flight.join(), flight.join()])
  assert.equal(started, 2)
  flight.stop()
})

test('not shared: after a failure only one waiter at a time tries again', async () => {
  const { seen, flight } = counted(false)
  seen.fail = true
  const endings = await Promise.allSettled(Array.from({ length: 5 }, () => flight.join()))
  assert.ok(endings.every((ending) => ending.status === 'rejected'))
  assert.ok(seen.started <= 5)
})

test('who need not wait does not start a second flight', async () => {
  const { seen, flight } = counted(true)
  const first = flight.behind()
  assert.notEqual(first, undefined)
  assert.equal(flight.behind(), undefined)
  await first
  assert.equal(seen.started, 1)
})

test('fresh starts after the call, once for all who call meanwhile', async () => {
  const { seen, flight } = counted(true)
  void flight.join()
  await Promise.all([flight.fresh(), flight.fresh(), flight.fresh()])
  assert.equal(seen.started, 2)
})

test('a flight is aborted at its timeout, and by stop', async () => {
  const slow = counted(true, 10_000, 30)
  await assert.rejects(slow.flight.join())
  assert.equal(slow.seen.aborted, 1)
  assert.equal(slow.flight.underWay, false)
  const deaf = new SingleFlight(() => new Promise(() => undefined), { shareFlights: true, timeoutMs: 30 })
  await assert.rejects(deaf.join(), { code: 'timed_out' })
  const stopped = counted(true, 10_000)
  const flight = stopped.flight.join()
  stopped.flight.stop()
  await assert.rejects(flight)
})

test('whoever has enough waits no longer, and the flight goes on', async () => {
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
    await starter.soon
    assert.ok(pieces >= 3 && pieces < 10, `${pieces}`)
    await joined.soon
    assert.ok(pieces >= 5 && pieces < 10, `${pieces}`)
    await starter.whole
    assert.equal(pieces, 10)
  }
})

test('whoever never has enough waits to the end, good or bad', async () => {
  const { seen, flight } = counted(true)
  await flight.joinUntil(() => false).soon
  seen.fail = true
  const { whole, soon } = flight.joinUntil(() => false)
  await assert.rejects(soon, /failed/)
  await assert.rejects(whole, /failed/)
})
