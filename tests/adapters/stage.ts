// An issuer whose tokens jose signs, a real origin, and gates at its feed.

import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { createGate, type Gate, type GateOptions, type RealmOptions } from 'portcullis/edge'
import { createOrigin, generateFeedKey, type EdgeOptions, type Origin } from 'portcullis/origin'
import { memoryStore } from 'portcullis/origin/memory'
import { serve } from 'portcullis/origin/node'

const ISSUER = 'https://issuer.example/realms/test'

export interface Stage {
  readonly origin: Origin
  readonly originUrl: string
  /** Options of a realm with the issuer's keys configured, so that they do not come from the feed. */
  readonly realm: RealmOptions
  /** A gate with these options, closed at the end of the test. */
  gate(options?: Partial<GateOptions>, realm?: Partial<RealmOptions>): Gate
  token(
    claims?: Record<string, unknown>,
    header?: { kid?: string; typ?: string; key?: 'good' | 'wrong' },
  ): Promise<string>
}

interface StageOptions {
  edges?: EdgeOptions[]
}

export async function openStage(t: TestContext, { edges = [] }: StageOptions = {}): Promise<Stage> {
  const good = await generateKeyPair('ES256', { extractable: true })
  const wrong = await generateKeyPair('ES256')
  const banned = await generateKeyPair('ES256', { extractable: true })
  const jwks = {
    keys: [
      { ...(await exportJWK(good.publicKey)), kid: 'good', alg: 'ES256' },
      { ...(await exportJWK(banned.publicKey)), kid: 'banned', alg: 'ES256' },
    ],
  }
  const { signingKey, publicKey } = await generateFeedKey()
  const origin = await createOrigin({
    store: memoryStore(),
    signingKey,
    realms: [{ name: 'test', issuer: ISSUER, audience: 'api', jwks }],
    edges,
  })
  const server = await serve(origin, { port: 0 })
  t.after(async () => {
    await origin.close()
    await server.close()
  })
  const realm: RealmOptions = {
    name: 'test',
    issuer: ISSUER,
    audience: 'api',
    jwks,
    feed: { url: `${server.url}/feed/test`, keys: [publicKey] },
  }
  return {
    origin,
    originUrl: server.url,
    realm,
    gate(options = {}, more = {}) {
      const gate = createGate({
        realms: [{ ...realm, ...more }],
        firstLoadTimeoutMs: 10_000,
        refreshTimeoutMs: 10_000,
        ...options,
      })
      t.after(() => gate.close())
      return gate
    },
    token(claims = {}, { kid = 'good', typ = 'JWT', key = 'good' } = {}) {
      const now = Math.floor(Date.now() / 1000)
      const all = {
        iss: ISSUER,
        aud: 'api',
        sub: 'alice',
        sid: 's',
        jti: crypto.randomUUID(),
        iat: now - 10,
        exp: now + 600,
        token_use: 'access',
        ...claims,
      }
      const signer = kid === 'banned' ? banned.privateKey : key === 'good' ? good.privateKey : wrong.privateKey
      return new SignJWT(all).setProtectedHeader({ alg: 'ES256', kid, typ }).sign(signer)
    },
  }
}

/** Starts a server that accepts connections and never responds, and returns its URL. */
export async function silentUrl(t: TestContext): Promise<string> {
  const server = createServer(() => undefined).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}
