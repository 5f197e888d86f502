// Best practices are checked against the realm's settings; settings that may not be read are reported as unchecked.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findingsText } from '../finding.ts'
import { practiceFindings, type PracticeFacts } from './practices.ts'

const GOOD: PracticeFacts = {
  baseUrl: new URL('https://id.example'),
  issuer: 'https://id.example/realms/acme',
  settings: {
    sslRequired: 'external',
    accessTokenLifespan: 300,
    revokeRefreshToken: true,
    refreshTokenMaxReuse: 0,
    ssoSessionIdleTimeout: 1_800,
    bruteForceProtected: true,
  },
  longestClientLifespan: 0,
  keys: [{ alg: 'RS256', since: new Date('2026-03-01T00:00:00Z') }],
  acts: true,
  auditsEvents: true,
}

function notOk(changes: Partial<PracticeFacts>): Record<string, string> {
  const found = practiceFindings({ ...GOOD, ...changes })
  return Object.fromEntries(
    found.filter(({ level }) => level !== 'ok').map(({ check, level }) => [check.replace('practice_', ''), level]),
  )
}

test('a realm that follows all of them', () => {
  assert.deepEqual(notOk({}), {})
})

test('each one that is not followed', () => {
  const settings = GOOD.settings ?? {}
  assert.deepEqual(notOk({ baseUrl: new URL('http://127.0.0.1:8080') }), { https_only: 'warning' })
  assert.deepEqual(notOk({ settings: { ...settings, sslRequired: 'none' } }), { https_only: 'warning' })
  assert.deepEqual(notOk({ settings: { ...settings, accessTokenLifespan: 901 } }), { short_access_tokens: 'warning' })
  assert.deepEqual(notOk({ longestClientLifespan: 901 }), { short_access_tokens: 'warning' })
  assert.deepEqual(notOk({ settings: { ...settings, revokeRefreshToken: false } }), {
    refresh_token_rotation: 'warning',
  })
  assert.deepEqual(notOk({ settings: { ...settings, refreshTokenMaxReuse: 1 } }), { refresh_token_rotation: 'warning' })
  assert.deepEqual(notOk({ settings: { ...settings, ssoSessionIdleTimeout: 3_601 } }), { short_sso_idle: 'warning' })
  assert.deepEqual(notOk({ settings: { ...settings, bruteForceProtected: false } }), { brute_force: 'warning' })
  assert.deepEqual(notOk({ keys: [] }), { key_rotation: 'warning' })
  assert.deepEqual(notOk({ auditsEvents: false }), { audit: 'warning' })
})

test('settings that no account may read are unchecked, not ok', () => {
  assert.deepEqual(notOk({ settings: undefined, auditsEvents: undefined }), {
    https_only: 'unchecked',
    short_access_tokens: 'unchecked',
    refresh_token_rotation: 'unchecked',
    short_sso_idle: 'unchecked',
    brute_force: 'unchecked',
    audit: 'unchecked',
  })
})

test('prints them as a check list below the other findings', () => {
  const findings = practiceFindings({ ...GOOD, auditsEvents: false, settings: undefined })
  const text = findingsText({
    connector: 'keycloak',
    realm: 'acme',
    findings: [{ check: 'issuer', level: 'ok', says: 'as configured' }, ...findings],
  })
  assert.match(text, /^keycloak, realm acme\n {2}ok {8}issuer: as configured\nBest practices\n/)
  assert.match(text, /\n {2}\[\?\] Brute force detection on: not read/)
  assert.match(text, /\n {2}\[x\] Keys can be rotated without a gap: RS256, the oldest of 2026-03-01/)
  assert.match(text, /\n {2}\[ \] Logins and token use are audited: no/)
})
