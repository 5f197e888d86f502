// The facts of each provider: source, date, and agreement with its page.

import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import type { PortcullisError } from '../errors.ts'
import { exportedProviders, vectorsOf } from './testing/vectors.ts'

const providers = exportedProviders()
const PAGES = new URL('../../../www/docs/providers/', import.meta.url)
/** Files here that are not providers. */
const OTHERS = ['index', 'provider', 'forms', 'discover', 'metadata']
/** Options that accept any string. */
const ANY_TEXT = ['audience', 'authorizedParty', 'clientId']

test('every provider is exported and has vectors', () => {
  const listed = (folder: string, ending: RegExp): string[] =>
    readdirSync(new URL(folder, import.meta.url))
      .filter((file) => ending.test(file) && !file.endsWith('.test.ts'))
      .map((file) => file.replace(ending, ''))
  const files = providers.map(({ file }) => file).sort()
  assert.deepEqual(
    listed('.', /\.ts$/)
      .filter((file) => !OTHERS.includes(file))
      .sort(),
    files,
  )
  assert.deepEqual(listed('vectors', /\.json$/).sort(), files)
})

for (const {
  name,
  file,
  provider: { facts },
} of providers) {
  test(`${name} names the vendor's page and the date on which it was read`, () => {
    const source = new URL(facts.source)
    assert.equal(source.protocol, 'https:')
    assert.match(source.hostname, /\.(com|org|io|net|dev)$/)
    assert.equal(new Date(`${facts.readOn}T00:00:00Z`).toISOString().slice(0, 10), facts.readOn)
    assert.ok(Date.parse(facts.readOn) <= Date.now() && facts.readOn >= '2026-01-01', 'a day of this package')
    assert.ok(facts.name !== '' && facts.hears.how !== '')
  })

  test(`${name} has a page that cites the same source and day, and names the function`, () => {
    const page = readFileSync(new URL(`${file}.md`, PAGES), 'utf8')
    for (const text of [facts.source, facts.readOn, `${name}({`, 'portcullis/providers'])
      assert.ok(page.includes(text), text)
    const row = readFileSync(new URL('README.md', PAGES), 'utf8')
      .split('\n')
      .find((line) => line.includes(`](${file}.md)`))
    const reaches = row
      ?.split('|')[3]
      ?.replace(/\([^)]*\)/g, '')
      .split(',')
      .map((reach) => reach.trim())
    assert.deepEqual(reaches, facts.reaches, 'the list of all providers says the same')
  })
}

test("every provider refuses another's options, and lists its own", () => {
  for (const { name, provider } of providers) {
    const own = Object.keys(vectorsOf(providers.find((each) => each.name === name)?.file ?? '').options)
    for (const other of providers) {
      const { options } = vectorsOf(other.file)
      if (other.name === name || Object.keys(options).every((option) => own.includes(option))) continue
      assert.throws(
        () => provider(options),
        refusal(provider.facts.name, own),
        `${name} with the options of ${other.name}`,
      )
    }
  }
})

test('every provider refuses options that are missing, empty, of another type, unknown, or not an object', () => {
  for (const { name, file, provider } of providers) {
    const { options } = vectorsOf(file)
    const own = Object.keys(options)
    for (const option of own) {
      for (const wrong of [
        undefined,
        '',
        7,
        [],
        {},
        ...(ANY_TEXT.includes(option) ? [] : ['https://user:secret@host.example/?secret#secret']),
      ]) {
        if (wrong === undefined && isOptional(provider, options, option)) continue
        assert.throws(
          () => provider({ ...options, [option]: wrong }),
          refusal(provider.facts.name, own),
          `${name}: ${option} = ${String(wrong)}`,
        )
      }
    }
    for (const wrong of [{ ...options, tenantsId: 'secret' }, undefined, null, 'secret', []]) {
      assert.throws(
        () => provider(wrong as object),
        refusal(provider.facts.name, own),
        `${name}: ${JSON.stringify(wrong)}`,
      )
    }
  }
})

test("no provider accepts the audience 'none', which would disable the check", () => {
  for (const { file, provider } of providers) {
    const { options } = vectorsOf(file)
    for (const audience of 'audience' in options ? ['none', ['api', 'none']] : []) {
      assert.throws(() => provider({ ...options, audience }), { code: 'invalid_option' }, file)
    }
  }
})

function isOptional(provider: (options: object) => unknown, options: object, option: string): boolean {
  try {
    provider({ ...options, [option]: undefined })
    return true
  } catch {
    return false
  }
}

/** The error names the provider and its options, and contains no value. */
function refusal(provider: string, options: readonly string[]): (error: PortcullisError) => boolean {
  return ({ code, message }) => {
    assert.equal(code, 'invalid_option')
    for (const text of [provider, ...options]) assert.ok(message.includes(text), message)
    assert.doesNotMatch(message, /secret|tenantsId/)
    return true
  }
}
