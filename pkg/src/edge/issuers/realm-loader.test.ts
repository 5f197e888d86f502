import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { PortcullisError } from '../../errors.ts'
import type { Place } from './place.ts'
import { RealmLoader } from './realm-loader.ts'

interface Loaded {
  loader: RealmLoader<string>
  calls: string[]
  reports: string[]
  evicted: string[]
  /** Loads an issuer's realm and leaves it; resolves to the outcome. */
  load(issuer: string): Promise<string>
  /** Like `load`, and a token of the realm verifies. */
  verify(issuer: string): Promise<void>
  /** Advances the clock. */
  pass(ms: number): Promise<void>
}

interface Given {
  ask?: (issuer: string) => unknown
  shareFlights?: boolean
  returning?: readonly string[]
}

/** Returns a loader with a clock controlled by the test. */
function loading(t: TestContext, { ask = () => ({}), shareFlights = true, returning = [] }: Given = {}): Loaded {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'], now: 1_000_000 })
  const [calls, reports, evicted]: string[][] = [[], [], []] as string[][]
  const loader = new RealmLoader<string>({
    ask(issuer) {
      calls?.push(issuer)
      return ask(issuer)
    },
    open({ issuer }, answer) {
      if ('refused' in answer) throw new PortcullisError('invalid_option', 'the audience is missing')
      return issuer
    },
    close: ({ issuer }) => void evicted?.push(issuer),
    isReturning: (issuer) => returning.includes(issuer),
    unknown: () => undefined,
    report: ({ code, detail }) => void reports?.push(`${code} ${detail}`),
    shareFlights,
  })
  const load = async (issuer: string) => {
    const place = await loader.load(issuer)
    if (typeof place === 'string') return place
    loader.places.leave(place, Date.now())
    return 'loaded'
  }
  return {
    loader,
    calls: calls ?? [],
    reports: reports ?? [],
    evicted: evicted ?? [],
    load,
    async verify(issuer) {
      assert.equal(await load(issuer), 'loaded')
      loader.verified(loader.places.get(issuer, Date.now()) as Place<string>, Date.now())
    },
    async pass(ms) {
      for (let passed = 0; passed < ms; passed += 10) {
        await new Promise((resolve) => setImmediate(resolve))
        t.mock.timers.tick(10)
      }
      await new Promise((resolve) => setImmediate(resolve))
    },
  }
}

test('concurrent requests of one issuer cause one call', async (t) => {
  for (const shareFlights of [true, false]) {
    const { calls, load, pass } = loading(t, {
      shareFlights,
      ask: () => new Promise((resolve) => setTimeout(() => resolve({}), 300)),
    })
    const loads = Array.from({ length: 50 }, () => load('a'))
    await pass(500)
    assert.deepEqual(new Set(await Promise.all(loads)), new Set(['loaded']))
    assert.deepEqual(calls, ['a'])
    t.mock.timers.reset()
  }
})

test('forged issuers cause one call a second; others wait for a second, a few at a time', async (t) => {
  const { calls, load, pass, loader } = loading(t, { ask: () => undefined })
  const outcomes = new Map<string, number>()
  let waiting = 0
  let mostWaiting = 0
  for (let second = 0; second < 10; second += 1) {
    for (let number = 0; number < 1000; number += 1) {
      waiting += 1
      void load(`forged-${second}-${number}`).then((outcome) => {
        waiting -= 1
        outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
      })
    }
    await pass(10)
    mostWaiting = Math.max(mostWaiting, waiting)
    await pass(990)
  }
  await pass(2000)
  assert.ok(calls.length >= 9 && calls.length <= 11, `${calls.length} calls`)
  assert.equal(outcomes.get('wrong_issuer'), calls.length)
  assert.equal(outcomes.get('keys_unavailable'), 10_000 - calls.length)
  assert.ok(mostWaiting <= 16, `${mostWaiting} waiting`)
  assert.equal(loader.places.size, 0)
})

test('a call whose realm verifies a token does not count, so good realms load one after the other', async (t) => {
  const { calls, verify } = loading(t)
  for (let number = 0; number < 200; number += 1) await verify(`good-${number}`)
  assert.equal(calls.length, 200)
})

test('evicted realms have their own bucket, which forged issuers do not empty', async (t) => {
  const { calls, load, pass } = loading(t, {
    ask: (issuer) => (issuer === 'good' ? {} : undefined),
    returning: ['good'],
  })
  assert.equal(await load('forged'), 'wrong_issuer')
  const waiting = load('forged-too')
  assert.equal(await load('good'), 'loaded')
  assert.deepEqual(calls, ['forged', 'good'])
  await pass(1100)
  assert.equal(await waiting, 'wrong_issuer')
})

test('forged tokens of evicted realms cause ten calls a second', async (t) => {
  const names = Array.from({ length: 1000 }, (_, number) => `evicted-${number}`)
  const { calls, load, pass } = loading(t, { returning: names })
  for (let second = 0; second < 5; second += 1) {
    for (const name of names.slice(second * 200, second * 200 + 200)) void load(name)
    await pass(1000)
  }
  assert.ok(calls.length <= 60, `${calls.length} calls`)
})

test('the function is not called again for an unknown issuer for ten seconds', async (t) => {
  const { loader, calls, load, pass } = loading(t, { ask: () => undefined })
  assert.equal(await load('a'), 'wrong_issuer')
  assert.equal(loader.refusal('a', Date.now()), 'wrong_issuer')
  await pass(9_900)
  assert.equal(loader.refusal('a', Date.now()), 'wrong_issuer')
  await pass(200)
  assert.equal(loader.refusal('a', Date.now()), undefined)
  assert.equal(await load('a'), 'wrong_issuer')
  assert.deepEqual(calls, ['a', 'a'])
})

test('a function that throws or hangs: the token stops waiting, and the function is called again', async (t) => {
  let call = 0
  const { reports, calls, load, pass } = loading(t, {
    ask() {
      call += 1
      if (call === 1) throw new Error('no database')
      return call === 2 ? Promise.reject(new Error('no database')) : call === 3 ? new Promise(() => undefined) : {}
    },
  })
  assert.equal(await load('a'), 'keys_unavailable')
  for (const expected of ['keys_unavailable', 'keys_unavailable', 'loaded']) {
    const outcome = load('a')
    await pass(2100)
    assert.equal(await outcome, expected)
  }
  assert.deepEqual(reports, ['realms_failed threw', 'realms_failed threw', 'realms_failed timed_out'])
  assert.equal(calls.length, 4)
})

test('a late result changes nothing', async (t) => {
  const answers: ((answer: unknown) => void)[] = []
  const { loader, load, pass } = loading(t, { ask: () => new Promise((resolve) => answers.push(resolve)) })
  const outcome = load('a')
  await pass(1100)
  assert.equal(await outcome, 'keys_unavailable')
  answers[0]?.({})
  await pass(20)
  assert.equal(loader.places.get('a', Date.now()), undefined)
})

test('options that are refused count as unknown, and are reported', async (t) => {
  const { reports, load } = loading(t, { ask: () => ({ refused: true }) })
  assert.equal(await load('a'), 'wrong_issuer')
  assert.deepEqual(reports, ['realms_failed bad_options'])
})

test('not shared: a call whose request was cancelled is repeated by another', async (t) => {
  let call = 0
  const { load, calls, pass } = loading(t, {
    shareFlights: false,
    ask: () => (++call === 1 ? new Promise(() => undefined) : {}),
  })
  // The cancelled request's timers never fire.
  const { setTimeout: timer } = globalThis
  const cancelled = t.mock.method(globalThis, 'setTimeout', () => 0 as never)
  void load('a')
  await new Promise((resolve) => setImmediate(resolve))
  cancelled.mock.restore()
  assert.equal(globalThis.setTimeout, timer)
  const outcomes = Promise.all([load('a'), load('a'), load('a')])
  await pass(3000)
  assert.deepEqual(await outcomes, ['loaded', 'loaded', 'loaded'])
  assert.deepEqual(calls, ['a', 'a'])
})

test('a closed loader evicts every realm and ends every wait', async (t) => {
  const { loader, evicted, load, pass, verify } = loading(t)
  await verify('good')
  await load('a')
  const waiting = load('b')
  loader.close()
  await pass(50)
  assert.equal(await waiting, 'keys_unavailable')
  assert.deepEqual(evicted.sort(), ['a', 'good'])
})
