// The suite in Node, and in one whose engine has no SIMD, as on an old processor: there it gets the slim module.

import { test } from 'node:test'
import { createGate } from 'portcullis/edge'
import { testIn } from './program.ts'
import { setStage } from './stage.ts'
import { suite } from './suite.ts'
import { report } from './report.ts'

test('Node', { timeout: 60_000 }, async (context) => {
  const stage = await setStage()
  try {
    await report(context, await suite({ createGate }, stage.scenario))
  } finally {
    await stage.close()
  }
})

testIn('Node without SIMD', process.execPath, [
  ...['--no-enable-ssse3', '--no-enable-sse4-1'],
  ...['--import', import.meta.resolve('tsx')],
])
