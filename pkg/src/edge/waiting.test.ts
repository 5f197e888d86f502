// A caller that awaits a gate gets a result, even in an otherwise idle process: a timer that a request waits for must
// not be unreferenced.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { TestRealm } from './testing/realm.ts'

/** Runs a module in its own process, in which `fetch` never responds and keeps nothing open. Returns its output. */
async function run(code: string): Promise<string> {
  const entry = (name: string) => JSON.stringify(import.meta.resolve(`../entry/edge/${name}.ts`))
  const script = `
    const never = () => new Promise(() => undefined)
    const { createGate } = await import(${entry('node')})
    const { load } = await import(${entry('load')})
    ${code}`
  const child = spawn(process.execPath, ['--import', import.meta.resolve('tsx'), '--input-type=module', '-e', script])
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()))
  const [status] = (await once(child, 'close')) as [number]
  assert.equal(status, 0, output)
  return output.trim()
}

test('a request whose fetches never complete gets a result', async (t) => {
  const realm = await TestRealm.start(t)
  const { onReport: _, ...options } = realm.options({ firstLoadTimeoutMs: 50, refreshTimeoutMs: 50 })
  const token = JSON.stringify(await realm.token())
  for (const mode of ['pull', 'stream']) {
    const feed = { url: realm.feedUrl, keys: [realm.feedKey], mode }
    const given = JSON.stringify({ ...options, realms: [{ ...realm.realmOptions(), feed }] })
    const code = `const gate = createGate({ ...${given}, fetch: never, onReport() {} }); console.log((await gate.check(${token})).reason); process.exit(0)`
    assert.equal(await run(code), 'no_feed')
  }
})

test('a flight that never completes ends at its timeout', async () => {
  const flight = JSON.stringify(import.meta.resolve('../timing/single-flight.ts'))
  const ending = '.then(() => "done", (error) => error.code)'
  for (const shareFlights of [true, false]) {
    const code = `const { SingleFlight } = await import(${flight})
      const flight = new SingleFlight(never, { shareFlights: ${shareFlights}, timeoutMs: 50 })
      console.log(...(await Promise.all([flight.joinNext()${ending}, flight.join()${ending}])))`
    assert.equal(await run(code), 'timed_out timed_out')
  }
})

test('a request that polls the flight of a cancelled request gets a result', async () => {
  const flight = JSON.stringify(import.meta.resolve('../timing/single-flight.ts'))
  const code = `const { SingleFlight } = await import(${flight})
    let flights = 0
    const flight = new SingleFlight(() => (flights++ === 0 ? never() : Promise.resolve()), { shareFlights: false, timeoutMs: 60_000 })
    void flight.startUnlessRunning()
    await flight.join()
    console.log('done')
    process.exit(0)`
  assert.equal(await run(code), 'done')
})
