// The suite in Node, and in a Node without SIMD, as on an old processor, where the slim module works.

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

testIn(
  'Node without SIMD',
  process.execPath,
  [...WITHOUT_SIMD, '--import', import.meta.resolve('tsx')],
  'portcullis/edge/slim',
)

const FEED = { url: 'https://feed.example', keys: [{ kty: 'OKP', crv: 'Ed25519', x: 'A'.repeat(43) }] }
const REALM = JSON.stringify({ name: 'acme', issuer: 'https://id.example', audience: 'api', feed: FEED })

test('Node without SIMD: the gate names the entry that works without it', () => {
  const use = `return createGate({ realms: [${REALM}] }).check('a.b.c')`
  assert.match(
    refusalOf('portcullis/edge', `({ createGate }) => { ${use}`),
    /^not_loaded .* import from 'portcullis\/edge\/slim'/,
  )
})

test('Node without SIMD: an origin names the missing feature', () => {
  const refusal = refusalOf('portcullis/origin', '({ generateFeedKey }) => { return generateFeedKey()')
  assert.match(refusal, /^not_loaded this engine has no wasm SIMD, which an origin needs: /)
})

/** Returns code and message of the error when the module is used. */
function refusalOf(subpath: string, use: string): string {
  const program = `import('${subpath}').then(${use} }).catch(({ code, message }) => console.log(code, message))`
  return spawnSync(process.execPath, [...WITHOUT_SIMD, '--eval', program], { encoding: 'utf8' }).stdout
}
