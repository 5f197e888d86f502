// An origin's store is restored from a backup that is older than the edges' state; they still follow the origin.

import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { createGate, type Gate } from 'portcullis/edge'
import { createOrigin, generateFeedKey, type Origin, type OriginReport } from 'portcullis/origin'
import { serve, type Server } from 'portcullis/origin/node'
import { restoreSqlite, sqliteStore, type SqliteStore } from 'portcullis/origin/sqlite'
import { freePort, pause } from '../www/demo/child.ts'

const ISSUER = 'https://issuer.example/realms/test'
const INCARNATION = 2 ** 40
const CONVERGENCE_SECONDS = 15

test('edges follow a restored backup that is older than they are', { timeout: 120_000 }, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'portcullis-restore-'))
  const [path, backup] = [join(folder, 'store.db'), join(folder, 'store.backup')]
  const { privateKey, publicKey } = await generateKeyPair('ES256')
  const jwks = { keys: [{ ...(await exportJWK(publicKey)), kid: 'k', alg: 'ES256' }] }
  const realm = { name: 'test', issuer: ISSUER, audience: 'api', jwks }
  const feedKey = await generateFeedKey()
  const port = await freePort()
  const url = `http://127.0.0.1:${port}/feed/test`
  const reports: OriginReport[] = []
  const names = ['pulls', 'streams', 'is pushed to'] as const

  const gates: Gate[] = names.map((name) =>
    createGate({
      realms: [
        {
          ...realm,
          feed: {
            url,
            keys: [feedKey.publicKey],
            ...(name === 'streams' ? { mode: 'stream' as const } : {}),
            ...(name === 'is pushed to' ? {} : { acknowledge: { edge: name, secret: `${name}: secret` } }),
          },
        },
      ],
      // During a restart, the feed is unreachable for a moment.
      onReport: () => undefined,
    }),
  )
  const pushed = gates[2]
  const start = async (): Promise<{ origin: Origin; server: Server; store: SqliteStore }> => {
    const store = sqliteStore({ path })
    const origin = await createOrigin({
      store,
      signingKey: feedKey.signingKey,
      realms: [realm],
      edges: names.map((name) =>
        name === 'is pushed to' ? { name, pushUrl: 'http://127.0.0.1/push' } : { name, ackSecret: `${name}: secret` },
      ),
      // The edge that receives pushes runs in this process.
      fetch: async (input, init) => {
        const request = new Request(input, init)
        return pushed !== undefined && new URL(request.url).pathname === '/push'
          ? pushed.receiveFeed(request)
          : fetch(request)
      },
      onReport: (report) => reports.push(report),
    })
    return { origin, store, server: await serve(origin, { port }) }
  }
  const token = (session: string): Promise<string> => {
    const now = Math.floor(Date.now() / 1000)
    return new SignJWT({
      iss: ISSUER,
      aud: 'api',
      sub: 'user',
      sid: session,
      jti: session,
      iat: now - 10,
      exp: now + 600,
      token_use: 'access',
    })
      .setProtectedHeader({ alg: 'ES256', kid: 'k', typ: 'JWT' })
      .sign(privateKey)
  }
  /** Waits until every edge gives the expected verdict. */
  const everywhere = async (given: string, expected: string): Promise<void> => {
    const deadline = Date.now() + CONVERGENCE_SECONDS * 1000
    for (const [index, gate] of gates.entries()) {
      for (;;) {
        const verdict = await gate.check(given)
        const found = verdict.ok ? 'accepted' : verdict.reason
        if (found === expected) break
        assert.ok(Date.now() < deadline, `the edge that ${names[index]} returns ${found}, not ${expected}`)
        await pause(20)
      }
    }
  }
  const heads = (): (number | undefined)[] => gates.map((gate) => gate.status()[0]?.sequence)

  let running = await start()
  try {
    const [before, lost, alsoLost, later, last] = await Promise.all(
      ['before', 'lost', 'also-lost', 'later', 'last'].map(token),
    )
    assert.ok(before && lost && alsoLost && later && last)
    await everywhere(before, 'accepted')
    await running.origin.revokeToken(before)
    await running.store.backup(backup)
    await running.origin.revokeToken(lost)
    await running.origin.endSession('test', 'also-lost')
    await everywhere(lost, 'token_revoked')
    await everywhere(alsoLost, 'session_revoked')
    const old = running.origin.status()[0]?.sequence ?? 0
    assert.deepEqual(heads(), [old, old, old])

    await running.origin.close()
    await running.server.close()
    const restored = await restoreSqlite({ backup, path })
    assert.equal(restored.incarnation, 1)
    running = await start()
    const { origin } = running
    assert.equal(origin.status()[0]?.sequence, INCARNATION)

    // A request for deltas after the end of the lost history gets its response at once.
    assert.equal((await ask(`${url}/deltas?after=${old}`)).status, 410)
    assert.equal((await ask(`${url}/manifest?after=${old}&waitSeconds=25`)).status, 200)

    // A new revocation is enforced, and so is the one in the backup.
    await origin.revokeToken(later)
    await everywhere(later, 'token_revoked')
    await everywhere(before, 'token_revoked')
    await everywhere(last, 'accepted')
    assert.deepEqual(heads(), [INCARNATION + 1, INCARNATION + 1, INCARNATION + 1])
    // Events that are not in the backup are lost, as documented, until all users are logged out.
    await everywhere(lost, 'accepted')
    await origin.logoutRealm('test')
    for (const each of [lost, alsoLost, last]) await everywhere(each, 'realm_revoked')
    assert.deepEqual(heads(), [INCARNATION + 2, INCARNATION + 2, INCARNATION + 2])

    const [entry] = await origin.audit.list({ realm: 'test', action: 'restored', limit: 10 })
    assert.equal(entry?.sequence, INCARNATION)
    const acknowledging = () =>
      origin
        .status()[0]
        ?.edges.filter(({ sequence }) => sequence === INCARNATION + 2)
        .map(({ name }) => name)
    const deadline = Date.now() + CONVERGENCE_SECONDS * 1000
    while (acknowledging()?.length !== 2 && Date.now() < deadline) await pause(20)
    assert.deepEqual(acknowledging(), ['pulls', 'streams'])
    assert.deepEqual(
      reports.filter(({ kind }) => kind === 'acknowledgement'),
      [],
    )
  } finally {
    for (const gate of gates) gate.close()
    await running.origin.close()
    await running.server.close()
    await rm(folder, { recursive: true, force: true })
  }
})

/** A pooled connection that the old server has closed fails when it is reused; there is at most one per reader. */
async function ask(url: string): Promise<Response> {
  for (let stale = 0; stale < 8; stale += 1) {
    const response = await fetch(url).catch(() => undefined)
    if (response !== undefined) return response
  }
  return fetch(url)
}
