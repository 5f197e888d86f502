import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createGate, type Gate } from '../../entry/edge/node.ts'
import { createOrigin, type JWK, type Origin } from '../../entry/origin/node.ts'
import { publicSet } from './key-publisher.ts'
import { failing } from '../testing/failing.ts'
import { createTestIssuer, ISSUER, openStage, type Stage, until } from '../testing/stage.ts'

/** Opens a gate that has only the keys of the feed. */
function openGate(stage: Stage): Gate {
  return createGate({
    realms: [
      {
        name: 'acme',
        issuer: ISSUER,
        audience: 'api',
        feed: { url: `${stage.server.url}/feed/acme`, keys: [stage.publicKey] },
      },
    ],
    refreshAfterSeconds: 0,
    waitAfterSeconds: 0,
    onReport: () => undefined,
  })
}

async function published(stage: Stage): Promise<number> {
  return (await stage.origin.audit.list({ realm: 'acme', action: 'keys_published', limit: 100 })).length
}

const OCT = { kty: 'oct', kid: 'shared', alg: 'HS256', k: 'c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3I' }

describe('the public set', () => {
  test('has no secret, and only what gates need', () => {
    const rsa = {
      kty: 'RSA',
      kid: 'r',
      n: 'AQAB',
      e: 'AQAB',
      d: 'private',
      p: 'private',
      qi: 'private',
      x5c: ['chain'],
    }
    const set = publicSet({
      keys: [OCT, rsa, { kty: 'OKP', crv: 'Ed25519', x: 'x', d: 'private' }, { kty: 'EC', use: 'enc', crv: 'P-256' }],
    })
    assert.deepEqual(JSON.parse(set ?? ''), {
      keys: [
        { kty: 'OKP', crv: 'Ed25519', x: 'x' },
        { kty: 'RSA', kid: 'r', n: 'AQAB', e: 'AQAB' },
      ],
    })
  })

  test('is the same for every representation', () => {
    const [a, b]: [JWK, JWK] = [
      { kty: 'EC', crv: 'P-256', x: 'x', y: 'y', kid: 'a' },
      { kid: 'b', x: 'x', crv: 'Ed25519', kty: 'OKP' },
    ]
    assert.equal(
      publicSet({ keys: [a, b] }),
      publicSet({ keys: [b, { kid: 'a', y: 'y', x: 'x', crv: 'P-256', kty: 'EC' }, a] }),
    )
  })

  test('is missing if all keys are secrets', () => {
    assert.equal(publicSet({ keys: [OCT] }), undefined)
    assert.equal(publicSet({ keys: [] }), undefined)
  })
})

test('a gate without its own keys uses the feed, and a removed key leaves with it', async () => {
  const [first, second] = [await createTestIssuer(), await createTestIssuer()]
  let keys = [first.jwk, second.jwk]
  const stage = await openStage({ realms: [{ ...first.realm, jwks: () => ({ keys }) }] })
  const gate = openGate(stage)
  try {
    const [one, two] = [await first.token(), await second.token()]
    assert.equal((await gate.check(one)).ok, true)
    assert.equal((await gate.check(two)).ok, true)
    keys = [second.jwk]
    const { sequence } = await stage.origin.publishKeys('acme')
    await gate.refresh()
    assert.equal(gate.status()[0]?.sequence, sequence)
    assert.deepEqual(await gate.check(one), { ok: false, reason: 'unknown_key', status: 401 })
    assert.equal((await gate.check(two)).ok, true)
  } finally {
    gate.close()
    await stage.close()
  }
})

test('fetches keys when they are due, even without requests', async () => {
  const [first, second] = [await createTestIssuer(), await createTestIssuer()]
  const served = { keys: [first.jwk] }
  const stage = await openStage({
    realms: [{ ...first.realm, jwks: 'https://issuer.test/certs' }],
    jwksMaxAgeSeconds: 1,
    fetch: async () => Response.json(served),
  })
  try {
    await until(() => stage.sequence() === 2, 'the first set is published')
    served.keys = [second.jwk]
    await until(() => stage.sequence() === 3, 'the second set is published')
    assert.equal(await published(stage), 2)
  } finally {
    await stage.close()
  }
})

test('equal sets cause no event, also across restarts', async () => {
  const stage = await openStage()
  const { signingKey, issuer } = stage
  const sequence = stage.sequence()
  for (let turn = 0; turn < 3; turn += 1) {
    assert.equal((await stage.origin.publishKeys('acme')).sequence, sequence)
  }
  await stage.origin.close()
  const again = await createOrigin({ store: stage.reopenStore(), signingKey, realms: [issuer.realm] })
  try {
    assert.equal(again.status()[0]?.sequence, sequence)
    assert.equal((await again.audit.list({ realm: 'acme', action: 'keys_published', limit: 100 })).length, 1)
  } finally {
    await again.close()
    await stage.close()
  }
})

test('a feed configured without keys has none, even if it had some before', async () => {
  const stage = await openStage()
  const { signingKey, publicKey, issuer } = stage
  const sequence = stage.sequence()
  await stage.origin.close()
  let again: Origin | undefined
  const gate = createGate({
    realms: [
      {
        name: 'acme',
        issuer: ISSUER,
        audience: 'api',
        feed: { url: 'https://origin.test/feed/acme', keys: [publicKey] },
      },
    ],
    fetch: (input, init) => again?.fetch(new Request(input, init)) ?? Promise.reject(new Error('not yet')),
    onReport: () => undefined,
  })
  try {
    again = await createOrigin({
      store: stage.reopenStore(),
      signingKey,
      realms: [{ ...issuer.realm, keysInFeed: 'omit' }],
    })
    assert.equal(again.status()[0]?.sequence, sequence + 1)
    assert.deepEqual(await gate.check(await issuer.token()), { ok: false, reason: 'keys_unavailable', status: 503 })
  } finally {
    gate.close()
    await again?.close()
    await stage.close()
  }
})

test('a realm whose keys are all secret publishes none', async () => {
  const stage = await openStage({ realms: [{ name: 'acme', issuer: ISSUER, audience: 'api', jwks: { keys: [OCT] } }] })
  try {
    const sequence = stage.sequence()
    await stage.origin.publishKeys('acme')
    assert.equal(stage.sequence(), sequence)
    assert.deepEqual(stage.reports, [])
  } finally {
    await stage.close()
  }
})

test('keys that are not available are reported, and the set in the feed stays', async () => {
  const issuer = await createTestIssuer()
  let fail = false
  const jwks = (): { keys: JWK[] } => {
    if (fail) throw new Error('failing on purpose')
    return { keys: [issuer.jwk] }
  }
  const stage = await openStage({ realms: [{ ...issuer.realm, jwks }] })
  const gate = openGate(stage)
  try {
    fail = true
    await assert.rejects(stage.origin.publishKeys('acme'))
    assert.deepEqual(
      stage.reports.map(({ kind, realm }) => [kind, realm]),
      [['jwks', 'acme']],
    )
    assert.equal((await gate.check(await issuer.token())).ok, true)
  } finally {
    gate.close()
    await stage.close()
  }
})

test('starts even if the store fails at first; the keys follow', async () => {
  const store = failing()
  store.fail(true)
  const stage = await openStage({ store: store.store })
  try {
    assert.equal(stage.sequence(), 0)
    store.fail(false)
    await until(() => stage.sequence() === 1, 'the keys are published')
  } finally {
    await stage.close()
  }
})

test('refuses one of two simultaneous bans of the last two keys', async () => {
  const [first, second] = [await createTestIssuer(), await createTestIssuer()]
  const stage = await openStage({ realms: [{ ...first.realm, jwks: { keys: [first.jwk, second.jwk] } }] })
  try {
    const bans = await Promise.allSettled(
      [first, second].map(({ jwk }) => stage.origin.banKey('acme', String(jwk.kid))),
    )
    assert.deepEqual(bans.map(({ status }) => status).sort(), ['fulfilled', 'rejected'])
    const refused = bans.find((ban) => ban.status === 'rejected')
    assert.equal((refused?.reason as { detail?: string } | undefined)?.detail, 'last_key')
  } finally {
    await stage.close()
  }
})
