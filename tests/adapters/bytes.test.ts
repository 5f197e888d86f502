// Every adapter's refusal is byte for byte that of gate.protect, for each reason that a request can cause.

import assert from 'node:assert/strict'
import { setTimeout as delay } from 'node:timers/promises'
import { test, type TestContext } from 'node:test'
import { type AccessOptions, type Gate, REASONS, type Reason } from 'portcullis/edge'
import { ask, type Asked, type Answered, bearer } from './client.ts'
import { HOSTS } from './hosts.ts'
import { openStage, silentUrl, type Stage } from './stage.ts'

interface Case {
  reason: Reason | 'accepted'
  asked: Asked
}

/** Requests to the same gate with the same options. */
interface Group {
  name: string
  gate: Gate
  access?: AccessOptions
  cases: Case[]
}

const OUR_HEADERS = ['content-type', 'cache-control', 'www-authenticate', 'retry-after']

test('the refusals of all adapters equal those of gate.protect, byte for byte', { timeout: 120_000 }, async (t) => {
  const stage = await openStage(t)
  const met = new Set<string>()
  // In this order: the last one revokes the tokens of all others.
  for (const open of [byToken, byScope, byCookie, withoutFeed, withoutKeys, withStaleFeed, withRevokedRealm]) {
    const group = await open(stage, t)
    const expected = await Promise.all(group.cases.map((each) => byGate(group, each)))
    for (const host of HOSTS) {
      const { url, close } = await host.start(group.gate, group.access)
      t.after(close)
      for (const [index, { reason, asked }] of group.cases.entries()) {
        assert.deepEqual(
          ours(await ask(url, asked)),
          ours(expected[index] as Answered),
          `${host.name}: ${group.name}: ${reason}`,
        )
      }
    }
    for (const { reason } of group.cases) met.add(reason)
  }
  assert.deepEqual(
    [...REASONS].filter((reason) => !met.has(reason)),
    [],
    'every reason occurs',
  )
})

function ours({ status, headers, body }: Answered): object {
  return { status, body, headers: OUR_HEADERS.map((name) => `${name}: ${status === 200 ? '' : headers.get(name)}`) }
}

/** Returns the response of `gate.protect`, once the gate gives the case's reason. */
async function byGate(
  { name, gate, access }: Group,
  { reason, asked: { method = 'GET', headers = [], path = '/' } }: Case,
): Promise<Answered> {
  const protectedFetch = gate.protect((_request, _env, _ctx, { claims }) => Response.json({ sub: claims.sub }), access)
  const lines = headers.map(([key, value]) => [key, value] as [string, string])
  const request = new Request(`http://edge.example${path}`, { method, headers: lines })
  const verdict = await gate.authenticate(request, access)
  assert.equal(verdict.ok ? 'accepted' : verdict.reason, reason, name)
  const response = await protectedFetch(request)
  return { status: response.status, headers: response.headers, body: await response.text() }
}

async function byToken(stage: Stage): Promise<Group> {
  const { origin } = stage
  const now = Math.floor(Date.now() / 1000)
  const revoked = await stage.token()
  await origin.revokeToken(revoked)
  await origin.endSession('test', 'ended')
  await origin.endGrant('test', 'alice', 'disconnected')
  await origin.setClientNotBefore('test', 'bad-client')
  await origin.logoutUser('test', 'bob')
  await origin.raiseTokenVersion('test', 'carol', 5)
  await origin.banKey('test', 'banned', { force: true })
  const of = async (
    reason: Case['reason'],
    claims?: Record<string, unknown>,
    header?: Parameters<Stage['token']>[1],
  ): Promise<Case> => ({
    reason,
    asked: { headers: [bearer(await stage.token(claims, header))] },
  })
  const good = await stage.token()
  const encoded = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  const unsigned = `${encoded({ alg: 'none', typ: 'JWT' })}.${good.split('.')[1]}.`
  return {
    name: 'by token',
    gate: stage.gate(),
    cases: [
      await of('accepted'),
      { reason: 'accepted', asked: { method: 'POST', headers: [['authorization', `bearer ${good}`]] } },
      { reason: 'missing_token', asked: {} },
      { reason: 'missing_token', asked: { headers: [['authorization', 'Basic dXNlcjpwYXNz']] } },
      { reason: 'malformed', asked: { headers: [['authorization', 'Bearer']] } },
      { reason: 'malformed', asked: { headers: [bearer('garbage')] } },
      { reason: 'invalid_request', asked: { headers: [bearer(good), bearer(good)] } },
      { reason: 'invalid_request', asked: { headers: [bearer(good), ['authorization', 'Basic dXNlcjpwYXNz']] } },
      { reason: 'unsupported_algorithm', asked: { headers: [bearer(unsigned)] } },
      await of('unknown_key', {}, { kid: 'unknown' }),
      await of('banned_key', {}, { kid: 'banned' }),
      await of('bad_signature', {}, { key: 'wrong' }),
      await of('wrong_type', {}, { typ: 'logout+jwt' }),
      await of('wrong_issuer', { iss: 'https://other.example' }),
      await of('wrong_audience', { aud: 'other' }),
      await of('missing_claim', { sub: undefined }),
      await of('expired', { iat: now - 700, exp: now - 100 }),
      await of('not_yet_valid', { nbf: now + 100 }),
      await of('issued_in_future', { iat: now + 100 }),
      await of('lifetime_exceeded', { exp: now + 100_000 }),
      { reason: 'token_revoked', asked: { headers: [bearer(revoked)] } },
      await of('session_revoked', { sid: 'ended' }),
      await of('grant_revoked', { azp: 'disconnected' }),
      await of('client_revoked', { azp: 'bad-client' }),
      await of('user_revoked', { sub: 'bob' }),
      await of('version_revoked', { sub: 'carol', ver: 4 }),
    ],
  }
}

async function byScope(stage: Stage): Promise<Group> {
  const cases: Case[] = [
    { reason: 'accepted', asked: { headers: [bearer(await stage.token({ scope: 'read write' }))] } },
    { reason: 'insufficient_scope', asked: { headers: [bearer(await stage.token({ scope: 'read' }))] } },
  ]
  return { name: 'by scope', gate: stage.gate(), access: { scope: ['read', 'write'] }, cases }
}

async function byCookie(stage: Stage): Promise<Group> {
  const token = await stage.token()
  const cookie = ['cookie', `theme=dark; token=${token}`] as const
  return {
    name: 'by cookie',
    gate: stage.gate(),
    access: { token: { cookie: 'token', origins: ['https://app.example'] } },
    cases: [
      { reason: 'accepted', asked: { headers: [cookie] } },
      { reason: 'accepted', asked: { method: 'POST', headers: [cookie, ['origin', 'https://app.example']] } },
      { reason: 'missing_token', asked: { headers: [['cookie', 'theme=dark']] } },
      { reason: 'cross_site', asked: { method: 'POST', headers: [cookie] } },
      { reason: 'cross_site', asked: { method: 'POST', headers: [cookie, ['origin', 'https://evil.example']] } },
      { reason: 'invalid_request', asked: { headers: [['cookie', `token=${token}; token=${token}`]] } },
      { reason: 'invalid_request', asked: { headers: [cookie, ['cookie', `token=${token}`]] } },
      { reason: 'invalid_request', asked: { headers: [cookie, bearer(token)] } },
    ],
  }
}

async function withoutFeed(stage: Stage, t: TestContext): Promise<Group> {
  const url = `${await silentUrl(t)}/feed/test`
  const gate = stage.gate({ firstLoadTimeoutMs: 50, onReport: () => undefined }, { feed: { ...stage.realm.feed, url } })
  return {
    name: 'without a feed',
    gate,
    cases: [{ reason: 'no_feed', asked: { headers: [bearer(await stage.token())] } }],
  }
}

async function withoutKeys(stage: Stage, t: TestContext): Promise<Group> {
  const gate = stage.gate({ jwksTimeoutMs: 50, onReport: () => undefined }, { jwks: `${await silentUrl(t)}/certs` })
  return {
    name: 'without keys',
    gate,
    cases: [{ reason: 'keys_unavailable', asked: { headers: [bearer(await stage.token())] } }],
  }
}

async function withStaleFeed(stage: Stage): Promise<Group> {
  let isCut = false
  const gate = stage.gate({
    maxStaleSeconds: 1,
    waitAfterSeconds: 1,
    refreshTimeoutMs: 50,
    fetch: (input, init) => (isCut ? Promise.reject(new Error('cut')) : fetch(input, init)),
    onReport: () => undefined,
  })
  assert.equal((await gate.check(await stage.token())).ok, true)
  isCut = true
  while ((gate.status()[0]?.ageSeconds ?? 0) < 3) await delay(100)
  return {
    name: 'with a stale feed',
    gate,
    cases: [{ reason: 'stale_feed', asked: { headers: [bearer(await stage.token())] } }],
  }
}

async function withRevokedRealm(stage: Stage): Promise<Group> {
  const asked = { headers: [bearer(await stage.token())] }
  await stage.origin.logoutRealm('test')
  return { name: 'with a revoked realm', gate: stage.gate(), cases: [{ reason: 'realm_revoked', asked }] }
}
