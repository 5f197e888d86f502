// Both module systems: every subpath of the packed package, as ES module and as CommonJS.

import assert from 'node:assert/strict'
import { copyFile, readFile } from 'node:fs/promises'
import { join, posix } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { exportedFiles, namedModules, type ExportedFile } from './exports-map.ts'
import { NODE, Packed, run } from './project.ts'

let packed: Packed
let project: string
/** The files of the installed package, and the targets of `exports`. */
let files: Set<string>
let exported: ExportedFile[]

before(async () => {
  packed = await Packed.make()
  project = await packed.freshProject('modules')
  const { stdout } = await run('tar', ['-tzf', packed.tarball])
  files = new Set(
    stdout
      .trim()
      .split('\n')
      .map((file) => file.replace(/^package\//, '')),
  )
  exported = await exportedFiles(join(project, 'node_modules/portcullis'))
})

after(() => packed.close())

/** Returns the subpaths with code, as users import them. */
function codeSubpaths(): string[] {
  const code = exported.filter(({ conditions }) => conditions.includes('import')).map(({ subpath }) => subpath)
  return [...new Set(code)].map((subpath) => `portcullis${subpath.slice(1)}`)
}

/** Runs a program in the project and parses its output as JSON. */
async function printed(parameters: string[]): Promise<unknown> {
  const { stdout } = await run(NODE, parameters, { cwd: project })
  return JSON.parse(stdout)
}

test('every file in exports exists', () => {
  assert.ok(exported.length > 50)
  assert.deepEqual(
    exported.filter(({ file }) => !files.has(file)),
    [],
  )
})

test('every subpath has both halves, each with its types first', () => {
  for (const subpath of new Set(
    exported.filter(({ conditions }) => conditions.length > 0).map((each) => each.subpath),
  )) {
    for (const [half, end] of [
      ['import', '.d.ts'],
      ['require', '.d.cts'],
    ] as const) {
      const first = exported.find((each) => each.subpath === subpath && each.conditions[0] === half)
      assert.equal(first?.conditions[1], 'types', `${subpath}, ${half}`)
      assert.ok(first.file.endsWith(end), `${subpath}: ${first.file}`)
    }
  }
})

test('source maps refer to shipped modules', async () => {
  const maps = [...files].filter((file) => file.endsWith('.map'))
  assert.ok(maps.includes('dist/entry/edge/gate.js.map'))
  for (const map of maps) {
    const { sources } = JSON.parse(await readFile(join(project, 'node_modules/portcullis', map), 'utf8')) as {
      sources: string[]
    }
    assert.deepEqual(
      sources.filter((source) => !files.has(posix.join(posix.dirname(map), source))),
      [],
      map,
    )
  }
})

test('require gives Node the CommonJS copy of the import file, and bundlers the ES module', () => {
  for (const { subpath, conditions, file } of exported.filter(({ conditions: [half] }) => half === 'require')) {
    const rest = conditions.slice(1)
    // If bundlers get a separate module, it is the default of the import half.
    const asked = rest.join() === 'module' ? ['default'] : rest[0] === 'module' ? rest.slice(1) : rest
    // Without the condition `module`, which bundlers set, the caller is Node or a similar runtime.
    const wanted = imported(
      subpath,
      asked.length === 1 && asked[0] === 'default' && rest[0] !== 'module' ? ['node', 'default'] : asked,
    )
    assert.ok(
      file === wanted || file === copyOf(wanted),
      `${subpath} ${conditions.join(' ')}: ${file} instead of ${wanted}`,
    )
    assert.equal(
      /\.(cjs|d\.cts)$/.test(file),
      ['types', 'default'].includes(rest[0] ?? ''),
      `${subpath} ${conditions.join(' ')}`,
    )
  }
})

/** Returns the path of a file's CommonJS copy. */
function copyOf(file: string): string {
  return file
    .replace('dist/', 'dist/cjs/')
    .replace(/\.d\.ts$/, '.d.cts')
    .replace(/\.js$/, '.cjs')
}

/** Returns the import half's file for the first of these conditions that it has. */
function imported(subpath: string, conditions: string[]): string {
  const of = (path: string[]): string | undefined =>
    exported.find((each) => each.subpath === subpath && each.conditions.join() === ['import', ...path].join())?.file
  const file = of(conditions) ?? conditions.map((condition) => of([condition])).find((each) => each !== undefined)
  assert.ok(file, `${subpath} has no import for ${conditions.join(' ')}`)
  return file
}

test('every subpath can be imported and required, with the same names both ways', async () => {
  const program = `
    const names = {}
    for (const subpath of ${JSON.stringify(codeSubpaths())}) {
      const listed = (module) => Object.keys(module).filter((name) => name !== 'default' && name !== 'module.exports').sort()
      names[subpath] = { import: listed(await import(subpath)), require: listed(require(subpath)) }
    }
    console.log(JSON.stringify(names))`
  const start = "const require = (await import('node:module')).createRequire(process.cwd() + '/x.js');"
  const names = (await printed(['--input-type=module', '--eval', start + program])) as Record<
    string,
    { import: string[]; require: string[] }
  >
  assert.ok(Object.keys(names).length >= 13)
  for (const [subpath, { import: imported, require }] of Object.entries(names)) {
    assert.deepEqual(require, imported, subpath)
    assert.ok(imported.length > 0, subpath)
  }
})

test('every module in a declaration has shipped declarations', async () => {
  const declarations = [...files].filter((file) => /^dist\/.*\.d\.c?ts$/.test(file))
  assert.ok(declarations.length > 100)
  const folder = join(project, 'node_modules/portcullis')
  for (const file of declarations) {
    for (const name of namedModules(await readFile(join(folder, file), 'utf8'))) {
      if (!name.startsWith('.')) continue
      assert.match(name, file.endsWith('.d.cts') ? /\.cjs$/ : /\.js$/, file)
      const target = join(file, '..', name).replace(/\.(c?)js$/, '.d.$1ts')
      assert.ok(files.has(target), `${file}: ${name}`)
    }
  }
})

test("in one process both judge a token, have one instance each, and recognise each other's errors", async () => {
  const program = 'both-systems.mjs'
  await copyFile(fileURLToPath(new URL(program, import.meta.url)), join(project, program))
  assert.deepEqual(await printed([program]), {
    accepted: { import: 'user', require: 'user' },
    instances: 2,
    revoked: { import: 'token_revoked', require: 'token_revoked' },
    sameClass: false,
    caught: { import: true, require: true },
  })
})
