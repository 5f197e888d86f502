// Comments, strings, names of tests and pages are in plain technical English. The patterns are in `words/patterns.ts`.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ALLOWED } from './words/allowed.ts'
import { passagesOf } from './words/passages.ts'
import { hitsOf } from './words/patterns.ts'
import { read, sources } from './words/sources.ts'

const used = new Set<string>()
const faults: string[] = []
let passages = 0
for (const file of sources()) {
  const text = read(file)
  const lines = text.split('\n')
  for (const passage of passagesOf(file, text)) {
    passages += 1
    for (const { line, words, pattern } of hitsOf(passage)) {
      const whole = lines[line - 1] ?? ''
      const allowed = ALLOWED.find((each) => each.file === file && whole.includes(each.line))
      if (allowed !== undefined) used.add(`${allowed.file}: ${allowed.line}`)
      else {
        const fault = words.replace(/\s+/g, ' ')
        faults.push(`${file}:${line}: "${fault}" (${pattern.name}); write ${pattern.instead}`)
      }
    }
  }
}

test('words of comments, strings, tests and pages are plain English', (t) => {
  t.diagnostic(`${passages} passages`)
  assert.ok(passages > 20_000)
  assert.equal(faults.join('\n'), '')
})

test('allows at most twenty faults, each with a reason, and none that no longer occurs', () => {
  assert.ok(ALLOWED.length <= 20)
  assert.deepEqual(
    ALLOWED.map(({ file, line }) => `${file}: ${line}`).filter((each) => !used.has(each)),
    [],
  )
  for (const { line, reason } of ALLOWED) assert.ok(reason.length > 10, line)
})
