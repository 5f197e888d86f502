import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createOrigin, generateFeedKey, type Origin, type OriginOptions } from '../entry/origin/node.ts'
import type { RevocationStore, StoredRow } from './store/store.ts'
import { failing } from './testing/failing.ts'
import { createTestIssuer, ISSUER, openStage } from './testing/stage.ts'
import { freshStore } from './testing/stores.ts'

const now = (): number => Math.floor(Date.now() / 1000)

function ask(
  origin: Origin,
  subject: { subject?: string; session?: string; tokenVersion?: number; issuedAt?: number },
): string | undefined {
  return origin.refuses('acme', { issuedAt: now(), expiresAt: now() + 300, ...subject })
}

describe('options', () => {
  const good = async (): Promise<OriginOptions> => ({
    store: freshStore(),
    signingKey: (await generateFeedKey()).signingKey,
    realms: [(await createTestIssuer()).realm],
  })

  test('have defaults', async () => {
    await (await createOrigin(await good())).close()
  })

  test('accept public and confidential clients', async () => {
    const clients = [{ id: 'demo' }, { id: 'backend', secret: 'backend-secret' }]
    await (await createOrigin({ ...(await good()), clients })).close()
  })

  test('that are unknown, missing or invalid are named in the error', async () => {
    const options = await good()
    const { publicKey } = await generateFeedKey()
    const [realm] = options.realms
    const bad: [RegExp, object][] = [
      [/unknown option 'heartBeatSeconds'.*heartbeatSeconds/, { heartBeatSeconds: 1 }],
      [/store is missing/, { store: undefined }],
      [/store must be a revocation store/, { store: {} }],
      [/signingKey must be a private Ed25519 key/, { signingKey: publicKey }],
      [/realms must be/, { realms: [] }],
      [/realms\[0\].*unknown option 'aud'/, { realms: [{ ...realm, aud: 'api' }] }],
      [/realms\[1\].name is the same/, { realms: [realm, { ...realm, issuer: 'https://other.test' }] }],
      [/realms\[0\].jwks/, { realms: [{ ...realm, jwks: undefined }] }],
      [/realms\[0\].name must be/, { realms: [{ ...realm, name: 'a/b' }] }],
      [/edges\[1\].name is the same/, { edges: [{ name: 'a' }, { name: 'a' }] }],
      [/clients\[1\].id is the same/, { clients: [{ id: 'a' }, { id: 'a', secret: 's' }] }],
      [/clients\[0\].id is missing/, { clients: [{ secret: 's' }] }],
      [/clients\[0\].*unknown option 'clientId'/, { clients: [{ clientId: 'a' }] }],
      [/edges\[0\].pushUrl must be/, { edges: [{ name: 'a', pushUrl: 'file:///etc' }] }],
      [/errorRate must be/, { errorRate: 1 }],
      [/heartbeatSeconds must be/, { heartbeatSeconds: 0.5 }],
      [/heartbeatSeconds must be/, { heartbeatSeconds: 6 }],
      [
        /options\.realms\[0\]\.jwks must be an https: URL because issuer\.test is not this machine/,
        { realms: [{ ...realm, jwks: 'http://issuer.test/certs' }] },
      ],
    ]
    for (const [message, change] of bad) {
      await assert.rejects(createOrigin({ ...options, ...change }), { code: 'invalid_option', message })
    }
    const set = { realms: [{ ...realm, jwks: { keys: [] } }] } as Partial<OriginOptions>
    await assert.rejects(createOrigin({ ...options, ...set }), { code: 'invalid_jwks' })
    // None of these calls has left the store open.
    await (await createOrigin(options)).close()
  })

  test('never show a secret in a message', async () => {
    const options = await good()
    const signingKey = { ...options.signingKey, crv: 'X25519' }
    await assert.rejects(
      createOrigin({ ...options, signingKey }),
      (error: Error) => !error.message.includes(String(signingKey.d)),
    )
  })
})

describe('recording', () => {
  test('simultaneous revocations share a transaction', async () => {
    const store = failing()
    const stage = await openStage({ store: store.store })
    try {
      const tokens = await Promise.all(Array.from({ length: 64 }, () => stage.issuer.token()))
      const [before, commits] = [stage.sequence(), store.commits()]
      const recorded = await Promise.all(tokens.map((token) => stage.origin.revokeToken(token)))
      assert.equal(store.commits(), commits + 1)
      assert.equal(stage.sequence(), before + 64)
      assert.ok(recorded.every(({ realm, sequence }) => realm === 'acme' && sequence === before + 64))
    } finally {
      await stage.close()
    }
  })

  test('requests during a write share the next transaction', async () => {
    const store = failing(200)
    const stage = await openStage({ store: store.store })
    try {
      const tokens = await Promise.all(Array.from({ length: 64 }, () => stage.issuer.token()))
      const before = stage.sequence()
      const answers = await Promise.all(tokens.map((token) => stage.revoke(token)))
      assert.ok(answers.every(({ status }) => status === 200))
      assert.equal(stage.sequence(), before + 64)
      assert.ok(store.commits() <= 16, `${store.commits()} transactions for 64 requests`)
    } finally {
      await stage.close()
    }
  })

  test('a failed transaction records nothing, and the next one works', async () => {
    const store = failing()
    const stage = await openStage({ store: store.store })
    try {
      const { sequence, chain } = stage.origin.status()[0] ?? {}
      store.fail(true)
      const failed = await Promise.allSettled([
        stage.origin.endSession('acme', 's1'),
        stage.origin.logoutUser('acme', 'alice'),
        stage.origin.logoutUser('acme', 'alice'),
      ])
      assert.ok(
        failed.every(
          (each) => each.status === 'rejected' && (each.reason as { code: string }).code === 'store_unavailable',
        ),
      )
      assert.deepEqual([stage.origin.status()[0]?.sequence, stage.origin.status()[0]?.chain], [sequence, chain])
      assert.equal(ask(stage.origin, { session: 's1', subject: 'alice' }), undefined)
      store.fail(false)
      assert.equal((await stage.origin.endSession('acme', 's1')).sequence, Number(sequence) + 1)
      assert.equal(ask(stage.origin, { session: 's1' }), 'session_revoked')
      assert.equal(ask(stage.origin, { subject: 'alice' }), undefined)
    } finally {
      await stage.close()
    }
  })

  test('does not write to a store whose head has moved', async () => {
    const store = freshStore()
    const stage = await openStage({ store })
    try {
      await stage.origin.endSession('acme', 's1')
      const head = (await store.load('acme'))?.head
      assert.ok(head)
      await store.setHead('acme', { ...head, sequence: head.sequence + 1 })
      await assert.rejects(stage.origin.endSession('acme', 's2'), { code: 'store_corrupt' })
      assert.equal((await stage.get('/healthz')).status, 503)
    } finally {
      await stage.close()
    }
  })

  test('every verb is in force when it resolves', async () => {
    const stage = await openStage()
    const { origin } = stage
    try {
      await origin.endSession('acme', 's1')
      assert.equal(ask(origin, { session: 's1' }), 'session_revoked')
      await origin.logoutUser('acme', 'alice')
      assert.equal(ask(origin, { subject: 'alice' }), 'user_revoked')
      assert.equal(ask(origin, { subject: 'alice', issuedAt: now() + 10 }), undefined)
      assert.ok(origin.userNotBefore('acme', 'alice') >= now())
      assert.equal(origin.userNotBefore('acme', 'bob'), 0)
      await origin.raiseTokenVersion('acme', 'bob', 3)
      assert.equal(ask(origin, { subject: 'bob', tokenVersion: 2 }), 'version_revoked')
      assert.equal(ask(origin, { subject: 'bob', tokenVersion: 3 }), undefined)
      await origin.logoutRealm('acme')
      assert.equal(ask(origin, { subject: 'carol' }), 'realm_revoked')
    } finally {
      await stage.close()
    }
  })

  test('refuses events that cannot be recorded', async () => {
    const stage = await openStage()
    const { origin } = stage
    try {
      await assert.rejects(origin.logoutUser('other', 'alice'), { code: 'unknown_realm' })
      await assert.rejects(origin.logoutUser('acme', ''), { code: 'invalid_event' })
      await assert.rejects(origin.endSession('acme', 'x'.repeat(1_025)), { code: 'invalid_event' })
      await assert.rejects(origin.raiseTokenVersion('acme', 'bob', -1), { code: 'invalid_event' })
      await assert.rejects(origin.raiseTokenVersion('acme', 'bob', 1.5), { code: 'invalid_event' })
      assert.throws(() => origin.userNotBefore('other', 'alice'), { code: 'unknown_realm' })
    } finally {
      await stage.close()
    }
  })

  test('bans the last key only with force', async () => {
    const issuer = await createTestIssuer()
    const second = await createTestIssuer()
    const encryption = { ...(await createTestIssuer()).jwk, use: 'enc' }
    const jwks = { keys: [issuer.jwk, second.jwk, encryption] }
    const stage = await openStage({ realms: [{ ...issuer.realm, jwks: () => jwks }] })
    try {
      const { origin } = stage
      await assert.rejects(origin.banKey('acme', 'unknown'), { code: 'invalid_event', detail: 'unknown_key' })
      const token = await second.token()
      assert.equal((await origin.revokeToken(token)).realm, 'acme')
      await origin.banKey('acme', String(second.jwk.kid))
      // The banned key is still in the set, and the encryption key does not sign.
      await assert.rejects(origin.banKey('acme', String(issuer.jwk.kid)), { code: 'invalid_event', detail: 'last_key' })
      const single = await openStage()
      try {
        await assert.rejects(single.origin.banKey('acme', String(single.issuer.jwk.kid)), {
          code: 'invalid_event',
          detail: 'last_key',
        })
        await single.origin.banKey('acme', String(single.issuer.jwk.kid), { force: true })
      } finally {
        await single.close()
      }
    } finally {
      await stage.close()
    }
  })
})

describe('restart', () => {
  test('keeps head, chain and revocations', async () => {
    const stage = await openStage()
    const { origin, signingKey, issuer } = stage
    await origin.endSession('acme', 's1')
    await origin.logoutUser('acme', 'alice')
    await origin.raiseTokenVersion('acme', 'bob', 3)
    const token = await issuer.token({ sub: 'carol', sid: 's9' })
    await origin.revokeToken(token)
    const before = origin.status()
    await origin.close()
    const again = await createOrigin({ store: stage.reopenStore(), signingKey, realms: [issuer.realm] })
    try {
      assert.deepEqual(again.status(), before)
      assert.equal(ask(again, { session: 's1' }), 'session_revoked')
      assert.equal(ask(again, { subject: 'alice', issuedAt: now() - 5 }), 'user_revoked')
      assert.equal(ask(again, { subject: 'bob' }), 'version_revoked')
      assert.deepEqual(await again.revokeToken(token), {
        realm: 'acme',
        sequence: before[0]?.sequence,
        changed: false,
        ended: 'token',
      })
      assert.equal((await again.endSession('acme', 's2')).sequence, Number(before[0]?.sequence) + 1)
    } finally {
      await again.close()
      await stage.close()
    }
  })

  test('a restored backup continues in a new incarnation, with all its revocations', async () => {
    const stage = await openStage()
    const { signingKey, issuer } = stage
    await stage.origin.endSession('acme', 's1')
    await stage.origin.close()
    const reopen = (incarnation?: number): Promise<Origin> =>
      createOrigin({
        store: stage.reopenStore(),
        signingKey,
        realms: [issuer.realm],
        ...(incarnation === undefined ? {} : { incarnation }),
      })
    let again = await reopen(1)
    try {
      assert.equal(again.status()[0]?.sequence, 2 ** 40)
      assert.equal(ask(again, { session: 's1' }), 'session_revoked')
      assert.equal((await again.fetch(new Request('http://localhost/feed/acme/deltas?after=7'))).status, 410)
      assert.equal((await again.endSession('acme', 's2')).sequence, 2 ** 40 + 1)
      await again.close()
      again = await reopen()
      assert.equal(again.status()[0]?.sequence, 2 ** 40 + 1)
      for (const session of ['s1', 's2']) assert.equal(ask(again, { session }), 'session_revoked')
      await again.close()
      await assert.rejects(reopen(0), { code: 'invalid_option', message: /incarnation must be 1 or more/ })
    } finally {
      await again.close()
      await stage.close()
    }
  })

  test('a realm whose issuer has changed is refused', async () => {
    const stage = await openStage()
    const { signingKey, issuer } = stage
    await stage.origin.close()
    const realms = [{ ...issuer.realm, issuer: `${ISSUER}/` }]
    await assert.rejects(createOrigin({ store: stage.reopenStore(), signingKey, realms }), {
      code: 'invalid_option',
      message: /another issuer/,
    })
    await (await createOrigin({ store: stage.reopenStore(), signingKey, realms: [issuer.realm] })).close()
    await stage.close()
  })

  test('detects a row that was tampered with', async () => {
    const stage = await openStage()
    const { signingKey, issuer } = stage
    await stage.origin.endSession('acme', 's1')
    await stage.origin.endSession('acme', 's2')
    await stage.origin.close()
    const real = stage.reopenStore()
    const store: RevocationStore = {
      ...real,
      async load(realm) {
        const found = await real.load(realm)
        const rows: StoredRow[] = []
        for await (const row of found?.rows ?? [])
          rows.push({ ...row, payload: new Uint8Array((rows[0] ?? row).payload) })
        return found && { ...found, rows }
      },
    }
    await assert.rejects(createOrigin({ store, signingKey, realms: [issuer.realm] }), { code: 'store_corrupt' })
    await stage.close()
  })

  test('a second origin on the same file is refused', async () => {
    const stage = await openStage()
    const { signingKey, issuer } = stage
    await assert.rejects(createOrigin({ store: stage.reopenStore(), signingKey, realms: [issuer.realm] }), {
      code: 'store_locked',
    })
    await stage.close()
  })
})

test('closing answers long polls with the current state', async () => {
  const stage = await openStage()
  const waiting = stage.get(`/feed/acme/manifest?after=${stage.sequence()}&waitSeconds=25`)
  await new Promise((resolve) => setTimeout(resolve, 100))
  const start = performance.now()
  await stage.origin.close()
  assert.equal((await waiting).status, 200)
  assert.ok(performance.now() - start < 15_000)
  assert.deepEqual(stage.reports, [])
  await stage.close()
})

test('closing finishes earlier calls, then refuses new ones', async () => {
  const stage = await openStage()
  const recorded = stage.origin.endSession('acme', 's1')
  await stage.origin.close()
  assert.equal((await recorded).realm, 'acme')
  await assert.rejects(stage.origin.endSession('acme', 's2'), { code: 'closed' })
  assert.equal((await stage.get('/healthz')).status, 503)
  await stage.origin.close()
  await stage.close()
})

test('names the missing methods of a store without an audit log', async () => {
  const { auditEntries: _, ...store } = freshStore()
  const { signingKey } = await generateFeedKey()
  const { realm } = await createTestIssuer()
  await assert.rejects(createOrigin({ store: store as never, signingKey, realms: [realm] }), {
    code: 'invalid_option',
    message: /store must be .*auditEntries, pruneAudit/,
  })
})

test('a realm that a restored store does not know starts at the incarnation of the others', async () => {
  const stage = await openStage()
  const { signingKey, issuer } = stage
  await stage.origin.close()
  const lost = await createTestIssuer('lost', `${ISSUER}/lost`)
  const open = (incarnation?: number): Promise<Origin> =>
    createOrigin({
      store: stage.reopenStore(),
      signingKey,
      realms: [{ ...lost.realm, keysInFeed: 'omit' }, issuer.realm],
      ...(incarnation === undefined ? {} : { incarnation }),
    })
  const realms = [issuer.realm]
  await (await createOrigin({ store: stage.reopenStore(), signingKey, realms, incarnation: 2 })).close()
  const again = await open()
  const incarnations = again.status().map(({ realm, sequence }) => [realm, Math.floor(sequence / 2 ** 40)])
  assert.deepEqual(incarnations, [
    ['lost', 2],
    ['acme', 2],
  ])
  await again.close()
  await stage.close()
})
