// The suite in Node, and in one whose engine has no SIMD, as on an old processor: there it gets the slim module.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
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

const WITHOUT_SIMD = ['--no-enable-ssse3', '--no-enable-sse4-1']

testIn('Node without SIMD', process.execPath, [...WITHOUT_SIMD, '--import', import.meta.resolve('tsx')])

test('Node without SIMD: an origin names the missing feature', () => {
  const program = "import('portcullis/origin').catch(({ code, message }) => console.log(code, message))"
  const { stdout } = spawnSync(process.execPath, [...WITHOUT_SIMD, '--eval', program], { encoding: 'utf8' })
  assert.match(stdout, /^not_loaded this engine has no wasm SIMD, which an origin needs: /)
})
