// An export that no other file imports is removed, unless it is part of the package's interface.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { BY_PATH, FOR_TESTS } from './exempt.ts'
import { ALL, type Module, moduleOf } from './graph.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const LISTED = execFileSync('git', ['ls-files', 'pkg/src', 'tests', 'www'], { cwd: ROOT, encoding: 'utf8' })
const FILES = LISTED.split('\n').filter((path) => /\.[cm]?[jt]sx?$/.test(path))
/** The tools of examples and of the matrix's projects load files by convention; fixtures run with older versions. */
const isForeign = (path: string): boolean =>
  /^tests\/fixtures\/|^www\/examples\//.test(path) ||
  LISTED.includes(`${/^tests\/(?:matrix|pack\/projects)\/[^/]+/.exec(path)?.[0]}/package.json\n`)

const isTest = (path: string): boolean => /\.test\.ts$|^tests\/|\/(testing|test-fixtures)\//.test(path)

/** Returns the source files of the subpaths and commands that the package exports. */
function entries(): Set<string> {
  const { exports, bin } = JSON.parse(readFileSync(join(ROOT, 'pkg/package.json'), 'utf8')) as Record<string, unknown>
  const targets = JSON.stringify([exports, bin]).matchAll(/"\.\/dist\/([^"]*?)\.js"/g)
  return new Set([...targets].map(([, path]) => `pkg/src/${path}.ts`))
}

interface Unused {
  /** `path name` of exports that no other file imports. */
  readonly dead: string[]
  /** Values of the package that only tests import. */
  readonly forTests: string[]
}

function unused(modules: ReadonlyMap<string, Module>, roots: ReadonlySet<string>): Unused {
  const users = new Map<string, string[]>()
  for (const [path, { imports }] of modules) {
    for (const { from, name } of imports) users.set(`${from} ${name}`, [...(users.get(`${from} ${name}`) ?? []), path])
  }
  const found: Unused = { dead: [], forTests: [] }
  for (const [path, { exports }] of modules) {
    if (roots.has(path) || path.endsWith('.d.ts') || isForeign(path)) continue
    for (const [name, { isType }] of exports) {
      const by = [...(users.get(`${path} ${name}`) ?? []), ...(users.get(`${path} ${ALL}`) ?? [])]
      if (by.length === 0) found.dead.push(`${path} ${name}`)
      else if (!isType && !isTest(path) && by.every(isTest)) found.forTests.push(`${path} ${name}`)
    }
  }
  return found
}

const all = unused(new Map(FILES.map((path) => [path, moduleOf(ROOT, path)])), entries())

test('another file imports each export', () => {
  assert.deepEqual(
    all.dead.filter((each) => !BY_PATH.includes(each)),
    [],
  )
})

test('exports that only tests import are listed as such', () => {
  assert.deepEqual(all.forTests.sort(), [...FOR_TESTS].sort())
})

test('exemptions that no longer apply are removed', () => {
  assert.deepEqual(
    BY_PATH.filter((each) => !all.dead.includes(each)),
    [],
  )
})

test('finds dead exports of each kind, and those that only tests use', () => {
  const module = (path: string, text: string): [string, Module] => [path, moduleOf(ROOT, path, text)]
  const user = "from '../timing/clock.ts'"
  const modules = new Map([
    module(
      'pkg/src/timing/clock.ts',
      'export const a = 1\nexport function b() {}\nexport interface C {}\nexport type D = C\nexport class E {}\n' +
        'const f = 1\nexport { f, f as g }\nexport const h = 1, i = 2\nexport default 1\nexport const { j, k } = b()\n',
    ),
    module(
      'pkg/src/edge/gate.ts',
      `import { a, type C } ${user}\nexport { h } ${user}\nlet x: import('../timing/clock.ts').E`,
    ),
    module('pkg/src/edge/gate.test.ts', `import { i } ${user}\nconst { j } = await import('../timing/clock.ts')`),
    module('pkg/src/index.ts', "export * from './edge/gate.ts'\nexport const public = 1\n"),
  ])
  const { dead, forTests } = unused(modules, new Set(['pkg/src/index.ts']))
  assert.deepEqual(
    dead.map((each) => each.replace('pkg/src/timing/clock.ts ', '')),
    ['b', 'D', 'f', 'g', 'default', 'k'],
  )
  assert.deepEqual(
    forTests.map((each) => each.split(' ')[1]),
    ['i', 'j'],
  )
})
