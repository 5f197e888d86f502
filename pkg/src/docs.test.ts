// What the package README says of options and error codes is what the code does.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { resolveGateSettings } from './edge/settings.ts'
import { COMPROMISE_RULES, LOGOUT_RULES, logoutSettings, SESSION_RULES, sessionSettings } from './browser/settings.ts'
import type { RevocationFailure } from './browser/index.ts'
import { ERROR_CODES } from './errors.ts'
import { memoryStore } from './origin/store/memory.ts'
import { resolveRefreshTokensSettings } from './issuer/refresh-tokens/settings.ts'
import { resolveOriginSettings } from './origin/settings.ts'
import { TOKEN_RULES } from './policy.ts'
import type { RealmOptions } from './types.ts'

const README = readFileSync(new URL('../README.md', import.meta.url), 'utf8')

/** The rows of the table under a heading: what stands in the first column, and the second. */
function table(heading: string): Map<string, string> {
  const [, section = ''] = README.split(`# ${heading}\n`)
  const [body = ''] = section.split(/\n#+ /, 1)
  return new Map([...body.matchAll(/^\| `(\w+)` \| ([^|]+) \|/gm)].map(([, name = '', second = '']) => [name, second]))
}

/** The table has these options, and the default of each where that is a number or a word. */
function assertDefaults(heading: string, settings: object): void {
  const rows = table(heading)
  assert.deepEqual([...rows.keys()].sort(), Object.keys(settings).sort())
  for (const [name, value] of Object.entries(settings)) {
    if (typeof value === 'number') assert.equal(Number(rows.get(name)?.replaceAll('`', '')), value, name)
    if (typeof value === 'string') assert.equal(rows.get(name), `\`'${value}'\``, name)
  }
}

const token = { name: 'acme', issuer: 'https://issuer.example', audience: 'api' }
const key = { kty: 'OKP', crv: 'Ed25519', x: 'A'.repeat(43) }
const jwks = { keys: [] }

test('the options of a gate and their defaults', () => {
  const realm: RealmOptions = { ...token, jwks, feed: { url: 'https://origin.example/feed/acme', keys: [key] } }
  assertDefaults('Gate options', resolveGateSettings({ realms: [realm] }))
})

test('the options of an origin and their defaults', () => {
  const settings = resolveOriginSettings({ store: memoryStore(), signingKey: { ...key, d: key.x }, realms: [{ ...token, jwks }] })
  assertDefaults('Origin options', settings)
  const rows = table('Realm options')
  const [realm] = settings.realms
  const own = ['adminRole', 'issuerSkewSeconds', 'sourceSkewSeconds', 'maxLifetimeSeconds', 'maxSessionSeconds', 'keysInFeed'] as const
  assert.deepEqual([...rows.keys()], [...Object.keys(TOKEN_RULES), 'jwks', 'feed', ...own, 'administration'])
  for (const option of own) {
    const value = realm?.[option]
    assert.equal(rows.get(option), `origin only, \`${typeof value === 'string' ? `'${value}'` : value}\``)
  }
})

test('the options of refresh tokens and their defaults', () => {
  const origin = { refuses: () => undefined, endSession: () => Promise.resolve() }
  const settings = resolveRefreshTokensSettings({ path: 'file.db', realm: 'acme', origin })
  assertDefaults('Refresh tokens', { ...settings, path: {}, realm: {}, database: {} })
})

test('the options of a logout and of a session in the browser, and their defaults', () => {
  const revokeUrl = 'https://origin.example/v1/auth/token/revoke'
  const none = (rules: object): object => Object.fromEntries(Object.keys(rules).map((name) => [name, {}]))
  assertDefaults('Logout options', { ...none({ ...LOGOUT_RULES, ...COMPROMISE_RULES }), ...logoutSettings({ revokeUrl }), revokeUrl: {} })
  const required = { tokenUrl: 'https://idp.example/token', clientId: 'app', allowedOrigins: [] }
  assertDefaults('Session options', { ...none(SESSION_RULES), ...sessionSettings(required), tokenUrl: {}, clientId: {} })
})

test('the ways in which a revocation fails', () => {
  const failures: Record<RevocationFailure, true> = {
    offline: true, timed_out: true, unreachable: true, refused: true,
    server_error: true, unexpected_answer: true, insecure_url: true, nothing_to_revoke: true,
  }
  assert.deepEqual([...table('Revocation failures').keys()], Object.keys(failures))
})

test('the error codes', () => {
  assert.deepEqual([...table('Error codes').keys()], [...ERROR_CODES])
})
