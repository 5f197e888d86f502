// The edge's wasm module: its imports and exports. An edge neither builds nor signs statements, draws no random
// numbers, and has no clock.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { reasons } from '../../../wasm/edge/core.js'
import { REASONS, statusOf } from '../../reasons.ts'
import { load } from './module.ts'

const folder = (side: string) => new URL(`../../../wasm/${side}/`, import.meta.url)
const module = (side: string) => new WebAssembly.Module(readFileSync(new URL('core_bg.wasm', folder(side))))
const glue = (side: string) => readFileSync(new URL('core.js', folder(side)), 'utf8')

const ENTROPY = /getRandomValues|randomFillSync|crypto|random/i
const CLOCK = /Date|performance|now\b/i
const BUILDER = /ledger|generate|sign(?!al|ext|ature)|stage|commit/i

test('the edge module imports no entropy and no clock', () => {
  const imports = WebAssembly.Module.imports(module('edge')).map(({ name }) => name)
  assert.ok(imports.length > 0)
  assert.deepEqual(
    imports.filter((name) => ENTROPY.test(name) || CLOCK.test(name)),
    [],
  )
  assert.doesNotMatch(glue('edge'), /getRandomValues|randomFillSync|Math\.random|Date\.now|performance\./)
})

test('the edge module exports no builder and no signing', () => {
  const exports = WebAssembly.Module.exports(module('edge')).map(({ name }) => name)
  assert.ok(exports.includes('gate_begin'))
  assert.deepEqual(
    exports.filter((name) => BUILDER.test(name)),
    [],
  )
})

test('all words searched for are found in the origin module', () => {
  const imports = WebAssembly.Module.imports(module('origin')).map(({ name }) => name)
  const exports = WebAssembly.Module.exports(module('origin')).map(({ name }) => name)
  assert.ok(imports.some((name) => ENTROPY.test(name)))
  assert.ok(exports.includes('generateFeedKey') && exports.includes('ledger_stage'))
  assert.match(glue('origin'), /getRandomValues/)
  // The origin module has no clock either: time is an argument.
  assert.deepEqual(
    imports.filter((name) => CLOCK.test(name)),
    [],
  )
})

test('the module and TypeScript list the same reasons', () => {
  load(module('edge'), { shareFlights: true })
  assert.deepEqual(reasons(), [...REASONS])
})

// A Rust test compares this page with the core.
test('the reference of the reasons and TypeScript agree on every status', () => {
  const page = readFileSync(new URL('../../../../www/docs/reference/reasons.md', import.meta.url), 'utf8')
  const rows = page.matchAll(/^\| <a id="(\w+)"><\/a>`\w+` \| (\d{3}) \|/gm)
  const statuses = [...rows].map(([, reason, status]) => [reason, Number(status)])
  assert.deepEqual(
    statuses,
    REASONS.map((reason) => [reason, statusOf(reason)]),
  )
})
