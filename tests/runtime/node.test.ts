// The suite in Node.

import { test } from 'node:test'
import { createGate } from 'portcullis/edge'
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
