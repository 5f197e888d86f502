// The option globalTokenRevocation: values that are refused at start.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { GlobalTokenRevocationOptions } from '../../index.ts'
import { callerOf, OKTA, openRealms, OTHER_SECRET, SECRET } from '../../testing/revocation-callers.ts'

describe('options', () => {
  const wrong: [string, unknown, RegExp][] = [
    ['neither secrets nor callers', {}, /needs secrets or callers/],
    ['empty lists', { secrets: [], callers: [] }, /needs secrets or callers/],
    ['a short secret', { secrets: ['short'] }, /16 or more characters/],
    ["another realm's secret", { secrets: [OTHER_SECRET] }, /give every realm its own/],
    [
      "the URL of another realm's callers",
      { callers: [callerOf('other')] },
      /is also used by realm acme for this issuer/,
    ],
    ['a caller without keys', { callers: [{ issuer: OKTA, audience: 'x' }] }, /callers/],
    ['a caller without audience', { callers: [{ issuer: OKTA, jwks: { keys: [] } }] }, /callers/],
    [
      'a private key',
      { callers: [{ issuer: OKTA, audience: 'x', jwks: { keys: [{ kty: 'RSA', d: 'x' }] } }] },
      /callers/,
    ],
    [
      'keys by http: from elsewhere',
      { callers: [{ issuer: OKTA, audience: 'x', jwks: 'http://keys.example/' }] },
      /\.callers\[0\]\.jwks must be an https: URL/,
    ],
    [
      'untyped JWTs of any app',
      { callers: [{ issuer: OKTA, audience: 'x', jwks: 'https://keys.example/', untyped: 'accept' }] },
      /needs subject/,
    ],
    ['an unknown option', { secret: SECRET }, /did you mean 'secrets'/],
    [
      'a resolver of an unknown format',
      { secrets: [SECRET], subjectsOf: { mail: () => undefined } },
      /unknown option 'mail'/,
    ],
    ['a resolver that is not a function', { secrets: [SECRET], subjectsOf: { email: 'alice' } }, /must be a function/],
  ]
  for (const [name, options, message] of wrong) {
    test(`${name}: invalid_option`, async () => {
      await assert.rejects(openRealms(options as GlobalTokenRevocationOptions), (error: Error & { code: string }) => {
        assert.equal(error.code, 'invalid_option')
        assert.match(error.message, message)
        assert.doesNotMatch(error.message, new RegExp(OTHER_SECRET))
        return true
      })
    })
  }
})
