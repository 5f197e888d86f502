// The failures and error codes of the pages match the code.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import type { RevocationFailure } from '../browser/index.ts'
import { ERROR_CODES } from '../errors.ts'

/** Returns the first two columns of the table under a heading of a page, as a map. */
function table(page: string, heading: string): Map<string, string> {
  const text = readFileSync(new URL(`../../../www/docs/reference/${page}`, import.meta.url), 'utf8')
  const [, section = ''] = text.split(`# ${heading}\n`)
  const [body = ''] = section.split(/\n#+ /, 1)
  return new Map([...body.matchAll(/^\| `(\w+)` \| ([^|]+) \|/gm)].map(([, name = '', second = '']) => [name, second]))
}

test('the failures of a revocation', () => {
  const failures: Record<RevocationFailure, true> = {
    offline: true,
    timed_out: true,
    unreachable: true,
    refused: true,
    server_error: true,
    unexpected_answer: true,
    insecure_url: true,
    nothing_to_revoke: true,
  }
  assert.deepEqual([...table('browser.md', 'Revocation failures').keys()], Object.keys(failures))
})

test('the error codes', () => {
  assert.deepEqual([...table('errors.md', 'Error codes').keys()], [...ERROR_CODES])
})
