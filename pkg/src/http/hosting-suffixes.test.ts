import assert from 'node:assert/strict'
import { test } from 'node:test'
import { getPublicSuffix } from 'tldts'
import { HOSTING_SUFFIXES, isSharedSuffix } from './hosting-suffixes.ts'

/** Tests against the whole Public Suffix List. */
const isPublic = (suffix: string): boolean =>
  getPublicSuffix(`label.${suffix}`, { allowPrivateDomains: true }) === suffix

test('every hosting suffix is in the Public Suffix List', () => {
  assert.ok(HOSTING_SUFFIXES.length > 20)
  assert.deepEqual(
    HOSTING_SUFFIXES.filter((each) => !isPublic(each)),
    [],
  )
  assert.deepEqual(HOSTING_SUFFIXES, [...new Set(HOSTING_SUFFIXES)].sort())
})

test('registries, and domains of one owner', () => {
  for (const suffix of ['com', 'dev', 'co.uk', 'com.au', 'org.br', 'ac.nz', 'vercel.app']) {
    assert.equal(isPublic(suffix), true, suffix)
    assert.equal(isSharedSuffix(suffix), true, suffix)
  }
  for (const suffix of ['app.example', 'example.com', 'acme.vercel.app', 'acme.co.uk', 'notvercel.app', 'localhost'])
    assert.equal(isSharedSuffix(suffix), false, suffix)
})
