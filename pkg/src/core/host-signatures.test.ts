// Host and Rust must agree on every signature: valid ones, invalid ones, and those on which libraries differ.

import assert from 'node:assert/strict'
import { createPublicKey, sign, verify } from 'node:crypto'
import { test } from 'node:test'
import '../entry/edge/node.ts'
import { hostCrypto, NodeSignatures, WebSignatures } from './host-signatures.ts'
import { corePolicy } from '../policy.ts'
import { digestOf, jwkOf, makePair, type Pair, signature } from '../test-fixtures/keypair.ts'
import type { Algorithm } from '../types.ts'
import { Core } from '../edge/core/core.ts'

const NOW = 1_800_000_000
const ISSUER = 'https://issuer.example/realms/acme'
const ALGORITHMS: Algorithm[] = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
]
const nodeCrypto = { createPublicKey, verify }

/** The orders of the curves (SEC 2) and of Ed25519's subgroup (RFC 8032 §5.1). */
const ORDERS: Record<string, bigint> = {
  ES256: 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n,
  ES384: 0xffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973n,
  ES512:
    0x01fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409n,
  EdDSA: 2n ** 252n + 27742317777372353535851937790883648493n,
}

function inputOf(algorithm: Algorithm, claims: object = {}): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const all = { iss: ISSUER, aud: 'api', sub: 'alice', jti: 'token', iat: NOW - 10, exp: NOW + 300, ...claims }
  return `${part({ alg: algorithm, kid: 'key', typ: 'JWT' })}.${part(all)}`
}

function coreOf(pair: Pair): Core {
  const core = new Core({
    maxTokenBytes: 16_384,
    leewaySeconds: 5,
    skewSeconds: 5,
    maxLifetimeSeconds: 86_400,
    maxSessionSeconds: undefined,
    maxStaleSeconds: 60,
    whenStale: 'refuse',
    maxAcceptStaleSeconds: 3600,
    verifiedTokenCacheEntries: 0,
    verifiedTokenCacheBytes: 0,
    hostAlgorithms: ALGORITHMS,
    realms: [
      {
        ...corePolicy({ name: 'acme', issuer: ISSUER, audience: 'api' }),
        keysFrom: 'caller',
        acceptDifferingPolicy: false,
        feedKeys: [jwkOf(makePair('Ed25519'))],
      },
    ],
  })
  const jwks = { keys: [{ ...jwkOf(pair), kid: 'key', alg: pair.algorithm }] }
  core.setKeys(0, new TextEncoder().encode(JSON.stringify(jwks)), Number.MAX_SAFE_INTEGER, 'configuration')
  return core
}

/** Returns each one's verdict on a signature; `no_feed` follows a valid one here. */
async function verdicts(core: Core, token: string): Promise<Record<string, string | undefined>> {
  const node = new NodeSignatures(nodeCrypto)
  const web = new WebSignatures(globalThis.crypto.subtle)
  const all: Record<string, string | undefined> = { rust: core.begin(token, NOW, false)?.reason }
  for (const [name, host] of [
    ['node', node],
    ['web', web],
  ] as const) {
    const found = core.begin(token, NOW, true)
    const { signatureRequest: request } = core
    const outcome = found === undefined ? await host.verify(core, request) : false
    assert.notEqual(outcome, undefined, name)
    all[name] = (found ?? core.finish(request, outcome, NOW))?.reason
  }
  return all
}

async function assertAlike(core: Core, token: string, expected: string | undefined, what: string): Promise<void> {
  const all = await verdicts(core, token)
  assert.deepEqual(all, { rust: all['rust'], node: all['rust'], web: all['rust'] }, what)
  if (expected !== undefined) assert.equal(all['rust'], expected, what)
}

const spelt = (input: string, bytes: Uint8Array) => `${input}.${Buffer.from(bytes).toString('base64url')}`
const toBytes = (value: bigint, length: number) => Buffer.from(value.toString(16).padStart(length * 2, '0'), 'hex')
const toNumber = (bytes: Uint8Array) => BigInt(`0x${Buffer.from(bytes).toString('hex')}`)

for (const algorithm of ALGORITHMS) {
  test(`${algorithm}: host and Rust agree`, async () => {
    const pair = makePair(algorithm)
    const core = coreOf(pair)
    const input = inputOf(algorithm)
    const good = signature(pair, input)
    await assertAlike(core, spelt(input, good), 'no_feed', 'good')
    await assertAlike(core, spelt(inputOf(algorithm, { sub: 'bob' }), good), 'bad_signature', 'another payload')
    await assertAlike(core, spelt(input, signature(makePair(algorithm), input)), 'bad_signature', 'another key')
    for (let at = 0; at < good.length; at += 7) {
      const flipped = Buffer.from(good)
      flipped[at] = (flipped[at] ?? 0) ^ (1 << (at % 8))
      await assertAlike(core, spelt(input, flipped), 'bad_signature', `bit flipped in byte ${at}`)
    }
    const { length } = good
    const odd: [string, Uint8Array][] = [
      ['empty', Buffer.alloc(0)],
      ['one byte', Buffer.alloc(1, 1)],
      ['zeros', Buffer.alloc(length)],
      ['ones', Buffer.alloc(length, 0xff)],
      ['cut', good.subarray(0, length - 1)],
      ['cut in front', good.subarray(1)],
      ['longer', Buffer.concat([good, Buffer.alloc(1)])],
      ['longer in front', Buffer.concat([Buffer.alloc(1), good])],
      ['twice', Buffer.concat([good, good])],
      ['far too long', Buffer.alloc(4096, 7)],
    ]
    for (const [what, bytes] of odd) await assertAlike(core, spelt(input, bytes), 'bad_signature', what)
  })
}

for (const algorithm of ['ES256', 'ES384', 'ES512'] as const) {
  test(`${algorithm}: R and S at their bounds`, async () => {
    const pair = makePair(algorithm)
    const core = coreOf(pair)
    const input = inputOf(algorithm)
    const good = signature(pair, input)
    const size = good.length / 2
    const [r, s] = [toNumber(good.subarray(0, size)), toNumber(good.subarray(size))]
    const order = ORDERS[algorithm] ?? 0n
    const most = 2n ** BigInt(size * 8) - 1n
    const of = (one: bigint, other: bigint) => spelt(input, Buffer.concat([toBytes(one, size), toBytes(other, size)]))
    // JOSE has no canonical S (RFC 7518 §3.4): the other one is valid too.
    await assertAlike(core, of(r, order - s), 'no_feed', 'the twin')
    const bad: [bigint, bigint][] = [
      [0n, s],
      [r, 0n],
      [0n, 0n],
      [order, s],
      [r, order],
      [most, s],
      [r, most],
      [1n, 1n],
      [order - 1n, order - 1n],
    ]
    for (const [one, other] of bad) await assertAlike(core, of(one, other), 'bad_signature', `${one}, ${other}`)
    if (r + order <= most) await assertAlike(core, of(r + order, s), 'bad_signature', 'R + n')
    if (s + order <= most) await assertAlike(core, of(r, s + order), 'bad_signature', 'S + n')
    const der = sign(digestOf(algorithm), Buffer.from(input), pair.privateKey)
    await assertAlike(core, spelt(input, der), 'bad_signature', 'DER')
  })
}

test('Ed25519: S beyond the order, and points of small order', async () => {
  const pair = makePair('EdDSA')
  const core = coreOf(pair)
  const input = inputOf('EdDSA')
  const good = signature(pair, input)
  const s = toNumber(Buffer.from(good.subarray(32)).reverse())
  const withS = (value: bigint) => spelt(input, Buffer.concat([good.subarray(0, 32), toBytes(value, 32).reverse()]))
  // Often enough that Rust checks the later ones by the key's tables.
  for (let number = 0; number < 20; number++) await assertAlike(core, withS(s), 'no_feed', 'as it is')
  for (let times = 1n; times <= 8n; times++) {
    const value = s + times * (ORDERS['EdDSA'] ?? 0n)
    if (value < 2n ** 256n) await assertAlike(core, withS(value), 'bad_signature', `S + ${times} L`)
  }
  const small = [
    '01',
    '00',
    'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
    'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  ]
  for (const point of small) {
    const bytes = Buffer.concat([Buffer.from(point.padEnd(64, '0'), 'hex'), Buffer.alloc(32)])
    await assertAlike(core, spelt(input, bytes), 'bad_signature', point)
  }
})

test('RSA-PSS: only a salt as long as the hash', async () => {
  for (const [algorithm, size] of [
    ['PS256', 32],
    ['PS384', 48],
    ['PS512', 64],
  ] as const) {
    const pair = makePair(algorithm)
    const core = coreOf(pair)
    const input = inputOf(algorithm)
    for (const salt of [0, 1, size - 1, size, size + 1, 20, -2]) {
      const expected = salt === size ? 'no_feed' : 'bad_signature'
      await assertAlike(core, spelt(input, signature(pair, input, salt)), expected, `${algorithm}, ${salt} bytes`)
    }
  }
})

test('RSA: only the padding and hash of the algorithm', async () => {
  const pair = makePair('RS256')
  const core = coreOf(pair)
  const input = inputOf('RS256')
  for (const other of ['RS384', 'RS512', 'PS256', 'PS512'] as const) {
    await assertAlike(core, spelt(input, signature({ ...pair, algorithm: other }, input)), 'bad_signature', other)
  }
  const modulus = toNumber(Buffer.from(pair.publicKey.export({ format: 'jwk' }).n ?? '', 'base64url'))
  for (let attempt = 0; attempt < 8; attempt++) {
    const text = inputOf('RS256', { attempt })
    const beyond = toNumber(signature(pair, text)) + modulus
    if (beyond < 2n ** 2048n) await assertAlike(core, spelt(text, toBytes(beyond, 256)), 'bad_signature', 's + n')
    await assertAlike(core, spelt(text, toBytes(modulus, 256)), 'bad_signature', 's = n')
  }
})

test('RSA: moduli of odd lengths and unusual exponents', async () => {
  const sizes = [
    { modulusLength: 2056 },
    { modulusLength: 3072 },
    { modulusLength: 4096 },
    { modulusLength: 2048, publicExponent: 3 },
    { modulusLength: 2048, publicExponent: 17 },
  ]
  for (const rsa of sizes) {
    for (const algorithm of ['RS256', 'PS256'] as const) {
      const pair = makePair(algorithm, rsa)
      const core = coreOf(pair)
      const input = inputOf(algorithm)
      const what = `${algorithm} ${JSON.stringify(rsa)}`
      await assertAlike(core, spelt(input, signature(pair, input)), 'no_feed', what)
      await assertAlike(core, spelt(input, signature(pair, inputOf(algorithm, { sub: 'bob' }))), 'bad_signature', what)
    }
  }
})

test('a host that cannot verify leaves it to Rust', async () => {
  const pair = makePair('ES256')
  const core = coreOf(pair)
  const input = inputOf('ES256')
  const failing = {
    createPublicKey: () => ({}),
    verify: () => {
      throw new Error('no such curve')
    },
  }
  const keyless = {
    createPublicKey: () => {
      throw new Error('no such key')
    },
    verify: () => true,
  }
  for (const [token, reason] of [
    [spelt(input, signature(pair, input)), 'no_feed'],
    [spelt(input, Buffer.alloc(64, 1)), 'bad_signature'],
  ] as const) {
    for (const crypto of [failing, keyless]) {
      assert.equal(core.begin(token, NOW, true), undefined)
      const { signatureRequest: request } = core
      const outcome = new NodeSignatures(crypto).verify(core, request)
      assert.equal(outcome, undefined)
      assert.equal(core.finish(request, outcome, NOW)?.reason, reason)
      assert.equal(core.finish(request, true, NOW), undefined, 'a handle is good once')
    }
    const rejecting = {
      importKey: () => Promise.resolve({}),
      verify: () => Promise.reject(new Error('no')),
    } as unknown as SubtleCrypto
    assert.equal(core.begin(token, NOW, true), undefined)
    const { signatureRequest: request } = core
    const outcome = await new WebSignatures(rejecting).verify(core, request)
    assert.equal(core.finish(request, outcome, NOW)?.reason, reason)
  }
})

test("the verified bytes are the token's, even if the next token overwrites them: read at once, or copied", async () => {
  const { subtle } = globalThis.crypto
  const late = {
    importKey: subtle.importKey.bind(subtle),
    verify: async (...asked: Parameters<SubtleCrypto['verify']>) => {
      await new Promise((resolve) => setTimeout(resolve, 5))
      return subtle.verify(...asked)
    },
  } as unknown as SubtleCrypto
  const pair = makePair('ES256')
  const core = coreOf(pair)
  const tokens = [0, 1, 2, 3].map((number) => {
    const input = inputOf('ES256', { number })
    return spelt(input, number % 2 === 0 ? signature(pair, input) : Buffer.alloc(64, number))
  })
  for (const web of [new WebSignatures(subtle, 'at_once'), new WebSignatures(late, 'later'), new WebSignatures(late)]) {
    // The first time the key is imported, the second time it is cached.
    for (let times = 0; times < 2; times++) {
      const asked = tokens.map((token) => {
        assert.equal(core.begin(token, NOW, true), undefined)
        const { signatureRequest: request } = core
        return { request, outcome: web.verify(core, request) }
      })
      core.begin('x'.repeat(2000), NOW, true)
      for (const [number, { request, outcome }] of asked.entries()) {
        assert.equal(core.finish(request, await outcome, NOW)?.reason, number % 2 === 0 ? 'no_feed' : 'bad_signature')
      }
    }
  }
})

test('the choice of node:crypto, WebCrypto or neither', () => {
  const host = { shareFlights: true }
  assert.equal(hostCrypto('fastest', { ...host, nodeCrypto }).kind, 'synchronous')
  assert.equal(hostCrypto('fastest', host).kind, 'asynchronous')
  assert.equal(hostCrypto('rust', { ...host, nodeCrypto }).kind, 'none')
  for (const given of [host, { ...host, nodeCrypto }]) {
    assert.deepEqual(hostCrypto('fastest', given).algorithms, ALGORITHMS)
    const { algorithms } = hostCrypto('fastest', { ...given, fasterEd25519: 'core' })
    assert.deepEqual(
      algorithms,
      ALGORITHMS.filter((algorithm) => algorithm !== 'EdDSA' && algorithm !== 'Ed25519'),
    )
  }
})
