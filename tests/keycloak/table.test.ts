// The printed table of a run's figures.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Case, Row } from './row.ts'
import { figures, table } from './table.ts'
import type { Result } from './walk.ts'

test('prints a single figure unchanged and several as percentiles', () => {
  assert.equal(figures([0.304]), '0.30 s')
  assert.equal(
    figures(Array.from({ length: 100 }, (_, index) => (100 - index) / 100)),
    'p50 0.50 s, p99 0.99 s (n = 100)',
  )
  assert.equal(figures([]), 'passed')
})

test('prints a row per case and a column per round', () => {
  const [one, two, three]: Case[] = ['one', 'two', 'three'].map((title) => ({ title, run: () => Promise.resolve() }))
  const row = { number: 7, title: 'row', cases: [one, two] } as Row
  const results: Result[] = [
    { row: { ...row, number: 8 }, case: three as Case, round: 'all', seconds: [0.3], outcome: 'passed' },
    { row, case: one as Case, round: 'all', seconds: [0.1], outcome: 'passed' },
    { row, case: two as Case, round: 'all', seconds: [], outcome: 'failed' },
    { row, case: one as Case, round: 'no-poll', seconds: [], outcome: 'skipped' },
  ]
  assert.equal(
    table(results, ['all', 'no-poll']),
    [
      '| # | action | all | no-poll |',
      '|---|---|---|---|',
      '| 7 | row: one | 0.10 s | skipped |',
      '| 7 | row: two | FAILED | – |',
      '| 8 | row: three | 0.30 s | – |',
    ].join('\n'),
  )
})
