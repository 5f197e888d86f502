// Compares the origin's own gate with signatures verified by `node:crypto` and by Rust.

import assert from 'node:assert/strict'
import { createPublicKey, verify } from 'node:crypto'
import { test } from 'node:test'
import { type HostCrypto, NodeSignatures, NoSignatures, WebSignatures } from '../../core/host-signatures.ts'
import { corePolicy } from '../../policy.ts'
import { REASONS } from '../../reasons.ts'
import { jwkOf, makePair, type Pair, signature } from '../../test-fixtures/keypair.ts'
import type { Algorithm } from '../../types.ts'
import { GateCore } from './gate.ts'
import { GATE_LIMITS } from '../testing/gate-limits.ts'
import '../testing/load.ts'

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

function inputOf(algorithm: Algorithm, claims: object = {}, header: object = {}): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  const all = {
    iss: ISSUER,
    aud: 'api',
    sub: 'alice',
    jti: 'token',
    sid: 's',
    iat: NOW - 10,
    exp: NOW + 300,
    ...claims,
  }
  return `${part({ alg: algorithm, kid: 'key', typ: 'JWT', ...header })}.${part(all)}`
}

function gateOf(pair: Pair, crypto: HostCrypto): GateCore {
  const gate = new GateCore(
    {
      ...GATE_LIMITS,
      realms: [
        {
          ...corePolicy({ name: 'acme', issuer: ISSUER, audience: 'api' }),
          keysFrom: 'caller',
          feedKeys: [jwkOf(makePair('Ed25519'))],
        },
      ],
    },
    crypto,
  )
  const jwks = { keys: [{ ...jwkOf(pair), kid: 'key', alg: pair.algorithm }] }
  gate.setKeys(0, new TextEncoder().encode(JSON.stringify(jwks)), Number.MAX_SAFE_INTEGER, 'configuration')
  return gate
}

/**
 * Returns a gate's results for a token: its owner, or why that is unknown, and its verdict. `no_feed` means a good
 * signature here.
 */
function said(gate: GateCore, token: string): unknown[] {
  const code = gate.check(token, NOW) & 0xff
  const reason = code === 0 ? undefined : REASONS[code - 1]
  const identified = gate.identify(token, NOW)
  if ('code' in identified) assert.equal(identified.reason, reason, 'the reason of a verdict')
  // Claims that a token lacks are members without a value, or missing.
  return ['code' in identified ? identified.code : JSON.parse(JSON.stringify(identified)), reason]
}

/** Wraps `node:crypto` to count calls. */
function counting(): { crypto: HostCrypto; calls: () => number } {
  let calls = 0
  const crypto = new NodeSignatures({
    createPublicKey,
    verify(...parameters) {
      calls += 1
      return verify(...parameters)
    },
  })
  return { crypto, calls: () => calls }
}

const spelt = (input: string, bytes: Uint8Array): string => `${input}.${Buffer.from(bytes).toString('base64url')}`
const GOOD = { realm: 0, tokenId: 'token', subject: 'alice', session: 's', expiresAt: NOW + 300, issuedAt: NOW - 10 }

for (const algorithm of ALGORITHMS) {
  test(`${algorithm}: host and Rust agree`, () => {
    const pair = makePair(algorithm)
    const { crypto, calls } = counting()
    const [byHost, byRust] = [gateOf(pair, crypto), gateOf(pair, new NoSignatures())]
    const expect = (token: string, expected: unknown[], what: string): void => {
      assert.deepEqual(said(byHost, token), expected, what)
      assert.deepEqual(said(byRust, token), expected, what)
    }
    const bad = ['invalid_token', 'bad_signature']
    const input = inputOf(algorithm)
    const good = signature(pair, input)
    expect(spelt(input, good), [GOOD, 'no_feed'], 'good')
    assert.equal(calls(), 2)
    expect(spelt(inputOf(algorithm, { sub: 'bob' }), good), bad, 'another payload')
    expect(spelt(input, signature(makePair(algorithm), input)), bad, 'another key')
    for (let at = 0; at < good.length; at += 13) {
      const flipped = Buffer.from(good)
      flipped[at] = (flipped[at] ?? 0) ^ (1 << (at % 8))
      expect(spelt(input, flipped), bad, `bit flipped in byte ${at}`)
    }
    const { length } = good
    for (const bytes of [
      Buffer.alloc(0),
      Buffer.alloc(length),
      Buffer.alloc(length, 0xff),
      good.subarray(1),
      Buffer.concat([good, good]),
    ]) {
      expect(spelt(input, bytes), bad, `${bytes.length} bytes`)
    }
    // An expired one is identified too; a token that is not an access token only with a good signature.
    const old = inputOf(algorithm, { iat: NOW - 900, exp: NOW - 600 })
    expect(spelt(old, signature(pair, old)), [{ ...GOOD, issuedAt: NOW - 900, expiresAt: NOW - 600 }, 'expired'], 'old')
    const refresh = inputOf(algorithm, { token_use: 'refresh' })
    expect(spelt(refresh, signature(pair, refresh)), ['unexpected_token_use', 'wrong_type'], 'a refresh token')
    expect(spelt(refresh, good), bad, 'a forged refresh token')
    for (const gate of [byHost, byRust]) gate.free()
  })
}

test('a host that cannot decide leaves it to Rust', () => {
  const pair = makePair('ES256')
  const input = inputOf('ES256')
  const failing = new NodeSignatures({
    createPublicKey,
    verify: () => {
      throw new Error('no such curve')
    },
  })
  const keyless = new NodeSignatures({
    createPublicKey: () => {
      throw new Error('no such key')
    },
    verify: () => true,
  })
  for (const crypto of [failing, keyless, new WebSignatures(globalThis.crypto.subtle)]) {
    const gate = gateOf(pair, crypto)
    assert.deepEqual(said(gate, spelt(input, signature(pair, input))), [GOOD, 'no_feed'])
    assert.deepEqual(said(gate, spelt(input, Buffer.alloc(64, 1))), ['invalid_token', 'bad_signature'])
    gate.free()
  }
})

test('an unidentified token still yields its realm', () => {
  const pair = makePair('EdDSA')
  const gate = gateOf(pair, new NoSignatures())
  const bad = spelt(inputOf('EdDSA'), Buffer.alloc(64, 1))
  assert.deepEqual(gate.identify(bad, NOW), { code: 'invalid_token', reason: 'bad_signature', realm: 0 })
  assert.equal(gate.realmOf(bad), 0)
  const unknown = spelt(inputOf('EdDSA', {}, { kid: 'other' }), Buffer.alloc(64, 1))
  assert.deepEqual(gate.identify(unknown, NOW), { code: 'invalid_token', reason: 'unknown_key', realm: 0 })
  const elsewhere = spelt(inputOf('EdDSA', { iss: 'https://other.example' }), Buffer.alloc(64, 1))
  assert.deepEqual(gate.identify(elsewhere, NOW), { code: 'invalid_token', reason: 'wrong_issuer' })
  assert.equal(gate.realmOf(elsewhere), undefined)
  assert.equal(gate.realmOf('garbage'), undefined)
  gate.free()
})

test('strings that are not tokens, or too long, get the same result too', () => {
  const pair = makePair('EdDSA')
  const gate = gateOf(pair, new NodeSignatures({ createPublicKey, verify }))
  for (const token of ['garbage', 'a.b.c', 'x'.repeat(16_385), `${inputOf('EdDSA')}.\ud800`, 'é'.repeat(16_384)]) {
    assert.deepEqual(said(gate, token), ['invalid_token', 'malformed'])
  }
  assert.deepEqual(said(gate, ''), ['invalid_token', 'missing_token'])
  // The memory may have grown meanwhile through another gate's state and many tokens.
  const others = Array.from({ length: 64 }, () => gateOf(pair, new NoSignatures()))
  const long = inputOf('EdDSA', { pad: 'x'.repeat(9_000) })
  assert.deepEqual(said(gate, spelt(long, signature(pair, long))), [GOOD, 'no_feed'])
  for (const each of [gate, ...others]) each.free()
})
