// 'Enforced on n of m' with twelve gates that stream and acknowledge over HTTP, one of which dies.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { createGate, type Gate } from 'portcullis/edge'
import { createOrigin, generateFeedKey, type EdgeStatus, type Enforcement, type Origin } from 'portcullis/origin'
import { memoryStore } from 'portcullis/origin/memory'
import { serve, type Server } from 'portcullis/origin/node'

const ISSUER = 'https://issuer.example/realms/test'
const GATES = 12
const DEAD = 'edge-7'
const NAMES = Array.from({ length: GATES }, (_, index) => `edge-${index + 1}`)

let origin: Origin
let server: Server
let gates: Map<string, Gate>
let token: (claims: Record<string, unknown>) => Promise<string>

before(async () => {
  const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true })
  const jwks = { keys: [{ ...(await exportJWK(publicKey)), kid: 'k', alg: 'ES256' }] }
  const feedKey = await generateFeedKey()
  origin = await createOrigin({
    store: memoryStore(),
    signingKey: feedKey.signingKey,
    realms: [{ name: 'test', issuer: ISSUER, audience: 'api', jwks }],
    edges: NAMES.map((name) => ({ name, ackSecret: `secret of ${name}` })),
  })
  server = await serve(origin, { port: 0 })
  token = (claims) => {
    const now = Math.floor(Date.now() / 1000)
    const all = {
      iss: ISSUER,
      aud: 'api',
      sub: 'alice',
      sid: 's',
      jti: crypto.randomUUID(),
      iat: now,
      exp: now + 300,
      token_use: 'access',
      ...claims,
    }
    return new SignJWT(all).setProtectedHeader({ alg: 'ES256', kid: 'k', typ: 'JWT' }).sign(privateKey)
  }
  gates = new Map(
    NAMES.map((edge) => [
      edge,
      createGate({
        // The feed carries the keys.
        realms: [
          {
            name: 'test',
            issuer: ISSUER,
            audience: 'api',
            feed: {
              url: `${server.url}/feed/test`,
              keys: [feedKey.publicKey],
              mode: 'stream',
              acknowledge: { edge, secret: `secret of ${edge}` },
            },
          },
        ],
      }),
    ]),
  )
  const opening = await token({ sid: 'opening' })
  for (const gate of gates.values()) assert.equal((await gate.check(opening)).ok, true)
  const known = await origin.enforced({ realm: 'test', sequence: head() }, { timeoutMs: 10_000 })
  assert.deepEqual(known.missing, [])
})

after(async () => {
  for (const gate of gates.values()) gate.close()
  await origin.close()
  await server.close()
})

function head(): number {
  return origin.status()[0]?.sequence ?? Number.NaN
}

async function revoke(path: string, init: RequestInit): Promise<Enforcement> {
  const response = await fetch(server.url + path, init)
  assert.equal(response.status, 200)
  return (await response.json()) as Enforcement
}

function revokeToken(revoked: string, timeoutMs: number): Promise<Enforcement> {
  return revoke(`/v1/auth/token/revoke?wait=enforced&timeoutMs=${timeoutMs}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ token: revoked }),
  })
}

test('when the response arrives, all twelve refuse the token', async () => {
  const revoked = await token({})
  const enforcement = await revokeToken(revoked, 20_000)
  assert.deepEqual([enforcement.enforced, enforcement.total, enforcement.missing], [GATES, GATES, []])
  assert.equal(enforcement.sequence, head())
  for (const [name, gate] of gates)
    assert.deepEqual(gate.checkSync(revoked), { ok: false, reason: 'token_revoked', status: 401 }, name)
})

test('an administrator who logs a user out also gets the enforcement', async () => {
  const admin = await token({ sub: 'root', sid: 'admin', realm_access: { roles: ['portcullis-admin'] } })
  const headers = { authorization: `Bearer ${admin}` }
  const path = '/admin/realms/test/users/alice/logout?wait=enforced&timeoutMs=20000&reason=left'
  const enforcement = await revoke(path, { method: 'POST', headers })
  assert.deepEqual([enforcement.enforced, enforcement.missing], [GATES, []])
  const edges = (await (await fetch(`${server.url}/admin/realms/test/edges`, { headers })).json()) as EdgeStatus[]
  assert.deepEqual(
    edges.map(({ name, state, behindBy }) => [name, state, behindBy]),
    NAMES.map((name) => [name, 'current', 0]),
  )
})

test('after the timeout, only the gate that has died is named', async () => {
  gates.get(DEAD)?.close()
  const revoked = await token({ sub: 'bob' })
  const timeoutMs = 6_000
  const enforcement = await revokeToken(revoked, timeoutMs)
  assert.deepEqual([enforcement.enforced, enforcement.total, enforcement.missing], [GATES - 1, GATES, [DEAD]])
  assert.ok(enforcement.elapsedMs >= timeoutMs - 2)
  for (const [name, gate] of gates) if (name !== DEAD) assert.equal(gate.checkSync(revoked).ok, false, name)
})

test('an acknowledgement with another secret, position or chain is refused', async () => {
  const { sequence, chain } = origin.status()[0] ?? { sequence: 0, chain: '' }
  const issuedAt = Math.floor(Date.now() / 1000)
  const acknowledge = async (body: object, secret: string): Promise<number> => {
    const headers = { authorization: `Bearer ${secret}`, 'content-type': 'application/json' }
    return (
      await fetch(`${server.url}/feed/test/acks`, {
        method: 'POST',
        headers,
        body: JSON.stringify({ edge: DEAD, sequence, chain, issuedAt, ...body }),
      })
    ).status
  }
  assert.equal(await acknowledge({}, 'secret'), 401)
  assert.equal(await acknowledge({}, 'secret of edge-1'), 401)
  assert.equal(await acknowledge({ sequence: sequence + 1 }, `secret of ${DEAD}`), 409)
  assert.equal(await acknowledge({ chain: '0'.repeat(32) }, `secret of ${DEAD}`), 409)
  assert.equal(await acknowledge({ sequence: sequence - 1 }, `secret of ${DEAD}`), 409)
  const { missing } = await origin.enforced({ realm: 'test', sequence }, { timeoutMs: 0 })
  assert.deepEqual(missing, [DEAD])
})
