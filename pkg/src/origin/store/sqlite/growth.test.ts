import assert from 'node:assert/strict'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test, type TestContext } from 'node:test'
import { createOrigin, generateFeedKey, type JWK, type Origin } from '../../index.ts'
import { sqliteStore } from './index.ts'
import { createTestIssuer, type TestIssuer } from '../../testing/stage.ts'

const REPEATS = 20_000
/** For the variations, none of which leaves a line. */
const FEWER_REPEATS = 2_000
const MAX_GROWTH_BYTES = 1_000_000
/** The number of simultaneous requests, as from a client with many connections. */
const PARALLEL = 250
/** The longest name that a gate accepts. */
const LONGEST = 1_024

let folder: string
let path: string
let signingKey: JWK
let issuer: TestIssuer
let origin: Origin

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'portcullis-growth-'))
  path = join(folder, 'revocations.db')
  signingKey = (await generateFeedKey()).signingKey
  issuer = await createTestIssuer()
  origin = await open()
})
afterEach(async () => {
  await origin.close()
  await rm(folder, { recursive: true })
})

function open(): Promise<Origin> {
  const clients = [{ id: 'c'.repeat(LONGEST) }, { id: 'backend', secret: 'backend-secret' }]
  return createOrigin({ store: sqliteStore({ path }), signingKey, realms: [issuer.realm], clients })
}

async function bytesOf(name: string): Promise<number> {
  return stat(name).then(
    ({ size }) => size,
    () => 0,
  )
}

/**
 * Returns the bytes by which the SQLite files grow: their size with the log, and after the log is merged into the file.
 */
async function growth(act: () => Promise<void>): Promise<{ open: number; closed: number }> {
  await origin.close()
  const before = await bytesOf(path)
  origin = await open()
  await act()
  const after = (await bytesOf(path)) + (await bytesOf(`${path}-wal`))
  await origin.close()
  const closed = await bytesOf(path)
  origin = await open()
  return { open: after - before, closed: closed - before }
}

async function repeat(times: number, act: (time: number) => Promise<unknown>): Promise<void> {
  for (let done = 0; done < times; done += PARALLEL) {
    await Promise.all(Array.from({ length: Math.min(PARALLEL, times - done) }, (_, index) => act(done + index)))
  }
}

async function send(to: string, init: RequestInit, address: string): Promise<void> {
  const response = await origin.fetch(new Request(`https://origin.test${to}`, { method: 'POST', ...init }), { address })
  assert.equal(response.status, 200)
}

function revoke(token: string, address = '203.0.113.7'): Promise<void> {
  const init = { headers: { 'content-type': 'application/json' }, body: JSON.stringify({ token }) }
  return send('/v1/auth/token/revoke', init, address)
}

function lines(): Promise<number> {
  return origin.audit.list({ realm: 'acme', limit: 1_000 }).then((found) => found.length)
}

const LONG = { sub: 'u'.repeat(LONGEST), jti: 't'.repeat(LONGEST), azp: 'c'.repeat(LONGEST) }

function assertSmall(t: TestContext, { open, closed }: { open: number; closed: number }): void {
  t.diagnostic(`${open} bytes with the log, ${closed} without`)
  assert.ok(open <= MAX_GROWTH_BYTES && closed <= MAX_GROWTH_BYTES, `${open} bytes with the log, ${closed} without`)
}

test('20,000 repeats by the holder of one token with the longest names take less than 1 MB, and no line', async (t) => {
  const token = await issuer.token(LONG)
  await revoke(token)
  const before = await lines()
  const grown = await growth(() => repeat(REPEATS, () => revoke(token)))
  assertSmall(t, grown)
  assert.equal(await lines(), before)
})

test('repeats by many addresses, of tokens without a user, and of expired ones take no more', async (t) => {
  const now = Math.floor(Date.now() / 1000)
  const tokens = await Promise.all([
    issuer.token(LONG),
    issuer.token({ ...LONG, sub: undefined }),
    issuer.token({ ...LONG, sub: undefined, azp: undefined }),
    issuer.token({ ...LONG, iat: now - 400, exp: now - 2 }),
    issuer.token({ ...LONG, iat: now - 400, exp: now - 100 }),
  ])
  for (const token of tokens) await revoke(token)
  const before = await lines()
  const grown = await growth(() =>
    repeat(FEWER_REPEATS, (time) => revoke(tokens[time % tokens.length] ?? '', `198.51.${time >> 8}.${time & 255}`)),
  )
  assertSmall(t, grown)
  assert.equal(await lines(), before)
})

test('repeats by a client, public or confidential, by RFC 7009 take no more', async (t) => {
  const own = await issuer.token(LONG)
  const backend = await issuer.token({ ...LONG, jti: 'b'.repeat(LONGEST), azp: 'backend' })
  const revokeBy = (parameters: Record<string, string>): Promise<void> =>
    send('/realms/acme/protocol/openid-connect/revoke', { body: new URLSearchParams(parameters) }, '203.0.113.7')
  const asked = [
    { token: own, client_id: LONG.azp },
    { token: backend, client_id: 'backend', client_secret: 'backend-secret' },
  ]
  for (const parameters of asked) await revokeBy(parameters)
  const before = await lines()
  const grown = await growth(() => repeat(FEWER_REPEATS, (time) => revokeBy(asked[time % 2] ?? {})))
  assertSmall(t, grown)
  assert.equal(await lines(), before)
})

test('20,000 logins and refreshes of one network with the longest names take less than 1 MB, and are counted', async (t) => {
  const note = (time: number): Promise<void> =>
    origin.audit.note({
      realm: 'acme',
      action: time % 2 === 0 ? 'login' : 'refresh',
      actor: `user:${'名'.repeat(LONGEST)}`,
      subject: `${time} ${'s'.repeat(LONGEST)}`,
      address: `2001:db8::${(time % 1_000).toString(16)}`,
    })
  assertSmall(t, await growth(() => repeat(REPEATS, note)))
  const found = await origin.audit.list({ realm: 'acme', limit: 1_000 })
  const leftOut = found
    .filter(({ detail }) => detail === 'left_out')
    .map(({ reason }) => Number.parseInt(reason ?? '', 10))
  const written = found.filter(({ actor }) => actor?.startsWith('user:'))
  assert.equal(written.length + leftOut.reduce((sum, count) => sum + count, 0), REPEATS)
  assert.ok(written.length < 400)
})

test('records every new revocation, even if its line is omitted; every repeat by an administrator has a line', async () => {
  const tokens = await Promise.all(Array.from({ length: 310 }, () => issuer.token()))
  for (const token of tokens) await revoke(token)
  const { sequence } = origin.status()[0] ?? {}
  assert.ok(sequence !== undefined && sequence >= 310)
  const before = await lines()
  assert.ok(before < 310)
  const administrator = await issuer.token({ sub: 'admin', realm_access: { roles: ['portcullis-admin'] } })
  for (let time = 0; time < 3; time += 1) {
    const init = {
      method: 'PUT',
      headers: { authorization: `Bearer ${administrator}`, 'content-type': 'application/json' },
      body: '{"minimum":7}',
    }
    const response = await origin.fetch(
      new Request('https://origin.test/admin/realms/acme/users/alice/token-version', init),
    )
    assert.equal(response.status, 204)
  }
  assert.equal(await lines(), before + 3)
})
