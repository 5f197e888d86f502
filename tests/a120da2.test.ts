// Compatibility with the package of commit a120da2: today's package opens its database, reads its configuration,
// applies its feeds, and works with its edges and its origin. See fixtures/a120da2/README.md.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test, type TestContext } from 'node:test'
import { promisify } from 'node:util'
import { createGate, type Gate, type JWK } from 'portcullis/edge'
import type { StoredAuditEntry } from 'portcullis/origin'
import { pause } from '../www/demo/child.ts'
import { setClock } from './clock.ts'
import {
  examplesOf,
  FIRST,
  LATER,
  PLAIN,
  publicKeys,
  recordEveryKind,
  sign,
  WITHDRAWN,
  type Example,
} from './fixtures/a120da2/every-kind.ts'
import type { RecordedFeed } from './fixtures/a120da2/recorded.ts'
import { fixture, fixtureJson, openStage, TODAY, verdictOf, type Parts, type Stage } from './fixtures/a120da2/stage.ts'

/** Bound for a pulling gate to get a revocation: `waitAfterSeconds` is 5, then it uses long polling. */
const CONVERGENCE_SECONDS = 15
/** The number of actions in a120da2's audit log. */
const ACTIONS = 23

let stage: Stage

before(async () => {
  stage = await openStage(LATER.at)
})

after(() => stage.close())

test("today's origin opens the database: every event is in force, further events are added, a backup contains all", async (t) => {
  const path = await stage.database('opened.db')
  const first = await stage.startOrigin(t, TODAY, path)
  const gate = stage.openGate(t, TODAY, first.url)
  await assertVerdicts(gate, FIRST, examplesOf(FIRST))

  await recordEveryKind(first.origin, stage.keys, LATER)
  const examples = [...examplesOf(FIRST).map(afterLater), ...examplesOf(LATER)]
  await gate.refresh()
  await assertVerdicts(gate, LATER, examples)
  await first.close()

  const [backup, store] = [join(stage.folder, 'copy.backup'), TODAY.sqlite.sqliteStore({ path })]
  await store.open()
  await store.backup(backup)
  await store.close()
  const restored = await TODAY.sqlite.restoreSqlite({ backup, path: join(stage.folder, 'restored.db') })
  assert.deepEqual([...restored.realms].sort(), ['acme', 'plain', 'withdrawn'])
  assert.equal(restored.incarnation, 2)
  const second = await stage.startOrigin(t, TODAY, join(stage.folder, 'restored.db'))
  await assertVerdicts(stage.openGate(t, TODAY, second.url), LATER, examples)
})

test("an origin of a120da2 opens the database again after today's has used it", async (t) => {
  const path = await stage.database('back.db')
  const ours = await stage.startOrigin(t, TODAY, path)
  const revoked = await sign(stage.keys, FIRST, {})
  await ours.origin.revokeToken(revoked)
  await ours.close()
  const store = TODAY.sqlite.sqliteStore({ path })
  await store.open()
  const payload = new Uint8Array(1)
  assert.equal(await store.writeState?.('plain', 'cursor', payload, 0), 1)
  const head = (await store.load('plain'))?.head
  await store.append([
    { realm: 'plain', after: head?.sequence ?? 0, rows: [], outbox: [{ queue: 'keycloak', at: FIRST.at, payload }] },
  ])
  await store.close()

  const theirs = await stage.startOrigin(t, stage.old, path)
  const gate = stage.openGate(t, TODAY, theirs.url)
  await assertVerdicts(gate, FIRST, examplesOf(FIRST))
  assert.equal(await verdictOf(gate, revoked), 'token_revoked')
  await theirs.close()

  // Back to today's origin: nothing is lost.
  await store.open()
  assert.equal((await store.readState?.('plain', 'cursor'))?.version, 1)
  assert.equal((await store.outboxEntries?.({ realm: 'plain', queue: 'keycloak', limit: 10 }))?.length, 1)
  await store.close()
})

test('other realms in the same database: withdrawn keys stay withdrawn, banned keys banned, logouts in force', async (t) => {
  const { origin, url } = await stage.startOrigin(t, TODAY, await stage.database('realms.db'))
  const gate = stage.openGate(t, TODAY, url, { realm: WITHDRAWN })
  const token = await sign(stage.keys, FIRST, { claims: { iss: WITHDRAWN.issuer } })
  assert.equal(await verdictOf(gate, token), 'keys_unavailable')
  const withKeys = stage.openGate(t, TODAY, url, { realm: { ...WITHDRAWN, jwks: publicKeys(stage.keys) } })
  assert.equal(await verdictOf(withKeys, token), 'realm_revoked')
  const { bannedKid } = await fixtureJson<Acme>('acme.json')
  assert.equal(origin.bans('acme', bannedKid), true)
})

interface Acme {
  alice: { access_token: string; refresh_token: string }
  bobRevoked: string
  bannedKid: string
}

test('the development issuer keeps its logins, refresh tokens, sessions and audit log', async (t) => {
  const { origin, ask } = await stage.startOrigin(t, TODAY, await stage.database('issuer.db'))
  const { alice, bobRevoked } = await fixtureJson<Acme>('acme.json')
  const form = (fields: Record<string, string>): Promise<Response> =>
    ask(`/realms/acme/protocol/openid-connect/token`, {
      method: 'POST',
      body: new URLSearchParams({ client_id: 'demo', ...fields }),
    })
  const refreshed = await form({ grant_type: 'refresh_token', refresh_token: alice.refresh_token })
  assert.equal(refreshed.status, 200)
  const { access_token: access } = (await refreshed.json()) as { access_token: string }
  const administer = (token: string): Promise<Response> =>
    ask('/admin/realms/acme/users', { headers: { authorization: `Bearer ${token}` } })
  // 403: a valid token of a user who is not an administrator.
  assert.equal((await administer(access)).status, 403)
  assert.equal((await administer(bobRevoked)).status, 401)
  const login = await form({ grant_type: 'password', username: 'admin', password: 'admin-password' })
  assert.equal(login.status, 200)
  assert.equal((await administer(((await login.json()) as { access_token: string }).access_token)).status, 200)

  const actions = new Set<StoredAuditEntry['action']>()
  for (const realm of ['acme', 'plain', 'withdrawn'])
    for (const { action, at } of await origin.audit.list({ realm, limit: 1_000 }))
      if (at < LATER.at) actions.add(action)
  assert.equal(actions.size, ACTIONS, [...actions].join(' '))
})

test("today's command accepts the configuration, and its schema has every option of the file", async () => {
  const { environment } = await fixtureJson<{ environment: Record<string, string> }>('environment.json')
  const cli = join(createRequire(import.meta.url).resolve('portcullis/package.json'), '../dist/cli/main.js')
  // Uses a driver that is installed and a free port, because the check rejects a missing driver and a port in use.
  const {
    store: { driver: _driver, ...store },
    ...given
  } = await fixtureJson<{ store: { driver: string } }>('portcullis.json')
  const folder = await mkdtemp(join(tmpdir(), 'portcullis-check-'))
  const config = join(folder, 'portcullis.json')
  await writeFile(config, JSON.stringify({ ...given, store }))
  await copyFile(fixture('edge-secret.txt'), join(folder, 'edge-secret.txt'))
  const { stdout } = await promisify(execFile)(process.execPath, [cli, 'check', '--config', config], {
    env: { ...process.env, ...environment, PORTCULLIS_PORT: '0' },
  })
  await rm(folder, { recursive: true })
  assert.match(
    stdout,
    /portcullis\.json is valid: realms inhouse, keycloak, rfc9068; edges: 3; .* 127\.0\.0\.1, port 0$/m,
  )
  // The file uses every option of a120da2, so that no option can be dropped unnoticed.
  const schema = JSON.parse(await readFile(join(stage.old.folder, 'portcullis.schema.json'), 'utf8')) as Schema
  assert.deepEqual(unused(schema, await fixtureJson<unknown>('portcullis.json')), [])
})

interface Schema {
  properties?: Record<string, Schema>
  items?: Schema
}

/** Returns the options of a schema that a value does not use; for a list, those that no entry uses. */
function unused({ properties, items }: Schema, value: unknown): string[] {
  if (items !== undefined) {
    const each = (value as unknown[]).map((entry) => unused(items, entry))
    return (each[0] ?? []).filter((name) => each.every((missing) => missing.includes(name)))
  }
  return Object.entries(properties ?? {}).flatMap(([name, inner]) => {
    const member = (value as Record<string, unknown>)[name]
    return member === undefined ? [name] : unused(inner, member).map((deeper) => `${name}.${deeper}`)
  })
}

test('today’s edge applies the recorded feed: a manifest with its sections, a delta, and the next manifest', async (t) => {
  const feed = await fixtureJson<RecordedFeed>('feed.json')
  const restoreClock = setClock(feed.recordedAt + 1)
  t.after(restoreClock)
  const bytes = (text: string): Uint8Array<ArrayBuffer> => new Uint8Array(Buffer.from(text, 'base64'))
  const gateFrom = (manifest: string): Gate =>
    createGate({
      realms: [{ ...PLAIN, feed: { url: feed.url, keys: [feed.feedKey as JWK] } }],
      fetch: async (input) => {
        const name = new URL(input instanceof Request ? input.url : String(input)).pathname.split('/plain/')[1] ?? ''
        const file = name === 'manifest' ? manifest : feed.sections[name]
        return file === undefined ? new Response(null, { status: 404 }) : new Response(bytes(file))
      },
      // The gate gets the recorded feed and requests nothing newer.
      refreshAfterSeconds: 60,
      waitAfterSeconds: 60,
      maxStaleSeconds: 60,
      onReport: () => undefined,
    })
  const gate = gateFrom(feed.manifest)
  t.after(() => gate.close())
  const loggedOut = await sign(stage.keys, FIRST, { claims: { sub: 'logged out by a delta' } })
  const revoked = await sign(stage.keys, FIRST, { claims: { jti: 'revoked by a delta' } })
  await assertVerdicts(gate, FIRST, examplesOf(FIRST))
  assert.deepEqual([await verdictOf(gate, loggedOut), await verdictOf(gate, revoked)], ['accepted', 'accepted'])

  assert.equal(gate.applyFeed(bytes(feed.delta)).changed, true)
  assert.deepEqual(
    [await verdictOf(gate, loggedOut), await verdictOf(gate, revoked)],
    ['user_revoked', 'token_revoked'],
  )
  assert.equal(gate.applyFeed(bytes(feed.delta)).changed, false)

  const late = gateFrom(feed.laterManifest)
  t.after(() => late.close())
  await assertVerdicts(late, FIRST, examplesOf(FIRST))
  assert.deepEqual(
    [await verdictOf(late, loggedOut), await verdictOf(late, revoked)],
    ['user_revoked', 'token_revoked'],
  )

  setClock(feed.recordedAt + feed.validForSeconds + 60)
  const expired = gateFrom(feed.manifest)
  t.after(() => expired.close())
  await assert.rejects(expired.refresh(), { code: 'feed_refused' })
})

test("an edge of a120da2 follows today's origin", async (t) => followed(t, TODAY, stage.old, 'new-origin.db'))

test("today's edge follows an origin of a120da2", async (t) => followed(t, stage.old, TODAY, 'old-origin.db'))

/** Checks that a pulling gate enforces the events in the database and those recorded while it runs. */
async function followed(t: TestContext, ofOrigin: Parts, ofEdge: Parts, name: string): Promise<void> {
  const { origin, url } = await stage.startOrigin(t, ofOrigin, await stage.database(name))
  const gate = stage.openGate(t, ofEdge, url)
  await assertVerdicts(gate, FIRST, examplesOf(FIRST))
  const victim = await sign(stage.keys, LATER, {})
  const bystander = await sign(stage.keys, LATER, {})
  assert.equal(await verdictOf(gate, victim), 'accepted')
  await origin.revokeToken(victim)
  await becomes(gate, victim, 'token_revoked')
  assert.equal(await verdictOf(gate, bystander), 'accepted')
  await recordEveryKind(origin, stage.keys, LATER)
  // Corrections come last, with a manifest.
  const last = await sign(stage.keys, LATER, { claims: { sub: 'later corrected version', token_version: 2 } })
  await becomes(gate, last, 'accepted')
  await gate.refresh()
  await assertVerdicts(gate, LATER, [...examplesOf(FIRST).map(afterLater), ...examplesOf(LATER)])
}

/** The later series moves the realm's not-before. */
function afterLater(example: Example): Example {
  const isOlder = Number(example.claims['iat'] ?? FIRST.at - 500) <= LATER.at - 1_000
  return isOlder ? { ...example, expected: 'realm_revoked' } : example
}

async function assertVerdicts(gate: Gate, series: typeof FIRST, examples: Example[]): Promise<void> {
  const found: string[] = []
  const expected: string[] = []
  for (const example of examples) {
    const claims = { exp: series.at + 36_000, iat: FIRST.at - 500, ...example.claims }
    found.push(`${example.what}: ${await verdictOf(gate, await sign(stage.keys, series, { ...example, claims }))}`)
    expected.push(`${example.what}: ${example.expected}`)
  }
  assert.deepEqual(found, expected)
}

/** Waits for a verdict; the gate pulls by itself, in the background of requests. */
async function becomes(gate: Gate, token: string, expected: string): Promise<void> {
  const deadline = performance.now() + CONVERGENCE_SECONDS * 1000
  for (;;) {
    const verdict = await verdictOf(gate, token)
    if (verdict === expected) return
    assert.ok(performance.now() < deadline, `${verdict} after ${CONVERGENCE_SECONDS} s, not ${expected}`)
    await pause(50)
  }
}
