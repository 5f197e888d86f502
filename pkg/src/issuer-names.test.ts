// Names, patterns and tenants of an issuer: what they expand to, and what is refused.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkIssuer, issuerNames, separatesSubjects } from './issuer-names.ts'
import { checkContradictions, checkDistinct, corePolicy } from './policy.ts'
import type { TokenOptions } from './types.ts'

const PATTERN = 'https://login.example/{tid}/v2.0'
const realm = (more: Partial<TokenOptions> = {}): TokenOptions => ({
  name: 'acme',
  issuer: 'https://issuer.example',
  audience: 'api',
  ...more,
})

test('one name is the id and the only name, and separates nothing', () => {
  assert.deepEqual(issuerNames(realm()), {
    id: 'https://issuer.example',
    names: ['https://issuer.example'],
    tenants: [],
  })
  assert.equal(separatesSubjects(realm()), false)
})

test('the first of several names is the id', () => {
  const options = realm({ issuer: ['https://b.example', 'https://a.example'] })
  assert.deepEqual(issuerNames(options), {
    id: 'https://b.example',
    names: ['https://b.example', 'https://a.example'],
    tenants: [],
  })
  assert.equal(separatesSubjects(options), true)
  assert.equal(separatesSubjects({ ...options, sameSubjects: true }), false)
})

test('a pattern is the id, and each tenant makes a name', () => {
  const options = realm({ issuer: PATTERN, tenants: ['t1', 't2'] })
  const names = ['https://login.example/t1/v2.0', 'https://login.example/t2/v2.0']
  assert.deepEqual(issuerNames(options), { id: PATTERN, names, tenants: ['t1', 't2'], tenantClaim: 'tid' })
  assert.equal(separatesSubjects(options), true)
  assert.deepEqual(issuerNames(realm({ issuer: 'https://login.example/{tid}', tenants: ['t1'] })).names, [
    'https://login.example/t1',
  ])
})

test('a tenant with characters of replacement patterns is used unchanged', () => {
  assert.deepEqual(issuerNames(realm({ issuer: PATTERN, tenants: ['$&$1'] })).names, [
    'https://login.example/$&$1/v2.0',
  ])
})

const refused: [string, Partial<TokenOptions>, RegExp][] = [
  ['a pattern without tenants', { issuer: PATTERN }, /tenants is missing/],
  ['tenants without a pattern', { tenants: ['t1'] }, /whole path segment/],
  ['braces in the host', { issuer: 'https://{tid}/v2.0', tenants: ['t1'] }, /whole path segment/],
  [
    'braces around a part of a segment',
    { issuer: 'https://login.example/x{tid}/v2.0', tenants: ['t1'] },
    /whole path segment/,
  ],
  ['two segments in braces', { issuer: 'https://login.example/{a}/{b}', tenants: ['t1'] }, /whole path segment/],
  ['empty braces', { issuer: 'https://login.example/{}/v2.0', tenants: ['t1'] }, /whole path segment/],
  ['a pattern among several names', { issuer: ['https://a.example', PATTERN], tenants: ['t1'] }, /whole path segment/],
  ["the issuer's own claim in braces", { issuer: 'https://login.example/{iss}/v2.0', tenants: ['t1'] }, /own claim/],
  ['a name twice', { issuer: ['https://a.example', 'https://a.example'] }, /same name twice/],
  ['a tenant twice', { issuer: PATTERN, tenants: ['t1', 't1'] }, /same tenant twice/],
  ['a time in braces', { issuer: 'https://login.example/{exp}/v2.0', tenants: ['t1'] }, /never equals a tenant/],
  ['the same subjects of one name', { sameSubjects: true }, /sameSubjects/],
]
for (const [name, more, message] of refused) {
  test(`${name}: refused`, () => {
    assert.throws(() => checkIssuer(realm(more), 'realm'), { code: 'invalid_option', message })
  })
}

test('a long issuer with an open brace is a name, not a pattern', () => {
  const issuer = `https://a.example/${'a/'.repeat(50_000)}{`
  checkIssuer(realm({ issuer }), 'realm')
  assert.deepEqual(issuerNames(realm({ issuer })).names, [issuer])
})

test('no name selects two realms, nor does a pattern', () => {
  const pairs: [Partial<TokenOptions>, Partial<TokenOptions>][] = [
    [{ issuer: ['https://a.example', 'https://b.example'] }, { issuer: ['https://c.example', 'https://b.example'] }],
    [{ issuer: PATTERN, tenants: ['t1'] }, { issuer: 'https://login.example/t1/v2.0' }],
    // Both would have the same id, so that one feed would be the other's.
    [
      { issuer: PATTERN, tenants: ['t1'] },
      { issuer: PATTERN, tenants: ['t2'] },
    ],
  ]
  for (const [one, other] of pairs) {
    const realms = [realm(one), realm({ ...other, name: 'other' })]
    assert.throws(() => checkDistinct(realms, 'realms'), /realms\[1\]\.issuer is the same as that of realms\[0\]/)
  }
})

test('tokens without an id must have the claims by which they are revoked', () => {
  const required = (more: Partial<TokenOptions>): string[] | undefined => corePolicy(realm(more)).requiredClaims
  assert.equal(required({}), undefined)
  assert.deepEqual(required({ withoutTokenId: 'session' }), ['sub', 'sid'])
  assert.deepEqual(required({ withoutTokenId: 'session', claimNames: { session: 'session_id' } }), [
    'sub',
    'session_id',
  ])
  assert.deepEqual(required({ withoutTokenId: 'user' }), ['sub'])
  assert.deepEqual(required({ withoutTokenId: 'user', requiredClaims: ['exp'], claimNames: { subject: 'uid' } }), [
    'exp',
    'uid',
  ])
  assert.deepEqual(required({ withoutTokenId: 'session', requiredClaims: ['exp', 'sid'] }), ['exp', 'sid'])
})

const contradictions: [string, Partial<TokenOptions>, RegExp][] = [
  ['no token id in rfc9068', { profile: 'rfc9068', withoutTokenId: 'session' }, /withoutTokenId/],
  ['neither user nor token id', { subjectless: 'accept', withoutTokenId: 'user' }, /withoutTokenId/],
  [
    'a token id that is required and may be missing',
    { requiredClaims: ['jti'], withoutTokenId: 'user' },
    /requiredClaims/,
  ],
  [
    'the same by another name',
    { requiredClaims: ['uti'], claimNames: { tokenId: 'uti' }, withoutTokenId: 'session' },
    /requiredClaims/,
  ],
  ['a party where an audience is required', { profile: 'rfc9068', authorizedParty: 'app' }, /authorizedParty/],
  ['a sign without a party', { accessTokenClaim: 'sid' }, /needs authorizedParty/],
  ['a sign that every token has', { authorizedParty: 'app', accessTokenClaim: 'azp' }, /ID tokens/],
  [
    'the same by its configured name',
    { authorizedParty: 'app', accessTokenClaim: 'uid', claimNames: { subject: 'uid' } },
    /ID tokens/,
  ],
]
for (const [name, more, message] of contradictions) {
  test(`${name}: refused`, () => {
    assert.throws(() => checkContradictions(realm(more), 'realm'), { code: 'invalid_option', message })
  })
}
