import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ServerClock } from './server-clock.ts'

/** Learns from a token that Keycloak issued while its clock was ahead by this much, in a request of this duration. */
function learn(clock: ServerClock, now: { ms: number }, aheadMs: number, takesMs: number): void {
  const sentAtMs = now.ms
  now.ms += takesMs
  clock.learn(Math.floor((sentAtMs + takesMs / 2 + aheadMs) / 1_000), sentAtMs)
}

test('equals our clock while nothing is known', () => {
  const clock = new ServerClock(() => 1_000_000)
  assert.deepEqual(
    [clock.latestMs(), clock.earliestMs(), clock.fromOurs(5), clock.toOurs(5)],
    [1_000_000, 1_000_000, 5, 5],
  )
})

test('whole seconds and slow requests bound the difference, and further ones narrow it', () => {
  const now = { ms: 1_000_000_000 }
  const clock = new ServerClock(() => now.ms)
  let widthMs = Infinity
  for (let times = 0; times < 20; times += 1) {
    now.ms += 12_345
    learn(clock, now, 120_400, times % 3 === 0 ? 2_000 : 40)
    const [lead, latest] = [clock.fromOurs(0), clock.latestMs() - now.ms]
    assert.ok(latest >= 120_400, `${latest}`)
    assert.ok(clock.earliestMs() - now.ms <= 120_400)
    assert.ok(2 * (latest - lead) <= widthMs, `${latest - lead} after ${widthMs}`)
    widthMs = 2 * (latest - lead)
  }
  assert.ok(widthMs < 200, `${widthMs}`)
  assert.ok(Math.abs(clock.fromOurs(0) - 120_400) <= widthMs)
  assert.equal(clock.toOurs(clock.fromOurs(7)), 7)
})

test('when one of the clocks is set, the newest time counts', () => {
  const now = { ms: 1_000_000_000 }
  const clock = new ServerClock(() => now.ms)
  learn(clock, now, 6_000, 40)
  learn(clock, now, -120_000, 40)
  assert.ok(Math.abs(clock.fromOurs(0) + 120_000) <= 1_100)
})
