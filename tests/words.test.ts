// Comments, strings, names of tests and pages are in plain technical English. The patterns are in `words/patterns.ts`.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ALLOWED } from './words/allowed.ts'
import { passagesOf } from './words/passages.ts'
import { hitsOf } from './words/patterns.ts'
import { areaOf, REMAINING } from './words/remaining.ts'
import { read, sources } from './words/sources.ts'

const used = new Set<string>()
const faults = new Map<string, string[]>()
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
        const found = faults.get(areaOf(file)) ?? []
        found.push(`${file}:${line}: "${words.replace(/\s+/g, ' ')}" (${pattern.name}); write ${pattern.instead}`)
        faults.set(areaOf(file), found)
      }
    }
  }
}

test('finds no more words that a reader stumbles over than are left', (t) => {
  t.diagnostic(`${passages} passages; ${[...faults].map(([area, { length }]) => `${area} ${length}`).join(', ')}`)
  assert.ok(passages > 20_000)
  for (const [area, found] of faults) {
    const remaining = REMAINING[area] ?? 0
    assert.ok(found.length <= remaining, `${area}: ${found.length}, at most ${remaining}\n${found.join('\n')}`)
  }
})

test('allows at most twenty faults, each with a reason, and none that no longer occurs', () => {
  assert.ok(ALLOWED.length <= 20)
  assert.deepEqual(
    ALLOWED.map(({ file, line }) => `${file}: ${line}`).filter((each) => !used.has(each)),
    [],
  )
  for (const { line, reason } of ALLOWED) assert.ok(reason.length > 10, line)
})
