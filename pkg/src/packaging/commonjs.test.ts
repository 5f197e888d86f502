import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { compileFunction } from 'node:vm'
import { toCommonJs } from './commonjs.ts'

/** Runs a copy as Node would. `provide` returns the modules that it requires. */
function run(
  text: string,
  provide: Record<string, unknown> = {},
  filename = '/pkg/dist/cjs/entry/x.cjs',
): Record<string, unknown> {
  const exports = {}
  const require = (name: string): unknown => (name in provide ? provide[name] : assert.fail(`requires ${name}`))
  compileFunction(text, ['exports', 'require', 'module', '__filename', '__dirname'])(
    exports,
    require,
    { exports },
    filename,
    '',
  )
  return exports
}

test('imports refer to the copies, and those of other packages stay', () => {
  const text = toCommonJs(
    'dist/entry/x.js',
    "export { a } from '../core/a.js'\nexport * from './b.js'\nexport { c } from '../../wasm/edge/core.js'\nexport { d } from 'jose'",
  )
  const own = run(text, {
    '../core/a.cjs': { a: 1 },
    './b.cjs': { b: 2 },
    '../../../wasm/edge/core.cjs': { c: 3 },
    jose: { d: 4 },
  })
  assert.deepEqual({ ...own }, { a: 1, b: 2, c: 3, d: 4 })
})

test('a string that resembles a specifier stays', () => {
  const { text } = run(toCommonJs('dist/x.js', "export const text = './a.js'"))
  assert.equal(text, './a.js')
})

test('a file next to the ES module is found from the copy', () => {
  const copy = toCommonJs(
    'dist/entry/x.js',
    "export const file = new URL('../../wasm/core.wasm', import.meta.url).pathname",
  )
  const { file } = run(copy, { 'node:url': { pathToFileURL } })
  assert.equal(file, '/pkg/wasm/core.wasm')
})

test('refuses, by name, a module that CommonJS cannot load', () => {
  for (const text of ['export const a = await 1', 'const module = 1\nexport { module }']) {
    assert.throws(() => toCommonJs('dist/x.js', text), /^Error: dist\/x\.js cannot be a CommonJS module: /)
  }
})
