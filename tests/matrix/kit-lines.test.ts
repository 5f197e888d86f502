// The test kit's promise: a protected route is tested in ten lines or fewer.

import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { EXAMPLES } from './hosts/test-kit.ts'

const MAX_LINES = 10

/** Returns the name of each test in a file and the number of lines in its body. */
function bodies(text: string): { name: string; lines: number }[] {
  const found = text.matchAll(/^test\('([^']*)', async \(\) => \{\n((?: .*\n|\n)*)\}\)$/gm)
  return [...found].map(([, name = '', body = '']) => ({ name, lines: body.split('\n').length - 1 }))
}

for (const example of ['jest', 'node-test', 'vitest', 'workerd']) {
  test(`each test of the example ${example} has ten lines or fewer`, async () => {
    const folder = join(EXAMPLES, example)
    const files = (await readdir(folder)).filter((file) => file.includes('.test.'))
    const texts = await Promise.all(files.map((file) => readFile(join(folder, file), 'utf8')))
    const all = texts.flatMap(bodies)
    assert.equal(all.length, texts.join('').split('\ntest(').length - 1, 'every test is found')
    assert.ok(all.length >= 4)
    for (const { name, lines } of all) assert.ok(lines <= MAX_LINES, `"${name}" has ${lines} lines`)
  })
}

test('counts lines', () => {
  const text = (lines: number): string => `test('a name', async () => {\n${'  line()\n'.repeat(lines)}})\n`
  assert.deepEqual(bodies(text(11) + text(2)), [
    { name: 'a name', lines: 11 },
    { name: 'a name', lines: 2 },
  ])
})
