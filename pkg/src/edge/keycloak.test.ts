// Every shape of token that Keycloak issues, at a gate with profile `keycloak`: accepted, or refused with advice.

import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { exportJWK, generateKeyPair, generateSecret, SignJWT } from 'jose'
import { createGate } from '../entry/edge/node.ts'
import type { Gate, JWK, RealmOptions, Verdict } from '../types.ts'
import { keycloakShapes, type Shape, type ShapeName } from './testing/keycloak-shapes.ts'
import { clock, TestRealm } from './testing/realm.ts'

/** The expected outcome for a shape: `accepted`, or the check that fails and its reason. */
const ANSWERS: Record<ShapeName, string> = {
  'code flow': 'accepted',
  refreshed: 'accepted',
  'password grant': 'accepted',
  'second client': 'accepted',
  offline: 'accepted',
  lightweight: 'required_claims missing_claim',
  'lightweight with sub': 'accepted',
  'without scope basic': 'required_claims missing_claim',
  'without audience mapper': 'audience wrong_audience',
  'client credentials': 'accepted',
  'client credentials with refresh token': 'accepted',
  'header at+jwt': 'accepted',
  DPoP: 'binding wrong_type',
  impersonated: 'accepted',
  'impersonated, with a mapper': 'accepted',
  'consent client': 'accepted',
  ID: 'token_use wrong_type',
  'ID of an audience here': 'token_use wrong_type',
  refresh: 'key unknown_key',
  'offline refresh': 'key unknown_key',
  logout: 'type wrong_type',
}

/** The outcomes that change with an option. */
const CHANGED: [Partial<RealmOptions>, Partial<Record<ShapeName, string>>][] = [
  [{ subjectless: 'accept' }, { lightweight: 'accepted', 'without scope basic': 'accepted' }],
  [
    { compare: 'authTime' },
    Object.fromEntries(
      [
        'password grant',
        'lightweight with sub',
        'client credentials',
        'client credentials with refresh token',
        'impersonated',
        'impersonated, with a mapper',
      ].map((shape) => [shape, 'login missing_claim']),
    ),
  ],
  [{ impersonation: 'refuse' }, { 'impersonated, with a mapper': 'token_use wrong_type' }],
  [{ impersonation: 'mark' }, {}],
]

/** A word of the advice that explains each refused shape. */
const ADVICE: [ShapeName, Partial<RealmOptions>, RegExp][] = [
  ['lightweight', {}, /^sub is missing: this is a lightweight access token.*Add to lightweight access token/],
  ['without scope basic', {}, /^sub is missing: the client lacks the client scope basic/],
  [
    'without audience mapper',
    {},
    /^aud: expected "api"; found .*mapper of type Audience with Included Custom Audience api/,
  ],
  ['DPoP', {}, /Require DPoP bound tokens/],
  ['ID', {}, /; found "ID": this is an ID token.*send the access token$/],
  ['ID of an audience here', {}, /^typ: expected .*; found "ID": this is an ID token/],
  ['refresh', {}, /: this is a refresh token/],
  ['offline refresh', {}, /: this is a refresh token/],
  ['logout', {}, /^typ: expected .*; found "logout\+jwt": this is a logout token/],
  ['password grant', { compare: 'authTime' }, /^auth_time is missing.*compare: 'issuedAt'/],
  ['impersonated, with a mapper', { impersonation: 'refuse' }, /^act names someone who acts for the user/],
]

for (const [options, changed] of [[{}, {}] as const, ...CHANGED]) {
  test(`each shape has the documented outcome, with ${JSON.stringify(options)}`, async (t) => {
    const { gate, tokens } = await open(t, options)
    const answers = await Promise.all([...tokens].map(async ([name, token]) => [name, await answer(gate, token)]))
    assert.deepEqual(Object.fromEntries(answers), { ...ANSWERS, ...changed })
  })
}

test('each refused shape is explained by the setting to change', async (t) => {
  for (const [shape, options, advice] of ADVICE) {
    const { gate, tokens } = await open(t, options)
    assert.match((await failure(gate, tokens.get(shape)))?.detail ?? '', advice)
  }
})

test('profile rfc9068 refuses at+jwt of Keycloak, which has no client_id', async (t) => {
  const { gate, tokens } = await open(t, { profile: 'rfc9068' })
  const failed = await failure(gate, tokens.get('header at+jwt'))
  assert.deepEqual([failed?.reason, failed?.detail], ['missing_claim', 'client_id is missing'])
})

test('tokens without sub are revoked by their session', async (t) => {
  for (const shape of ['lightweight', 'without scope basic'] as const) {
    const { gate, tokens, realm, shapes } = await open(t, { subjectless: 'accept' })
    const token = tokens.get(shape) ?? ''
    assert.equal(await answer(gate, token), 'accepted')
    realm.record({ kind: 'session', session: shapes[shape].claims['sid'] })
    await gate.refresh()
    assert.equal(await answer(gate, token), 'revocation session_revoked')
    assert.equal(await answer(gate, tokens.get('code flow') ?? ''), 'accepted')
  }
})

for (const alg of ['RS256', 'RS512', 'PS256', 'ES256', 'ES384', 'ES512', 'EdDSA']) {
  test(`a realm key for ${alg} is used next to one for encryption`, async (t) => {
    const { gate, tokens } = await open(t, {}, alg)
    assert.equal(await answer(gate, tokens.get('code flow') ?? ''), 'accepted')
  })
}

test('the verdict on a token with an actor names the actor only with impersonation mark', async (t) => {
  const cases = [
    [{ sub: 'root' }, { sub: 'root' }],
    [{ iss: 'x' }, {}],
    [{ sub: 1 }, {}],
    ['root', {}],
    [null, undefined],
    ['', undefined],
    [undefined, undefined],
  ]
  const realm = await TestRealm.start(t)
  const [marking, accepting] = (['mark', 'accept'] as const).map((impersonation) => {
    const gate = createGate(realm.options({}, { impersonation }))
    t.after(() => gate.close())
    return gate
  })
  assert.ok(marking && accepting)
  for (const [act, actor] of cases) {
    const token = await realm.token({ act })
    // The second and third time the verdict comes from the cache.
    for (let i = 0; i < 3; i++) {
      const verdict: Verdict = await marking.check(token)
      assert.ok(verdict.ok)
      assert.deepEqual(verdict.impersonatedBy, actor)
      assert.equal('impersonatedBy' in verdict, actor !== undefined)
      assert.deepEqual(marking.checkSync(token), verdict)
    }
    assert.ok(!('impersonatedBy' in (await accepting.check(token))))
  }
})

/** Returns a gate with profile `keycloak` for a realm with one signing key, and all shapes signed by it. */
async function open(t: TestContext, options: Partial<RealmOptions>, alg = 'RS256') {
  const realm = await TestRealm.start(t, 'acme', { profile: 'keycloak', ...options })
  const signing = await generateKeyPair(alg, { extractable: true })
  const encrypting = await generateKeyPair('RSA-OAEP', { extractable: true })
  const keys = [
    { ...(await exportJWK(encrypting.publicKey)), kid: 'enc', use: 'enc', alg: 'RSA-OAEP' },
    { ...(await exportJWK(signing.publicKey)), kid: 'sig', use: 'sig', alg },
  ] as JWK[]
  const own = await generateSecret('HS512')
  const shapes = keycloakShapes(realm.issuer, clock())
  const sign = ({ header, claims }: Shape) => {
    const isOwn = header.alg === 'HS512'
    return new SignJWT(claims)
      .setProtectedHeader({ ...header, alg: isOwn ? 'HS512' : alg, kid: isOwn ? 'own' : 'sig' })
      .sign(isOwn ? own : signing.privateKey)
  }
  const tokens = new Map<string, string>()
  for (const [name, shape] of Object.entries(shapes)) tokens.set(name, await sign(shape))
  const gate = createGate(realm.options({}, { profile: 'keycloak', jwks: { keys }, ...options }))
  t.after(() => gate.close())
  return { realm, gate, tokens, shapes }
}

/** Returns the result of `check` and `checkSync`, with the check that `explain` names. */
async function answer(gate: Gate, token: string): Promise<string> {
  const verdict = await gate.check(token)
  const sync = gate.checkSync(token)
  const failed = await failure(gate, token)
  const reason = verdict.ok ? undefined : verdict.reason
  assert.equal(sync.ok ? undefined : sync.reason, reason)
  assert.equal(failed?.reason, reason)
  return failed === undefined ? 'accepted' : `${failed.check} ${reason}`
}

async function failure(gate: Gate, token = '') {
  return (await gate.explain(token)).find(({ outcome }) => outcome === 'failed')
}
