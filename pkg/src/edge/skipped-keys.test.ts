// Keys of a set that are not used: reported once for each list, regardless of the set's source, and listed in the
// status.

import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { test } from 'node:test'
import { exportJWK, generateKeyPair } from 'jose'
import { createGate } from '../entry/edge/node.ts'
import { mergeKeySets } from '../jwks/merge-key-sets.ts'
import { json } from '../test-fixtures/server.ts'
import type { JWK } from '../types.ts'
import { clock, makeKey, TestRealm } from './testing/realm.ts'

const ENCRYPTION: JWK = { ...rsa(2048), kid: 'enc', alg: 'RSA-OAEP', use: 'enc' }
const SHORT: JWK = { ...rsa(1024), kid: 'short', alg: 'RS256' }

function rsa(modulusLength: number): JWK {
  return generateKeyPairSync('rsa', { modulusLength }).publicKey.export({ format: 'jwk' }) as JWK
}

/** The reports about skipped keys. */
function skipped(realm: TestRealm): [string, string | undefined][] {
  return realm.reports.flatMap(({ kind, error }) =>
    kind === 'jwks' && error.code === 'keys_skipped' ? [[error.message, error.detail]] : [],
  )
}

test('of a fetched set: once for each list', async (t) => {
  const realm = await TestRealm.start(t)
  const { now } = Date
  let aheadMs = 0
  t.mock.method(Date, 'now', () => now() + aheadMs)
  const gate = createGate(realm.options({ jwksMaxAgeSeconds: 60 }, { jwks: `${realm.server.url}/certs` }))
  t.after(() => gate.close())
  const good = realm.jwks.keys
  const listed: unknown[] = []
  for (const keys of [
    [ENCRYPTION, ...good],
    [ENCRYPTION, ...good],
    [ENCRYPTION, ...good, SHORT],
    good,
    [...good, SHORT],
  ]) {
    realm.instead.set('certs', json({ keys }))
    assert.equal((await gate.check(await realm.token({ iat: clock() - 10 }))).ok, true)
    listed.push(gate.status()[0]?.skippedKeys)
    aheadMs += 66_000
  }
  const encryption = { index: 0, kid: 'enc', reason: 'not_for_verification' }
  assert.deepEqual(listed, [
    [encryption],
    [encryption],
    [encryption, { index: 2, kid: 'short', reason: 'too_short' }],
    [],
    [{ index: 1, kid: 'short', reason: 'too_short' }],
  ])
  assert.deepEqual(
    skipped(realm).map(([, detail]) => detail),
    ['not_for_verification', 'several', 'too_short'],
  )
  assert.match(
    skipped(realm)[1]?.[0] ?? '',
    /keys\[0\] \(kid "enc"\): not_for_verification, keys\[2\] \(kid "short"\): too_short/,
  )
})

test('of a set in the options: at the first use', async (t) => {
  const realm = await TestRealm.start(t)
  const gate = createGate(realm.options({}, { jwks: { keys: [...realm.jwks.keys, SHORT] } }))
  t.after(() => gate.close())
  for (let times = 0; times < 3; times += 1) assert.equal((await gate.check(await realm.token())).ok, true)
  assert.deepEqual(
    skipped(realm).map(([, detail]) => detail),
    ['too_short'],
  )
})

test('of the set that the feed of an older origin carries', async (t) => {
  const realm = await TestRealm.start(t)
  const gate = createGate({
    ...realm.options(),
    realms: [{ ...realm.realmOptions(), jwks: undefined as never }].map(({ jwks: _, ...rest }) => rest),
  })
  t.after(() => gate.close())
  realm.record({ kind: 'keys', jwks: JSON.stringify({ keys: [SHORT, ...realm.jwks.keys] }) })
  assert.equal((await gate.check(await realm.token())).ok, true)
  assert.deepEqual(gate.status()[0]?.skippedKeys, [{ index: 0, reason: 'too_short' }])
  realm.record({ kind: 'keys', jwks: JSON.stringify({ keys: [SHORT] }) })
  await gate.refresh()
  const verdict = await gate.check(await realm.token())
  assert.deepEqual([verdict.ok, gate.status()[0]?.keys], [false, false])
  realm.record({ kind: 'keys', jwks: JSON.stringify({ keys: realm.jwks.keys }) })
  await gate.refresh()
  assert.deepEqual([(await gate.check(await realm.token())).ok, gate.status()[0]?.skippedKeys], [true, []])
  assert.deepEqual(
    skipped(realm).map(([, detail]) => detail),
    ['too_short'],
  )
})

test('of a set that is refused: in the message of the error', async (t) => {
  const realm = await TestRealm.start(t)
  const named = {
    code: 'invalid_jwks',
    message:
      'the JWK set has no usable key (2 skipped): keys[0] (kid "enc"): not_for_verification, keys[1] (kid "short"): too_short',
  }
  const given = createGate(realm.options({}, { jwks: { keys: [ENCRYPTION, SHORT] } }))
  await assert.rejects(given.refresh(), named)
  given.close()
  const gate = createGate(realm.options({}, { jwks: `${realm.server.url}/certs` }))
  t.after(() => gate.close())
  realm.instead.set('certs', json({ keys: [ENCRYPTION, SHORT] }))
  assert.equal((await gate.check(await realm.token())).ok, false)
  assert.ok(realm.reports.some(({ error }) => error.code === named.code && error.message === named.message))
})

test('the default listener skips keys that are for another use', async (t) => {
  const realm = await TestRealm.start(t)
  const warn = t.mock.method(console, 'warn', () => undefined)
  const lines: unknown[][] = []
  for (const key of [ENCRYPTION, SHORT]) {
    const { onReport: _, ...options } = realm.options({}, { jwks: { keys: [key, ...realm.jwks.keys] } })
    const gate = createGate(options)
    assert.equal((await gate.check(await realm.token())).ok, true)
    gate.close()
    lines.push(warn.mock.calls.map(({ arguments: [line] }) => line))
  }
  assert.deepEqual([lines[0], lines[1]?.length], [[], 1])
  assert.match(
    String(lines[1]?.[0]),
    /^portcullis: jwks of realm acme: a key of the JWK set is not used: keys\[0\] \(kid "short"\): too_short/,
  )
})

test('a response to a key lookup that lacks one of two equal keys removes nothing', async (t) => {
  const realm = await TestRealm.start(t)
  const second = await makeKey('first')
  const gate = createGate(realm.options({}, { jwks: `${realm.server.url}/certs` }))
  t.after(() => gate.close())
  realm.instead.set('certs', json({ keys: [...realm.jwks.keys, second.jwk] }))
  assert.equal((await gate.check(await realm.token())).ok, true)
  realm.instead.set('certs', json({ keys: [second.jwk] }))
  assert.equal((await gate.check(await realm.token({}, await makeKey('made-up')))).ok, false)
  for (const key of [realm.keys[0], second]) assert.equal((await gate.check(await realm.token({}, key))).ok, true)
})

test('a key is kept once, even if the keys around it change', async () => {
  const encode = (keys: unknown[]): Uint8Array => new TextEncoder().encode(JSON.stringify({ keys }))
  const {
    keys: [one = {}, other = {}],
  } = { keys: [await publicKey(), await publicKey()] }
  const keysOf = (set: Uint8Array): unknown[] => (JSON.parse(new TextDecoder().decode(set)) as { keys: unknown[] }).keys
  const stamped = { ...one, fetchedAt: 1, use: null }
  assert.deepEqual(keysOf(mergeKeySets(encode([{ ...one, fetchedAt: 2 }, null]), encode([stamped, other, 7]))), [
    { ...one, fetchedAt: 2 },
    null,
    other,
  ])
  const without = { ...other, kid: undefined }
  assert.equal(keysOf(mergeKeySets(encode([one]), encode([without]))).length, 2)
})

async function publicKey(): Promise<JWK> {
  return { ...(await exportJWK((await generateKeyPair('ES256')).publicKey)), kid: 'k' } as JWK
}
