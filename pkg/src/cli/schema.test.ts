// portcullis.schema.json accepts what the rules accept, even where a rule's schema is written separately from its test.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { isObject, type Rule, type Rules } from '../options.ts'
import { CONFIGURATION_RULES, SHAPES } from './configuration.ts'

type Schema = Record<string, unknown> & { properties?: Record<string, Schema>; items?: Schema; required?: string[] }

const SCHEMA = JSON.parse(readFileSync(new URL('../../portcullis.schema.json', import.meta.url), 'utf8')) as Schema

/** The part of JSON Schema 2020-12 that the file uses; an unknown keyword throws. */
function accepts(schema: Schema, value: unknown): boolean {
  return Object.entries(schema).every(([keyword, says]) => {
    switch (keyword) {
      case 'type':
        return isOfType(String(says), value)
      case 'anyOf':
        return (says as Schema[]).some((each) => accepts(each, value))
      case 'enum':
        return (says as unknown[]).includes(value)
      case 'const':
        return says === value
      case 'minimum':
        return typeof value !== 'number' || value >= Number(says)
      case 'maximum':
        return typeof value !== 'number' || value <= Number(says)
      case 'minLength':
        return typeof value !== 'string' || value.length >= Number(says)
      case 'pattern':
        return typeof value !== 'string' || new RegExp(String(says), 'u').test(value)
      case 'minItems':
        return !Array.isArray(value) || value.length >= Number(says)
      case 'maxItems':
        return !Array.isArray(value) || value.length <= Number(says)
      case 'items':
        return !Array.isArray(value) || value.every((each) => accepts(says as Schema, each))
      case 'required':
        return !isObject(value) || (says as string[]).every((name) => value[name] !== undefined)
      case 'properties':
        return (
          !isObject(value) ||
          Object.entries(says as Record<string, Schema>).every(
            ([name, each]) => value[name] === undefined || accepts(each, value[name]),
          )
        )
      case 'additionalProperties':
        return !isObject(value) || Object.keys(value).every((name) => Object.hasOwn(schema.properties ?? {}, name))
      case '$schema':
      case 'title':
      case 'description':
      case 'default':
      case 'format':
        return true
      default:
        return assert.fail(`the schema has ${keyword}, which this test does not know`)
    }
  })
}

function isOfType(type: string, value: unknown): boolean {
  if (type === 'integer') return Number.isInteger(value)
  if (type === 'object') return isObject(value)
  return type === 'array' ? Array.isArray(value) : typeof value === type
}

function obeys(rule: Rule, value: unknown): boolean {
  try {
    rule.check(value, 'value')
    return true
  } catch {
    return false
  }
}

const KEY = { kty: 'OKP', crv: 'Ed25519', x: 'A'.repeat(43), d: 'B'.repeat(43) }
const REALM = { name: 'acme', issuer: 'https://id.example', audience: 'api', jwks: 'https://id.example/certs' }

/** The rules see that a set of public keys has private ones, and the schema does not. */
const PRIVATE_SET = { keys: [KEY] }

/** Values at the bounds of all rules; each option is tried with each of them. */
const VALUES: unknown[] = [
  -1,
  0,
  0.5,
  1,
  1e-9,
  1e-10,
  0.1,
  0.11,
  5,
  6,
  300,
  301,
  1_023,
  1_024,
  8_191,
  8_192,
  65_535,
  65_536,
  86_400,
  86_401,
  2 ** 31 - 1,
  2 ** 31,
  2 ** 53,
  '',
  'a',
  'api',
  'none',
  'loopback',
  'anywhere',
  'requests',
  'events',
  'generic',
  'keycloak',
  'RS256',
  'ES256',
  'publish',
  'omit',
  'refuse',
  'accept',
  'issuedAt',
  'authTime',
  'node:sqlite',
  'a b',
  '.a',
  'x'.repeat(65),
  '0'.repeat(64),
  'g'.repeat(64),
  '10.0.0.0/8',
  '::1',
  'https://app.example',
  'https://app.example/path',
  'ftp://app.example',
  'app.example',
  true,
  null,
  {},
  [],
  [''],
  ['a'],
  ['RS256'],
  ['10.0.0.1'],
  ['https://app.example'],
  { env: 'NAME' },
  { env: '' },
  { file: 'name' },
  { file: 1 },
  { env: 'NAME', file: 'name' },
  { subject: 'sub' },
  { subject: '' },
  { keys: [] },
  PRIVATE_SET,
  KEY,
  { ...KEY, d: 'short' },
  [REALM],
  [{ ...REALM, name: undefined }],
  [{ id: 'a' }],
  [{ id: 'a', secret: { env: 'NAME' } }],
  [{ name: 'a' }],
  [{ name: 'a', other: 1 }],
  { path: 'a' },
  { path: 'a', driver: 'other' },
  { port: 0 },
  { port: 65_536 },
  { hostname: '' },
]

function assertSame(schema: Schema, rules: Rules, where: string): void {
  const { $schema: _schema, ...properties } = schema.properties ?? {}
  assert.deepEqual(Object.keys(properties).sort(), Object.keys(rules).sort(), where)
  assert.equal(schema['additionalProperties'], false, where)
  const required = Object.entries(rules)
    .filter(([, { need }]) => need === 'required')
    .map(([name]) => name)
  assert.deepEqual([...(schema.required ?? [])].sort(), required.sort(), where)
  const different: string[] = []
  for (const [name, rule] of Object.entries(rules)) {
    const property = properties[name] ?? {}
    assert.ok(typeof property['description'] === 'string', `${where}.${name} is described`)
    for (const value of VALUES) {
      if (name === 'jwks' && value === PRIVATE_SET) continue
      if (accepts(property, value) !== obeys(rule, value)) different.push(`${where}.${name}: ${JSON.stringify(value)}`)
    }
  }
  assert.deepEqual(different, [])
}

test('a configuration of a120da2 is valid', () => {
  const path = new URL('../../../tests/fixtures/a120da2/portcullis.json', import.meta.url)
  const configuration = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>
  assert.ok(accepts(SCHEMA, configuration))
  assert.ok(!accepts(SCHEMA, { ...configuration, realm: [] }))
  assert.ok(!accepts(SCHEMA, { ...configuration, realms: [] }))
})

test('the schema is derived from the rules', () => {
  assertSame(SCHEMA, CONFIGURATION_RULES, 'configuration')
  for (const [name, rules] of Object.entries(SHAPES)) {
    const property = SCHEMA.properties?.[name] ?? {}
    assertSame(property.items ?? property, rules, name)
  }
})
