import assert from 'node:assert/strict'
import { test } from 'node:test'
import { IssuerPatterns } from './issuer-patterns.ts'

function matching(
  pattern: string,
  issuers: readonly string[],
  plainHttp: 'loopback' | 'anywhere' = 'loopback',
): string[] {
  const patterns = new IssuerPatterns([pattern], plainHttp)
  return issuers.filter((issuer) => patterns.matches(issuer))
}

test('a name without braces is matched exactly', () => {
  const name = 'https://issuer.example/realms/acme'
  assert.deepEqual(matching(name, [name, `${name}/`, name.toUpperCase(), `${name}?`, name.slice(0, -1)]), [name])
})

test('a segment in braces is one whole segment of unreserved characters', () => {
  const good = [
    'https://login.example/a/v2.0',
    'https://login.example/72f988bf-86f1-41af-91ab-2d7cd011db47/v2.0',
    'https://login.example/A.b_c~d/v2.0',
  ]
  const bad = [
    'https://login.example//v2.0',
    'https://login.example/v2.0',
    'https://login.example/a/b/v2.0',
    'https://login.example/../v2.0',
    'https://login.example/./v2.0',
    'https://login.example/a%2fb/v2.0',
    'https://login.example/a?b/v2.0',
    'https://login.example/a#/v2.0',
    'https://login.example/a\\b/v2.0',
    'https://login.example/a /v2.0',
    'https://login.example/a\n/v2.0',
    'https://login.example/{tenant}/v2.0',
    'https://login.example/ä/v2.0',
    'https://login.example/a/v2.0/',
    'http://login.example/a/v2.0',
    'https://login.example.evil.example/a/v2.0',
    'https://login.example@evil.example/a/v2.0',
    '',
  ]
  assert.deepEqual(matching('https://login.example/{tenant}/v2.0', [...good, ...bad]), good)
  const realms = ['https://login.example/realms/a', 'https://login.example/realms/', 'https://login.example/realms/a\n']
  assert.deepEqual(matching('https://login.example/realms/{realm}', realms), ['https://login.example/realms/a'])
})

test('a label in braces is one whole host label', () => {
  const good = [
    'https://a.example.com/',
    'https://tenant-1.example.com/',
    'https://xn--bcher-kva.example.com/',
    `https://${'a'.repeat(63)}.example.com/`,
  ]
  const bad = [
    'https://.example.com/',
    'https://a.b.example.com/',
    'https://-a.example.com/',
    'https://a-.example.com/',
    'https://A.example.com/',
    'https://evil.example/a.example.com/',
    'https://evil.example#.example.com/',
    'https://a@b.example.com/',
    'https://a:1.example.com/',
    `https://${'a'.repeat(64)}.example.com/`,
    'https://a.example.com',
    'https://a_b.example.com/',
    'https://*.example.com/',
  ]
  assert.deepEqual(matching('https://{tenant}.example.com/', [...good, ...bad]), good)
  const regions = ['https://login.eu.example.com', 'https://login.example.com']
  assert.deepEqual(matching('https://login.{region}.example.com', regions), ['https://login.eu.example.com'])
})

test('plain http is only for this machine, unless it is allowed anywhere', () => {
  const refused = { code: 'invalid_option', message: /issuers\[0\] must be an https: URL/ }
  assert.throws(() => new IssuerPatterns(['http://issuer.example/{tenant}'], 'loopback'), refused)
  assert.deepEqual(matching('http://127.0.0.1:8080/{tenant}', ['http://127.0.0.1:8080/a']), ['http://127.0.0.1:8080/a'])
  assert.deepEqual(matching('http://{tenant}.localhost:8080', ['http://a.localhost:8080']), ['http://a.localhost:8080'])
  assert.deepEqual(matching('http://issuer.example/{tenant}', ['http://issuer.example/a'], 'anywhere'), [
    'http://issuer.example/a',
  ])
})

test('refuses, by name, a pattern with more than one variable segment or label, or that is not a URL', () => {
  const bad = [
    'https://{tenant}',
    'https://{tenant}/',
    'https://{tenant}.com/',
    'https://a{tenant}.example.com',
    'https://{tenant}a.example.com',
    'https://issuer.example/a-{tenant}',
    'https://issuer.example/{tenant}-a',
    'https://issuer.example/{a}/{b}',
    'https://issuer.example/{}',
    'https://issuer.example/}tenant{',
    'https://issuer.example/{tenant',
    '{scheme}://issuer.example/',
    'https://issuer.example:{port}/',
    'https://issuer.example/a?b={tenant}',
    'https://user@issuer.example/{tenant}',
    'accounts.example.com',
    'ftp://issuer.example/{tenant}',
    'https://issuer.example/#{tenant}',
    `https://issuer.example/${'a'.repeat(1024)}`,
    '*',
  ]
  const refused = { code: 'invalid_option', message: /issuers\[1\]/ }
  for (const pattern of bad)
    assert.throws(() => new IssuerPatterns(['https://issuer.example', pattern], 'loopback'), refused, pattern)
})

test('a long issuer matches the right one of 1000 patterns only', () => {
  const patterns = new IssuerPatterns(
    Array.from({ length: 1000 }, (_, index) => `https://login.example/${index}/{tenant}/a/a/a`),
    'loopback',
  )
  assert.equal(patterns.matches(`https://login.example/999/${'a/'.repeat(480)}`), false)
  assert.equal(patterns.matches(`https://login.example/999/${'a'.repeat(960)}/a/a/a`), true)
})
