import assert from 'node:assert/strict'
import { test } from 'node:test'
import { calculateJwkThumbprint, CompactSign, exportJWK, generateKeyPair, type JWK as JoseJwk } from 'jose'
import type { JWK, JWKS } from '../../types.ts'
import { MessageRefused } from '../connectors/message-refused.ts'
import { issuerTokens } from './issuer-tokens.ts'

const CLAIMS = { iss: 'https://issuer.example', jti: '1' }

async function makeKey(
  alg: string,
  kid: string,
): Promise<{ jwk: JWK; sign(claims: string, header?: object): Promise<string> }> {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true })
  return {
    jwk: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' } as JWK,
    sign: (claims, header = {}) =>
      new CompactSign(new TextEncoder().encode(claims)).setProtectedHeader({ alg, kid, ...header }).sign(privateKey),
  }
}

/** Returns the issuer's keys; `behind` come with the first lookup. */
function keysOf(
  set: JWKS,
  behind?: JWKS,
): { current: JWKS; load(): Promise<void>; look(): Promise<void>; looks: number } {
  return {
    current: set,
    looks: 0,
    load: async () => undefined,
    async look() {
      this.looks += 1
      if (behind !== undefined) this.current = behind
    },
  }
}

function tokensWith(
  keys: ReturnType<typeof keysOf>,
  banned: readonly string[] = [],
  numericIds: 'refuse' | 'accept' = 'refuse',
): ReturnType<typeof issuerTokens> {
  return issuerTokens({
    keys,
    rsaAlgorithm: undefined,
    numericIds,
    maxTokenBytes: 4_096,
    bans: (thumbprint) => banned.includes(thumbprint),
  })
}

const admit = async (): Promise<void> => undefined

async function reasonOf(tokens: ReturnType<typeof issuerTokens>, token: string): Promise<string> {
  try {
    await tokens.verify(tokens.read(token), admit)
    return 'verified'
  } catch (error) {
    return (error as MessageRefused).reason
  }
}

test('tokens of every algorithm family are verified', async () => {
  for (const alg of ['RS256', 'PS384', 'ES256', 'ES512', 'EdDSA']) {
    const { jwk, sign } = await makeKey(alg, 'one')
    const tokens = tokensWith(keysOf({ keys: [jwk] }))
    const signed = await tokens.verify(tokens.read(await sign(JSON.stringify(CLAIMS))), admit)
    assert.deepEqual([signed.claims, signed.header['alg']], [CLAIMS, alg])
  }
})

test('uses a key only with its own algorithm', async () => {
  const rsa = await makeKey('RS256', 'one')
  const other = await makeKey('PS256', 'one')
  const tokens = tokensWith(keysOf({ keys: [rsa.jwk] }))
  assert.equal(await reasonOf(tokens, await other.sign('{}')), 'unsupported_algorithm')
  assert.equal(
    await reasonOf(tokens, `${btoa('{"alg":"none","kid":"one"}').replace(/=+$/, '')}.e30.AA`),
    'unsupported_algorithm',
  )
  const secret = new Uint8Array(32).fill(7)
  const hmac = await new CompactSign(new TextEncoder().encode('{}'))
    .setProtectedHeader({ alg: 'HS256', kid: 'shared' })
    .sign(secret)
  const shared = { kty: 'oct', kid: 'shared', alg: 'HS256', k: Buffer.from(secret).toString('base64url') } as JWK
  assert.equal(await reasonOf(tokensWith(keysOf({ keys: [shared, rsa.jwk] })), hmac), 'unknown_key')
})

test('a changed token, a banned key and a critical header are refused', async () => {
  const { jwk, sign } = await makeKey('ES256', 'one')
  const token = await sign(JSON.stringify(CLAIMS))
  const tokens = tokensWith(keysOf({ keys: [jwk] }))
  const [header, , signature] = token.split('.')
  assert.equal(
    await reasonOf(tokens, [header, btoa('{"iss":"evil"}').replace(/=+$/, ''), signature].join('.')),
    'bad_signature',
  )
  const banned = tokensWith(keysOf({ keys: [jwk] }), [await calculateJwkThumbprint(jwk as JoseJwk)])
  assert.equal(await reasonOf(banned, token), 'banned_key')
  const critical = [
    Buffer.from('{"alg":"ES256","kid":"one","crit":["b64"],"b64":true}').toString('base64url'),
    'e30',
    'AA',
  ].join('.')
  assert.equal(await reasonOf(tokens, critical), 'malformed')
})

test('tries each key with the kid and algorithm of a token, up to four', async () => {
  const same = await Promise.all(Array.from({ length: 5 }, () => makeKey('ES256', 'one')))
  const rsa = await makeKey('RS256', 'one')
  const keys = { keys: [rsa, ...same].map(({ jwk }) => jwk) }
  const found = await Promise.all(
    [...same, rsa].map(async ({ sign }) => reasonOf(tokensWith(keysOf(keys)), await sign('{}'))),
  )
  assert.deepEqual(found, ['verified', 'verified', 'verified', 'verified', 'bad_signature', 'verified'])
  const banned = await Promise.all(same.slice(1).map(({ jwk }) => calculateJwkThumbprint(jwk as JoseJwk)))
  const tokens = tokensWith(
    keysOf({ keys: [...same.slice(1), ...same.slice(0, 1)].map(({ jwk }) => jwk).slice(1) }),
    banned,
  )
  assert.equal(await reasonOf(tokens, await same[1]!.sign('{}')), 'bad_signature')
  assert.equal(
    await reasonOf(tokensWith(keysOf({ keys: [same[1]!.jwk] }), banned), await same[1]!.sign('{}')),
    'banned_key',
  )
})

test('a token without kid may be signed by any key of its algorithm', async () => {
  const [one, other] = [await makeKey('ES256', 'one'), await makeKey('ES256', 'other')]
  const keys = keysOf({ keys: [one.jwk, { ...other.jwk, kid: undefined as never }] })
  for (const kid of [undefined, null]) {
    for (const { sign } of [one, other])
      assert.equal(await reasonOf(tokensWith(keys), await sign('{}', { kid })), 'verified')
  }
  assert.equal(await reasonOf(tokensWith(keys), await one.sign('{}', { kid: 7 })), 'malformed')
  assert.equal(
    await reasonOf(tokensWith(keys), await (await makeKey('RS256', 'one')).sign('{}', { kid: undefined })),
    'unknown_key',
  )
})

test('an unknown key waits for one lookup', async () => {
  const [old, fresh] = [await makeKey('ES256', 'old'), await makeKey('ES256', 'fresh')]
  const keys = keysOf({ keys: [old.jwk] }, { keys: [old.jwk, fresh.jwk] })
  assert.equal(await reasonOf(tokensWith(keys), await fresh.sign('{}')), 'verified')
  const unknown = keysOf({ keys: [old.jwk] })
  assert.equal(await reasonOf(tokensWith(unknown), await fresh.sign('{}')), 'unknown_key')
  assert.equal(unknown.looks, 1)
  assert.equal(await reasonOf(tokensWith(keysOf({ keys: [] })), await fresh.sign('{}')), 'keys_unavailable')
})

test('the form is strict', async () => {
  const { jwk, sign } = await makeKey('ES256', 'one')
  const tokens = tokensWith(keysOf({ keys: [jwk] }))
  const token = await sign('{"iss":"a","iss":"b"}')
  const malformed = [
    '',
    'a.b',
    'a.b.c',
    `${token}.`,
    `${token} `,
    `${token}=`,
    token,
    await sign('[]'),
    await sign('"text"'),
    await sign(`"${'x'.repeat(5_000)}"`),
  ]
  for (const text of malformed) assert.equal(await reasonOf(tokens, text), 'malformed', text.slice(0, 40))
})

test('a member that is null counts as absent; crit and b64 are refused with any value', async () => {
  const { jwk, sign } = await makeKey('ES256', 'one')
  const tokens = tokensWith(keysOf({ keys: [jwk] }))
  const { claims, header } = tokens.read(
    await sign('{"iss":"i","sid":null,"typ":null,"nonce":null,"events":{"a":null}}', { typ: null }),
  )
  assert.deepEqual([claims, Object.hasOwn(header, 'typ')], [{ iss: 'i', events: { a: null } }, false])
  const { privateKey } = await generateKeyPair('ES256')
  for (const header of [{ crit: null }, { b64: null }, { b64: true }]) {
    const [body, signature] = (
      await new CompactSign(new TextEncoder().encode('{}'))
        .setProtectedHeader({ alg: 'ES256', kid: 'one' })
        .sign(privateKey)
    )
      .split('.')
      .slice(1)
    const first = Buffer.from(JSON.stringify({ alg: 'ES256', kid: 'one', ...header })).toString('base64url')
    assert.equal(await reasonOf(tokens, `${first}.${body}.${signature}`), 'malformed', JSON.stringify(header))
  }
})

test('with numericIds integers are names, in their one canonical form', async () => {
  const { jwk, sign } = await makeKey('ES256', 'one')
  const [refusing, accepting] = [tokensWith(keysOf({ keys: [jwk] })), tokensWith(keysOf({ keys: [jwk] }), [], 'accept')]
  const token = await sign(
    '{"sub":42,"jti":-7,"sid":0,"iat":1700000000,"s":"\\"5,6","sub_id":{"sub":9007199254740991}}',
  )
  assert.deepEqual(refusing.read(token).named, refusing.read(token).claims)
  const { claims, named } = accepting.read(token)
  assert.deepEqual(claims, {
    sub: 42,
    jti: -7,
    sid: 0,
    iat: 1_700_000_000,
    s: '"5,6',
    sub_id: { sub: 9_007_199_254_740_991 },
  })
  assert.deepEqual(named, {
    sub: '42',
    jti: '-7',
    sid: '0',
    iat: '1700000000',
    s: '"5,6',
    sub_id: { sub: '9007199254740991' },
  })
  for (const spelling of ['1.0', '1e2', '-0', '9007199254740992', '-9007199254740992', '1E2', '0.5']) {
    assert.equal(typeof accepting.read(await sign(`{"sub":${spelling}}`)).named['sub'], 'number', spelling)
  }
})

test('admits each signature before verifying it, and a refusal rejects the message', async () => {
  const own = await Promise.all(Array.from({ length: 6 }, () => makeKey('ES256', 'same')))
  const forger = await makeKey('ES256', 'same')
  const tokens = tokensWith(keysOf({ keys: own.map(({ jwk }) => jwk) }))
  for (const header of [{}, { kid: undefined }]) {
    let admitted = 0
    const forged = tokens.read(await forger.sign('{}', header))
    await assert.rejects(
      tokens.verify(forged, async () => void (admitted += 1)),
      { reason: 'bad_signature' },
    )
    assert.equal(admitted, 4)
    admitted = 0
    const tooBusy = new MessageRefused('too_busy', 'too many')
    await assert.rejects(
      tokens.verify(forged, async () => {
        if ((admitted += 1) === 2) throw tooBusy
      }),
      { reason: 'too_busy' },
    )
    assert.equal(admitted, 2)
  }
  const unknown = tokens.read(await forger.sign('{}', { kid: 'other' }))
  await assert.rejects(
    tokens.verify(unknown, async () => assert.fail('nothing is verified')),
    { reason: 'unknown_key' },
  )
})
