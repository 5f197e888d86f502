// Gate and origin agree: both show the digest, differing fields are named, and contradictions are refused at the start.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { exportJWK, generateKeyPair } from 'jose'
import { createGate, type RealmOptions } from '../../entry/edge/node.ts'
import {
  createOrigin,
  generateFeedKey,
  policyDifferences,
  policyDigest,
  type JWK,
  type TokenOptions,
} from '../../entry/origin/node.ts'
import { openStage } from '../testing/stage.ts'
import { freshStore } from '../testing/stores.ts'

interface Vector {
  comment: string
  realm: Omit<TokenOptions, 'name'>
  digest: string
}

const { policies, later } = JSON.parse(
  readFileSync(new URL('../../../../tests/vectors/policy-1.json', import.meta.url), 'utf8'),
) as { policies: Vector[]; later: Vector[] }
/** For an algorithm that every vector accepts. */
const jwks = {
  keys: [{ ...(await exportJWK((await generateKeyPair('ES256')).publicKey)), kid: 'one', alg: 'ES256' } as JWK],
}
const ACME: TokenOptions = { name: 'acme', issuer: 'https://issuer.test/realms/acme', audience: 'api' }

function atGate(realm: TokenOptions, publicKey: object): RealmOptions {
  return { ...realm, feed: { url: 'https://origin.test/feed/acme', keys: [publicKey as never] } }
}

test('gate and origin show the digest of the vectors', async () => {
  const { signingKey, publicKey } = await generateFeedKey()
  for (const { comment, realm, digest } of [...policies, ...later]) {
    const options = { name: 'acme', ...realm }
    const gate = createGate({ realms: [atGate(options, publicKey)] })
    const origin = await createOrigin({
      store: freshStore(),
      signingKey,
      realms: [{ ...options, jwks }],
      onReport: () => undefined,
    })
    try {
      assert.equal(policyDigest(options), digest, comment)
      assert.equal(gate.status()[0]?.policy, digest, comment)
      assert.equal(origin.status()[0]?.policy, digest, comment)
    } finally {
      gate.close()
      await origin.close()
    }
  }
})

test('names exactly the options that differ', () => {
  const cases: [Partial<TokenOptions>, Partial<TokenOptions>, string[]][] = [
    [{}, {}, []],
    [{ claimNames: { subject: 'uid' } }, {}, ['claimNames.subject']],
    [{}, { claimNames: { session: 'session', scope: 'scp' } }, ['claimNames.session']],
    [{ compare: 'authTime' }, { profile: 'keycloak' }, ['compare', 'profile']],
    [{ grantClaim: 'app' }, {}, ['grantClaim']],
    [{ numericIds: 'accept' }, {}, ['numericIds']],
    [{ numericIds: 'accept' }, { grantClaim: 'app' }, ['grantClaim', 'numericIds']],
    [{ numericIds: 'refuse' }, {}, []],
    [{ issuerClaim: 'realm' }, { issuer: `${ACME.issuer}/` }, ['issuer', 'issuerClaim']],
    [{ profile: 'generic', claimNames: { tokenId: 'jti', subject: undefined as never } }, { claimNames: {} }, []],
    [
      {
        audience: 'none',
        algorithms: ['ES256'],
        requiredClaims: ['exp', 'iat'],
        subjectless: 'accept',
        impersonation: 'refuse',
        name: 'edge',
      },
      {},
      [],
    ],
  ]
  for (const [gate, origin, differences] of cases) {
    assert.deepEqual(policyDifferences({ ...ACME, ...gate }, { ...ACME, ...origin }), differences)
    assert.equal(policyDigest({ ...ACME, ...gate }) === policyDigest({ ...ACME, ...origin }), differences.length === 0)
  }
  // The realms as each side receives them.
  const gateRealm = { ...atGate(ACME, {}), feed: { url: 'https://origin.test', keys: [] } }
  assert.deepEqual(policyDifferences(gateRealm, { ...ACME, jwks, adminRole: 'x' } as TokenOptions), [])
  for (const wrong of [
    undefined,
    [],
    { ...ACME, issuer: '' },
    { ...ACME, compare: 'iat' },
    { ...ACME, issuerClaim: 'sub' },
  ]) {
    assert.throws(() => policyDifferences(ACME, wrong as never), { code: 'invalid_option', message: /originRealm/ })
  }
})

test('a gate that reads the user from another claim misses logouts, and its status shows why', async () => {
  const stage = await openStage()
  const realm = { ...stage.issuer.realm, jwks: { keys: [stage.issuer.jwk] } }
  const feed = { url: `${stage.server.url}/feed/acme`, keys: [stage.publicKey] }
  const gates = [{}, { claimNames: { subject: 'uid' }, acceptDifferingPolicy: true }].map((more) =>
    createGate({ realms: [{ ...realm, ...more, feed }], onReport: () => undefined }),
  )
  try {
    const token = await stage.issuer.token({ sub: 'alice', uid: 'a1', iat: Math.floor(Date.now() / 1000) - 10 })
    await stage.origin.logoutUser('acme', 'alice')
    const verdicts = []
    for (const gate of gates) {
      await gate.refresh()
      verdicts.push((await gate.check(token)).ok)
    }
    assert.deepEqual(verdicts, [false, true])
    const [policy] = stage.origin.status().map((status) => status.policy)
    assert.deepEqual(
      gates.map((gate) => gate.status()[0]?.policy === policy),
      [true, false],
    )
  } finally {
    for (const gate of gates) gate.close()
    await stage.close()
  }
})

test('options that contradict each other are refused by gate and origin', async () => {
  const { signingKey, publicKey } = await generateFeedKey()
  const cases: [Partial<TokenOptions>, RegExp][] = [
    // Two options use one claim.
    [
      { claimNames: { session: 'sub' } },
      /realms\[0\]\.claimNames\.session names the same claim as claimNames\.subject/,
    ],
    [{ claimNames: { tokenId: 'sid' } }, /claimNames\.session names the same claim as claimNames\.tokenId/],
    [{ claimNames: { subject: 'uid', tokenId: 'uid' } }, /claimNames\.tokenId names the same claim/],
    [{ claimNames: { tokenVersion: 'v', lastLogoutTime: 'v' } }, /claimNames\.lastLogoutTime names the same claim/],
    [{ grantClaim: 'sid' }, /grantClaim names the same claim as claimNames\.session/],
    [{ issuerClaim: 'sub' }, /claimNames\.subject names the same claim as issuerClaim/],
    [{ claimNames: { subject: 'iss' } }, /claimNames\.subject names the same claim as issuerClaim/],
    // The claim already has another meaning.
    [{ claimNames: { tokenVersion: 'iat' } }, /claimNames\.tokenVersion cannot be 'iat'/],
    [{ claimNames: { subject: 'aud' } }, /claimNames\.subject cannot be 'aud'/],
    [{ claimNames: { session: 'auth_time' } }, /claimNames\.session cannot be 'auth_time'/],
    [{ issuerClaim: 'exp' }, /issuerClaim cannot be 'exp'/],
    [{ grantClaim: 'aud' }, /grantClaim cannot be 'aud'/],
    // A profile that requires a subject.
    [{ profile: 'rfc9068', subjectless: 'accept' }, /subjectless cannot be 'accept' with profile 'rfc9068'/],
  ]
  for (const [options, message] of cases) {
    const realm = { ...ACME, jwks, ...options }
    assert.throws(() => createGate({ realms: [atGate(realm, publicKey)] }), { code: 'invalid_option', message })
    await assert.rejects(createOrigin({ store: freshStore(), signingKey, realms: [realm] }), {
      code: 'invalid_option',
      message,
    })
  }
  const good: Partial<TokenOptions>[] = [
    { claimNames: { subject: 'client_id' } },
    { claimNames: { subject: 'azp' } },
    { claimNames: { tokenUse: 'typ' } },
    { claimNames: { lastLogoutTime: 'auth_time' } },
    { issuerClaim: 'realm', claimNames: { scope: 'scp' } },
    { claimNames: { subject: 'jti', tokenId: 'sub' } },
    { profile: 'keycloak', subjectless: 'accept' },
  ]
  for (const options of good) {
    const realm = { ...ACME, jwks, ...options }
    createGate({ realms: [atGate(realm, publicKey)] }).close()
    await (await createOrigin({ store: freshStore(), signingKey, realms: [realm] })).close()
  }
})
