// Advice in `explain` for people new to Keycloak: the reason is followed by the setting to change.

import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { SignJWT } from 'jose'
import { createGate } from '../entry/edge/node.ts'
import type { Check, RealmOptions } from '../types.ts'
import { clock, TestRealm } from './testing/realm.ts'

const KEYCLOAK = { profile: 'keycloak' } as const

test('an audience that is not ours names the mapper and our audience', async (t) => {
  const explain = await explainer(t, KEYCLOAK)
  for (const aud of ['account', ['account', 'web'], null]) {
    const detail = assertFailure(await explain({ aud }), 'audience', 'wrong_audience')
    assert.match(
      detail,
      /^aud: expected "api"; found .*mapper of type Audience with Included Custom Audience api .*lightweight/,
    )
  }
  const other = await explainer(t, { ...KEYCLOAK, audience: ['shop', 'api'] })
  const detail = assertFailure(await other({ aud: 'account' }), 'audience', 'wrong_audience')
  assert.match(detail, /^aud: expected one of "shop", "api"; found "account": .*Included Custom Audience shop /)
  const byParty = await explainer(t, { ...KEYCLOAK, authorizedParty: 'web' })
  assert.doesNotMatch(assertFailure(await byParty({ aud: 'account' }), 'audience', 'wrong_audience'), /mapper/)
})

test('a missing sub names the switch of lightweight tokens or the client scope', async (t) => {
  const explain = await explainer(t, KEYCLOAK)
  const lightweight = assertFailure(await explain({ sub: null, jti: 'onltac:1' }), 'required_claims', 'missing_claim')
  assert.match(
    lightweight,
    /^sub is missing: this is a lightweight access token.*Client scopes, basic, Mappers, sub.*subjectless/,
  )
  for (const jti of ['onrtac:1', 'lt', 'onlt', 'onltac', 'a']) {
    const detail = assertFailure(await explain({ sub: null, jti }), 'required_claims', 'missing_claim')
    assert.match(detail, /^sub is missing: the client lacks the client scope basic.*subjectless: 'accept'/)
  }
  const renamed = await explainer(t, { ...KEYCLOAK, claimNames: { subject: 'uid' } })
  assert.match(
    assertFailure(await renamed({}), 'required_claims', 'missing_claim'),
    /^uid is missing: the client lacks/,
  )
})

test('another missing claim has no advice', async (t) => {
  const explain = await explainer(t, KEYCLOAK)
  assert.equal(assertFailure(await explain({ jti: null }), 'required_claims', 'missing_claim'), 'jti is missing')
  const demanding = await explainer(t, { ...KEYCLOAK, requiredClaims: ['exp', 'iat', 'sid', 'sub'] })
  assert.equal(
    assertFailure(await demanding({ sid: null, sub: null }), 'required_claims', 'missing_claim'),
    'sid is missing',
  )
})

test('a missing auth_time names the grants that have none', async (t) => {
  const explain = await explainer(t, { ...KEYCLOAK, compare: 'authTime' })
  const detail = assertFailure(await explain({}), 'login', 'missing_claim')
  assert.match(detail, /^auth_time is missing: .*password.*basic.*compare: 'issuedAt'/)
  assert.doesNotMatch(
    assertFailure(await explain({ auth_time: clock() + 3600 }), 'login', 'issued_in_future'),
    /Keycloak/,
  )
})

test('names other kinds of tokens', async (t) => {
  const explain = await explainer(t, KEYCLOAK)
  for (const [typ, name] of [
    ['ID', 'an ID token'],
    ['Refresh', 'a refresh token'],
    ['Offline', 'a refresh token'],
  ]) {
    for (const aud of ['api', 'web']) {
      const detail = assertFailure(await explain({ typ, aud }), 'token_use', 'wrong_type')
      assert.match(detail, new RegExp(`; found "${typ}": this is ${name}, .*: send the access token$`))
    }
  }
  const logout = assertFailure(await explain({ typ: 'Logout' }, { typ: 'logout+jwt' }), 'type', 'wrong_type')
  assert.match(logout, /found "logout\+jwt": this is a logout token/)
  // Signed by another key of the issuer, as Keycloak's refresh tokens are.
  const refresh = assertFailure(await explain({ typ: 'Refresh' }, { kid: 'elsewhere' }), 'key', 'unknown_key')
  assert.match(refresh, /: this is a refresh token, which only Keycloak can check/)
})

test('a token bound by DPoP names the switch', async (t) => {
  const explain = await explainer(t, KEYCLOAK)
  for (const cnf of [{ jkt: 'x', 'kc-jkt-type': 'DPoP' }, null]) {
    assert.match(
      assertFailure(await explain({ typ: 'DPoP', cnf }), 'binding', 'wrong_type'),
      /Require DPoP bound tokens/,
    )
  }
})

test('for an issuer that only differs in its host, names the option of the server', async (t) => {
  const explain = await explainer(t, KEYCLOAK)
  for (const iss of ['http://localhost:8080/realms/acme', 'https://id.example:8443/realms/acme']) {
    const detail = assertFailure(await explain({ iss }), 'realm', 'wrong_issuer')
    assert.match(detail, /: iss differs from the issuer of acme only in scheme, host or port.*--hostname/)
  }
  for (const iss of ['https://issuer.example/realms/master', 'https://x', 'a/b/c', null]) {
    assert.doesNotMatch(assertFailure(await explain({ iss }), 'realm', 'wrong_issuer'), /--hostname/)
  }
})

test('values of a token only appear between quotes', async (t) => {
  const explain = await explainer(t, KEYCLOAK)
  for (const name of ['iss', 'sub', 'aud', 'typ', 'jti', 'act', 'sid']) {
    for (const other of ['sub', 'aud']) {
      const detail = failureOf(await explain({ [other]: null, [name]: 'attacker-chosen' }))?.detail ?? ''
      assert.ok(!detail.replaceAll('"attacker-chosen"', '').includes('attacker-chosen'), detail)
    }
  }
  const iss = 'http://attacker-chosen/realms/acme'
  const detail = failureOf(await explain({ iss }))?.detail ?? ''
  assert.ok(!detail.replaceAll(`"${iss}"`, '').includes('attacker-chosen'), detail)
})

test('other profiles have no advice', async (t) => {
  const explain = await explainer(t, {})
  for (const claims of [{ aud: 'account' }, { sub: null }, { typ: 'ID' }, { iss: 'http://localhost/realms/acme' }]) {
    assert.doesNotMatch(failureOf(await explain(claims))?.detail ?? '', /Keycloak|send the|--hostname/)
  }
})

test('a refused impersonation names the option in every profile', async (t) => {
  for (const profile of ['keycloak', 'generic'] as const) {
    const explain = await explainer(t, { profile, impersonation: 'refuse' })
    const detail = assertFailure(await explain({ act: { sub: 'root' } }), 'token_use', 'wrong_type')
    assert.equal(detail, "act names someone who acts for the user, and impersonation is 'refuse'")
    const id = assertFailure(await explain({ act: { sub: 'root' }, typ: 'ID' }), 'token_use', 'wrong_type')
    assert.match(id, /^typ: expected .*; found "ID"/)
  }
})

test('a malformed token gets no advice on Keycloak', async (t) => {
  const { gate } = await openGate(t, KEYCLOAK)
  for (const token of ['', 'a.b', 'a.b.c', 'e30.bnVsbA.e30']) {
    assert.doesNotMatch(failureOf(await gate.explain(token))?.detail ?? '', /Keycloak/)
  }
})

/** Explains Keycloak's access token with these changes. */
async function explainer(t: TestContext, options: Partial<RealmOptions>) {
  const { gate, realm } = await openGate(t, options)
  return async (changes: Record<string, unknown>, header: Record<string, unknown> = {}): Promise<Check[]> => {
    const now = clock()
    const claims = {
      iss: realm.issuer,
      aud: 'api',
      sub: 'alice',
      jti: 'onrtac:db836158-1955-743d-181d-0b1f4c6f0efa',
      typ: 'Bearer',
      iat: now - 10,
      exp: now + 600,
      ...changes,
    }
    const [key] = realm.keys
    assert.ok(key)
    return gate.explain(
      await new SignJWT(claims)
        .setProtectedHeader({ alg: 'ES256', kid: key.kid, typ: 'JWT', ...header })
        .sign(key.privateKey),
    )
  }
}

async function openGate(t: TestContext, options: Partial<RealmOptions>) {
  const realm = await TestRealm.start(t, 'acme', options)
  const gate = createGate(realm.options({}, options))
  t.after(() => gate.close())
  return { gate, realm }
}

function failureOf(checks: Check[]): Check | undefined {
  return checks.find(({ outcome }) => outcome === 'failed')
}

/** Returns the detail. */
function assertFailure(checks: Check[], check: string, reason: string): string {
  const failed = failureOf(checks)
  assert.deepEqual([failed?.check, failed?.reason], [check, reason])
  return failed?.detail ?? ''
}
