// Options with which a gate or an origin could never accept what they seem to allow are refused, with the reason.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { createGate } from './entry/edge/node.ts'
import { createOrigin, generateFeedKey } from './entry/origin/node.ts'
import { memoryStore } from './origin/store/memory.ts'
import { auth0, clerk, cognito, entra, keycloak, okta } from './providers/index.ts'
import type { AnyGateOptions, JWK } from './types.ts'

const ISSUER = 'https://issuer.example'
const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
const EC: JWK = { ...(await exportJWK(publicKey)), kid: 'k' } as JWK
const OCT = { kty: 'oct', k: Buffer.alloc(32, 7).toString('base64url') } as JWK
const FEED = { url: 'https://origin.example/feed/acme', keys: [(await generateFeedKey()).publicKey] }

const gateOf = (realm: object, gate: object = {}): ReturnType<typeof createGate> =>
  createGate({
    realms: [
      { name: 'acme', issuer: ISSUER, audience: 'api', jwks: { keys: [EC] }, revocation: 'unchecked', ...realm },
    ],
    onReport: () => undefined,
    ...gate,
  } as AnyGateOptions)

const originOf = async (realm: object, origin: object = {}): Promise<void> => {
  const options = {
    store: memoryStore(),
    signingKey: (await generateFeedKey()).signingKey,
    onReport: () => undefined,
    ...origin,
  }
  const opened = await createOrigin({
    ...options,
    realms: [{ name: 'acme', issuer: ISSUER, audience: 'api', jwks: { keys: [EC] }, ...realm }],
  })
  await opened.close()
}

/** Realm options that gate and origin both refuse. */
const REALMS: [string, object, RegExp][] = [
  [
    'requiredClaims without exp',
    { requiredClaims: ['iat', 'sub'] },
    /requiredClaims leaves out exp, .*a revocation is kept until the tokens that it refuses have expired; add it/,
  ],
  [
    'requiredClaims without iat',
    { requiredClaims: ['exp', 'sub', 'jti'] },
    /requiredClaims leaves out iat, .*a logout refuses/,
  ],
  ['no required claim at all', { requiredClaims: [] }, /requiredClaims leaves out exp/],
  [
    'a required claim with which every token is refused',
    { requiredClaims: ['exp', 'iat', 'cnf'] },
    /requiredClaims has cnf, and every token with it is refused: .*RFC 7800/,
  ],
  [
    'a required actor that is refused',
    { requiredClaims: ['exp', 'iat', 'act'], impersonation: 'refuse' },
    /requiredClaims has act/,
  ],
  [
    'only HMAC, and keys at a URL',
    { algorithms: ['HS256'], jwks: 'https://issuer.example/jwks' },
    /algorithms has only HMAC ones, and the set at jwks/,
  ],
  [
    'no algorithm of an inline key',
    { algorithms: ['RS256', 'HS256'] },
    /algorithms has none that a key in .*jwks can have: the keys are for ES256/,
  ],
  [
    'asymmetric algorithms and a symmetric key',
    { algorithms: ['ES256'], jwks: { keys: [OCT] } },
    /the keys are for HS256, HS384, HS512/,
  ],
  [
    'a tenant that is a time',
    { issuer: 'https://issuer.example/{exp}', tenants: ['1'] },
    /has the claim exp in braces/,
  ],
]

for (const [name, realm, message] of REALMS) {
  test(`${name}: refused by gate and origin, with the option's path`, async () => {
    const expected = { code: 'invalid_option', message: new RegExp(`^options\\.realms\\[0\\]\\..*${message.source}`) }
    assert.throws(() => gateOf(realm), expected)
    await assert.rejects(originOf(realm), expected)
  })
}

describe('a gate also refuses', () => {
  const refused: [string, object, object, RegExp][] = [
    [
      'only HMAC, and keys from the feed',
      { algorithms: ['HS512'], jwks: undefined, revocation: undefined, feed: FEED },
      {},
      /the feed never carries a symmetric key/,
    ],
    [
      'a credential that no header can carry',
      { revocation: undefined, feed: { ...FEED, credential: 'π' } },
      {},
      /feed\.credential must be a string of Latin-1/,
    ],
    [
      'a credential that would arrive as two',
      { revocation: undefined, feed: { ...FEED, credential: 'a,b' } },
      {},
      /feed\.credential/,
    ],
    [
      'a secret that would arrive shorter',
      { revocation: undefined, feed: { ...FEED, acknowledge: { edge: 'e', secret: ' s' } } },
      {},
      /feed\.acknowledge\.secret/,
    ],
    ['no time to fetch keys', {}, { jwksTimeoutMs: 0 }, /options\.jwksTimeoutMs must be .*1 to/],
    ['tokens shorter than any', {}, { maxTokenBytes: 99 }, /options\.maxTokenBytes must be .*100 to/],
  ]
  for (const [name, realm, gate, message] of refused) {
    test(name, () => assert.throws(() => gateOf(realm, gate), { code: 'invalid_option', message }))
  }
})

describe('an origin also refuses', () => {
  const refused: [string, object, RegExp][] = [
    ['a client of no realm', { clients: [{ id: 'c', realms: [] }] }, /clients\[0\]\.realms must be a non-empty array/],
    [
      'statements that expire before the next',
      { heartbeatSeconds: 5, validForSeconds: 4 },
      /validForSeconds must be options\.heartbeatSeconds or more/,
    ],
    ['no time to push', { pushTimeoutMs: 0 }, /pushTimeoutMs must be .*1 to/],
    ['no time to fetch keys', { jwksTimeoutMs: 0 }, /jwksTimeoutMs must be .*1 to/],
    ['a feed credential that no request can show', { feedCredential: 'a,b' }, /feedCredential/],
    ['a metrics credential with a line break', { metricsCredential: 'a\nb' }, /metricsCredential/],
    ['a secret of an edge that ends with a space', { edges: [{ name: 'e', ackSecret: 's ' }] }, /ackSecret/],
  ]
  for (const [name, origin, message] of refused) {
    test(name, async () => assert.rejects(originOf({}, origin), { code: 'invalid_option', message }))
  }
  test("refuses a caller's secret that no request can contain", async () => {
    await assert.rejects(originOf({ globalTokenRevocation: { secrets: ['0123456789,abcdef'] } }), {
      code: 'invalid_option',
      message: /globalTokenRevocation\.secrets\[0\]/,
    })
  })
})

test('accepts options that can accept tokens', async () => {
  const taken: object[] = [
    { requiredClaims: ['exp', 'iat'] },
    { requiredClaims: ['jti', 'iat', 'sub', 'exp', 'tenant'] },
    { requiredClaims: ['exp', 'iat', 'uid'], compare: 'authTime', claimNames: { subject: 'uid' } },
    { requiredClaims: ['exp', 'iat', 'act'], impersonation: 'mark' },
    { requiredClaims: ['exp', 'iat', 'sub', 'jti', 'aud', 'client_id'], profile: 'rfc9068' },
    { algorithms: ['HS256', 'ES256'], jwks: 'https://issuer.example/jwks' },
    { algorithms: ['HS256'], jwks: { keys: [OCT] } },
    { algorithms: ['HS256', 'ES384', 'ES256'] },
    { algorithms: ['Ed25519'], jwks: { keys: [{ kty: 'OKP', crv: 'Ed25519', alg: 'EdDSA', x: FEED.keys[0]?.x }] } },
    { algorithms: ['RS256', 'PS256'], rsaAlgorithm: 'PS256', jwks: 'https://issuer.example/jwks' },
  ]
  for (const realm of taken) {
    gateOf(realm).close()
    await originOf({ keysInFeed: 'omit', ...realm })
  }
  await originOf({ algorithms: ['HS256'], jwks: () => ({ keys: [OCT] }) })
  gateOf({ revocation: undefined, feed: { ...FEED, credential: 'Pa55-w.o~r+d/é=' } }).close()
})

test("a provider's list accepts its tokens, and its functions follow the rule", async () => {
  for (const realm of [
    okta({ domain: 'acme.okta.com', authorizationServer: 'default', audience: 'api' }),
    entra({ tenant: '00000000-0000-0000-0000-000000000001', audience: 'api' }),
    cognito({ userPoolId: 'eu-west-1_Abc123', clientId: 'app' }),
    keycloak({ baseUrl: 'https://login.example.com', realm: 'acme', audience: 'api' }),
    auth0({ domain: 'acme.auth0.com', audience: 'api' }),
    clerk({ domain: 'clerk.example.com', authorizedParty: 'https://app.example' }),
  ] as object[]) {
    createGate({
      realms: [{ ...realm, name: 'p', revocation: 'unchecked' } as never],
      onReport: () => undefined,
    }).close()
  }
})

test('a list of required claims refuses a token without one of them, and no other', async () => {
  const now = Math.floor(Date.now() / 1000)
  const gate = gateOf({ requiredClaims: ['exp', 'iat', 'tenant'] })
  const sign = (claims: object): Promise<string> =>
    new SignJWT({ iss: ISSUER, aud: 'api', iat: now, exp: now + 300, ...claims })
      .setProtectedHeader({ alg: 'ES256', kid: 'k' })
      .sign(privateKey)
  assert.equal((await gate.check(await sign({ tenant: 't' }))).ok, true)
  assert.deepEqual(await gate.check(await sign({ sub: 'alice', jti: 'j' })), {
    ok: false,
    reason: 'missing_claim',
    status: 401,
  })
  gate.close()
})
