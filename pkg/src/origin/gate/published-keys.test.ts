// An issuer's key set at the origin: what is listed, banned, published in the feed and reported.

import assert from 'node:assert/strict'
import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { test } from 'node:test'
import { calculateJwkThumbprint, type JWK as JoseJwk, SignJWT } from 'jose'
import type { JWK, JWKS } from '../../types.ts'
import { ADMINISTRATOR, createTestIssuer, ISSUER, openStage, type Stage } from '../testing/stage.ts'

interface EcKey {
  jwk: JWK
  privateKey: KeyObject
}

/** Returns a key whose `x` begins with a zero byte. */
function ecKey(kid: string): EcKey {
  for (;;) {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const jwk = { ...publicKey.export({ format: 'jwk' }), kid, alg: 'ES256', use: 'sig' } as JWK
    if (Buffer.from(jwk.x ?? '', 'base64url')[0] === 0) return { jwk, privateKey }
  }
}

function rsaKey(kid: string, members: Partial<JWK>, modulusLength = 2048): JWK {
  return {
    ...generateKeyPairSync('rsa', { modulusLength }).publicKey.export({ format: 'jwk' }),
    kid,
    ...members,
  } as JWK
}

function token({ jwk, privateKey }: EcKey, header: { kid?: string } = { kid: jwk.kid ?? '' }): Promise<string> {
  const now = Math.floor(Date.now() / 1000)
  return new SignJWT({ iss: ISSUER, aud: 'api', sub: 'alice', jti: crypto.randomUUID(), iat: now - 10, exp: now + 600 })
    .setProtectedHeader({ alg: 'ES256', ...header })
    .sign(privateKey)
}

async function staged(
  keys: readonly unknown[],
): Promise<Stage & { setKeys(keys: readonly unknown[]): Promise<void>; inFeed(): Promise<JWK[]> }> {
  const issuer = await createTestIssuer()
  let served = keys
  const jwks = () => ({ keys: [issuer.jwk, ...served] }) as JWKS
  const stage = await openStage({ realms: [{ ...issuer.realm, jwks }] })
  return Object.assign(stage, {
    issuer,
    async administer(method: string, to: string): Promise<Response> {
      return stage.get(to, { method, headers: { authorization: `Bearer ${await issuer.token(ADMINISTRATOR)}` } })
    },
    async setKeys(next: readonly unknown[]) {
      served = next
      await stage.origin.publishKeys('acme')
    },
    async inFeed() {
      const manifest = Buffer.from(await (await stage.get('/feed/acme/manifest?minor=1')).arrayBuffer()).toString(
        'latin1',
      )
      const [json = '{"keys":[]}'] = /\{"keys":\[.*?\]\}/s.exec(manifest) ?? []
      return (JSON.parse(json) as JWKS).keys
    },
  })
}

const without = (jwk: JWK, member: keyof JWK): JWK =>
  Object.fromEntries(Object.entries(jwk).filter(([name]) => name !== member)) as JWK
/** Without its leading zero byte, and with padding. */
const short = (jwk: JWK): JWK => ({
  ...jwk,
  x: `${Buffer.from(jwk.x ?? '', 'base64url')
    .subarray(1)
    .toString('base64url')}==`,
})

test('neither lists nor publishes encryption keys and unused keys, and reports them once', async () => {
  const good = ecKey('good')
  const keys = [
    rsaKey('enc', { alg: 'RSA-OAEP', use: 'enc' }),
    good.jwk,
    rsaKey('short', { alg: 'RS256' }, 1024),
    rsaKey('oaep', { alg: 'RSA-OAEP' }),
    null,
  ]
  const stage = await staged(keys)
  try {
    for (let times = 0; times < 3; times += 1) await stage.origin.publishKeys('acme')
    const listed = (await (await stage.administer('GET', '/admin/realms/acme/keys')).json()) as {
      active: object
      keys: { kid: string }[]
    }
    assert.deepEqual(
      listed.keys.map(({ kid }) => kid),
      [stage.issuer.jwk.kid, 'good'],
    )
    assert.deepEqual(listed.active, { EdDSA: stage.issuer.jwk.kid, ES256: 'good' })
    assert.deepEqual((await stage.inFeed()).map(({ kid }) => kid).sort(), [stage.issuer.jwk.kid, 'good'].sort())
    assert.equal((await stage.revoke(await token(good))).status, 200)
    const reports = stage.reports.filter(({ error }) => error?.code === 'keys_skipped')
    assert.equal(reports.length, 1)
    assert.match(
      reports[0]?.error?.message ?? '',
      /^4 keys of the JWK set are not used: keys\[1\] \(kid "enc"\): not_for_verification, keys\[3\] \(kid "short"\): too_short, keys\[4\] \(kid "oaep"\): unknown_algorithm, keys\[5\]: malformed/,
    )
    await stage.setKeys([good.jwk])
    await stage.setKeys([good.jwk, { kty: 'AKP', kid: 'pq' }])
    assert.equal(stage.reports.filter(({ error }) => error?.code === 'keys_skipped').length, 2)
  } finally {
    await stage.close()
  }
})

test('the last signing key counts as the last one even if encryption keys are left', async () => {
  const stage = await staged([rsaKey('enc', { alg: 'RSA-OAEP', use: 'enc' }), rsaKey('oaep', { alg: 'RSA-OAEP' })])
  try {
    const refused = await stage.administer('DELETE', `/admin/realms/acme/keys/${String(stage.issuer.jwk.kid)}`)
    assert.deepEqual([refused.status, ((await refused.json()) as { error: string }).error], [409, 'last_key'])
    assert.equal((await stage.administer('DELETE', '/admin/realms/acme/keys/enc')).status, 404)
  } finally {
    await stage.close()
  }
})

test('a key has one thumbprint and one canonical form in the feed, however its server writes it', async () => {
  const key = ecKey('good')
  const stage = await staged([short(key.jwk)])
  try {
    const thumbprint = await calculateJwkThumbprint(key.jwk as JoseJwk)
    const { keys } = (await (await stage.administer('GET', '/admin/realms/acme/keys')).json()) as {
      keys: { thumbprint: string }[]
    }
    assert.ok(keys.some((listed) => listed.thumbprint === thumbprint))
    assert.ok((await stage.inFeed()).some(({ x, y }) => x === key.jwk.x && y === key.jwk.y))
    const sequence = stage.sequence()
    for (const respelled of [{ ...key.jwk, x5c: ['AA'] }, { ...key.jwk, key_ops: null }, short(key.jwk)])
      await stage.setKeys([respelled])
    assert.equal(stage.sequence(), sequence, 'the same keys make no event')
    assert.equal((await stage.administer('DELETE', `/admin/realms/acme/keys/${thumbprint}`)).status, 204)
    assert.equal((await stage.revoke(await token(key))).status, 401)
  } finally {
    await stage.close()
  }
})

test('a ban identifies one of two keys with the same kid by its thumbprint', async () => {
  const [one, other] = [ecKey('same'), ecKey('same')]
  const stage = await staged([one.jwk, other.jwk])
  try {
    for (const path of ['keys/same', 'keys/same/not-before']) {
      const refused = await stage.administer(path.endsWith('same') ? 'DELETE' : 'PUT', `/admin/realms/acme/${path}`)
      assert.deepEqual([refused.status, ((await refused.json()) as { error: string }).error], [409, 'ambiguous_key'])
    }
    const thumbprint = await calculateJwkThumbprint(other.jwk as JoseJwk)
    assert.equal((await stage.administer('DELETE', `/admin/realms/acme/keys/${thumbprint}`)).status, 204)
    assert.deepEqual(
      [(await stage.revoke(await token(one))).status, (await stage.revoke(await token(other))).status],
      [200, 401],
    )
    // The same key twice counts as one key.
    const twice = ecKey('twice')
    await stage.setKeys([twice.jwk, { ...twice.jwk, alg: undefined }])
    assert.equal((await stage.administer('DELETE', '/admin/realms/acme/keys/twice')).status, 204)
  } finally {
    await stage.close()
  }
})

test('a kid of a withdrawn key identifies neither it nor its successor', async () => {
  const [stolen, successor, other] = [ecKey('same'), ecKey('same'), ecKey('other')]
  const stage = await staged([stolen.jwk, other.jwk])
  try {
    await stage.setKeys([successor.jwk, other.jwk])
    const refused = await stage.administer('DELETE', '/admin/realms/acme/keys/same')
    const { error, error_description: message = '' } = (await refused.json()) as {
      error: string
      error_description?: string
    }
    assert.deepEqual([refused.status, error], [409, 'ambiguous_key'])
    const thumbprint = await calculateJwkThumbprint(stolen.jwk as JoseJwk)
    assert.ok(message.endsWith(`; withdrawn: ${thumbprint}`), message)
    assert.equal((await stage.administer('DELETE', `/admin/realms/acme/keys/${thumbprint}`)).status, 204)
    assert.deepEqual(
      [(await stage.revoke(await token(successor))).status, (await stage.revoke(await token(stolen))).status],
      [200, 401],
    )
    // A key written in another form, and therefore withdrawn and new, is one key.
    await stage.setKeys([successor.jwk, without(other.jwk, 'alg')])
    assert.equal((await stage.administer('DELETE', '/admin/realms/acme/keys/other')).status, 204)
  } finally {
    await stage.close()
  }
})

test('a withdrawn key still identifies tokens, even if its server wrote it differently', async () => {
  const key = ecKey('good')
  const stage = await staged([short(key.jwk)])
  try {
    const signed = await token(key)
    await stage.setKeys([])
    assert.equal((await stage.revoke(signed)).status, 200)
  } finally {
    await stage.close()
  }
})

test('keys without kid revoke tokens without kid', async () => {
  const key = ecKey('unnamed')
  const stage = await staged([{ ...without(key.jwk, 'kid'), kid: 7 }])
  try {
    assert.equal((await stage.revoke(await token(key, {}))).status, 200)
    assert.notEqual((await stage.revoke(await token(key, { kid: '7' }))).status, 200)
    const listed = (await (await stage.administer('GET', '/admin/realms/acme/keys')).json()) as {
      keys: { kid?: string; algorithm: string }[]
    }
    assert.deepEqual(
      listed.keys.filter(({ algorithm }) => algorithm === 'ES256').map(({ kid }) => kid),
      [undefined],
    )
  } finally {
    await stage.close()
  }
})

test('reports a set that is too long for a feed with the fix, and keeps the previous set', async () => {
  const stage = await staged([])
  try {
    const before = (await stage.inFeed()).length
    const many = Array.from({ length: 900 }, (_, at) => ({ ...ecKey2(), kid: `${'k'.repeat(200)}${at}` }))
    await stage.setKeys(many)
    assert.equal((await stage.inFeed()).length, before)
    const report = stage.reports.find(({ error }) => error?.detail === 'too_large')
    assert.match(
      report?.error?.message ?? '',
      /take \d+ bytes, and a feed carries at most 262144: .*keysInFeed: 'omit'/,
    )
  } finally {
    await stage.close()
  }
})

const PLAIN = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' })
function ecKey2(): JWK {
  return { ...PLAIN } as JWK
}

test('refuses a set that exceeds a limit, and names the limit', async () => {
  const stage = await staged([])
  try {
    await assert.rejects(
      stage.setKeys(Array.from({ length: 1_000 }, (_, at) => ({ ...ecKey2(), kid: `k${at}` }))),
      (error: Error) => {
        assert.match(String(error.message), /realm acme: the JWK set holds 1001 keys, the limit is 1000/)
        return true
      },
    )
  } finally {
    await stage.close()
  }
})
