// Two concurrent refreshes with the same token over HTTP: exactly one succeeds each time. Without a grace period the
// session ends; with one it continues.

import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { decodeJwt } from 'jose'
import { createOrigin, generateFeedKey, type JWK, type Origin } from 'portcullis/origin'
import { createDevIssuer } from 'portcullis/origin/dev-issuer'
import { serve, type Server } from 'portcullis/origin/node'
import { sqliteStore } from 'portcullis/origin/sqlite'
import { freePort } from '../www/demo/child.ts'
import { openIssuer } from '../www/examples/own-issuer.ts'
import { rounds } from './tier.ts'

/** A folder in memory if available: this test is about races and should not wait for a disk. */
const FOLDER = existsSync('/dev/shm') ? '/dev/shm' : tmpdir()
const REALM = 'own'

interface Tokens {
  access_token: string
  refresh_token: string
}

/** An issuer with its origin, and functions that call it. */
interface Place {
  origin: Origin
  realm: string
  logIn(): Promise<Tokens>
  refresh(token: string): Promise<Response>
  close(): Promise<void>
}

let folder: string
let signingKey: JWK
let files = 0

before(async () => {
  folder = await mkdtemp(join(FOLDER, 'portcullis-refresh-'))
  signingKey = (await generateFeedKey()).signingKey
})
after(() => rm(folder, { recursive: true }))

/** Opens the example, where a login is cheap. */
async function openExample(reuseGraceSeconds: number): Promise<Place> {
  const path = join(folder, `${(files += 1)}.db`)
  const issuer = await openIssuer({
    path,
    issuer: 'https://login.example',
    feedSigningKey: signingKey,
    reuseGraceSeconds,
  })
  const server = await serve(
    async (request) => {
      const form = new URLSearchParams(await request.text())
      const tokens = await issuer.refresh(form.get('refresh_token') ?? '', form.get('client_id') ?? '')
      return tokens === undefined ? Response.json({ error: 'invalid_grant' }, { status: 400 }) : Response.json(tokens)
    },
    { port: 0 },
  )
  return {
    origin: issuer.origin,
    realm: REALM,
    logIn: () => issuer.logIn('alice', 'demo'),
    refresh: asking(server.url),
    async close() {
      await server.close()
      await issuer.close()
    },
  }
}

async function openDevIssuer(reuseGraceSeconds: number): Promise<Place> {
  const path = join(folder, `${(files += 1)}.db`)
  const port = await freePort()
  const url = `http://127.0.0.1:${port}/realms/acme`
  const issuer = await createDevIssuer({ path, issuer: url, algorithm: 'ES256', reuseGraceSeconds })
  const origin = await createOrigin({ store: sqliteStore({ path }), signingKey, realms: [issuer.realm] })
  issuer.attach(origin)
  const server: Server = await serve(
    async (request, source) => (await issuer.fetch(request, source)) ?? origin.fetch(request, source),
    { port },
  )
  const endpoint = `${url}/protocol/openid-connect/token`
  return {
    origin,
    realm: 'acme',
    async logIn() {
      const login = { grant_type: 'password', client_id: 'demo', username: 'alice', password: 'alice-password' }
      const response = await fetch(endpoint, { method: 'POST', body: new URLSearchParams(login) })
      assert.equal(response.status, 200)
      return (await response.json()) as Tokens
    },
    refresh: asking(endpoint),
    async close() {
      await server.close()
      await issuer.close()
      await origin.close()
    },
  }
}

function asking(url: string): (token: string) => Promise<Response> {
  return (token) =>
    fetch(url, {
      method: 'POST',
      body: new URLSearchParams({ grant_type: 'refresh_token', client_id: 'demo', refresh_token: token }),
    })
}

/** Sends two refreshes at once. Returns the tokens of the successful one; the other gets `invalid_grant`. */
async function refreshTwice({ refresh }: Place, token: string): Promise<Tokens> {
  const answers = await Promise.all([refresh(token), refresh(token)])
  assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 400])
  const [won, lost] = answers[0]?.status === 200 ? answers : answers.reverse()
  assert.ok(won && lost)
  assert.equal(((await lost.json()) as { error: string }).error, 'invalid_grant')
  return (await won.json()) as Tokens
}

function hasEnded({ origin, realm }: Place, { access_token: token }: Tokens): boolean {
  const { sid, iat = 0, exp = 0 } = decodeJwt(token)
  return origin.refuses(realm, { session: String(sid), issuedAt: iat, expiresAt: exp }) === 'session_revoked'
}

for (const [name, open, times] of [
  ['an issuer with opaque refresh tokens', openExample, rounds(200, 1_000)],
  ['the development issuer', openDevIssuer, rounds(20, 100)],
] as const) {
  describe(name, () => {
    test(`without a grace period a second use ends the session, each of ${times} times`, {
      timeout: 120_000,
    }, async () => {
      const place = await open(0)
      try {
        for (let round = 0; round < times; round += 1) {
          const won = await refreshTwice(place, (await place.logIn()).refresh_token)
          assert.ok(hasEnded(place, won))
          assert.equal((await place.refresh(won.refresh_token)).status, 400)
        }
      } finally {
        await place.close()
      }
    })

    test(`within the grace period the session continues, each of ${times} times`, { timeout: 120_000 }, async () => {
      const place = await open(10)
      try {
        let tokens = await place.logIn()
        for (let round = 0; round < times; round += 1) {
          tokens = await refreshTwice(place, tokens.refresh_token)
          assert.equal(hasEnded(place, tokens), false)
        }
        assert.equal((await place.refresh(tokens.refresh_token)).status, 200)
      } finally {
        await place.close()
      }
    })
  })
}
