// The stage of every probe: an issuer's keys, tokens signed by jose, and an origin that serves a feed.

import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair, SignJWT, type JWK } from 'jose'
import type { GateOptions } from 'portcullis/edge'
import { createOrigin, generateFeedKey, type JWK as FeedJwk } from 'portcullis/origin'
import { memoryStore } from 'portcullis/origin/memory'
import { serve } from 'portcullis/origin/node'
import { freePort } from '../../www/demo/child.ts'

export interface Stage {
  /** The gate's options as JSON: `GATE_OPTIONS` of every application. */
  readonly gateOptions: string
  /** A realm and a signing key as JSON, for an origin in an environment. */
  readonly originOptions: string
  /** The stage's own origin. */
  readonly originUrl: string
  /** The port for pages, from which the stage's origin may be read. */
  readonly pagePort: number
  /** Returns the gate's options with this origin. */
  gateAt(originUrl: string): GateOptions
  /** Returns a new token with the scope `read`. */
  token(): Promise<string>
  /** Revokes a token as its holder would. Default: at the stage's own origin. */
  revoke(token: string, originUrl?: string): Promise<void>
  close(): Promise<void>
}

const ISSUER = 'https://issuer.example/realms/test'
const REALM = 'test'
const LIFETIME_SECONDS = 600

export async function openStage(): Promise<Stage> {
  const { privateKey, publicKey } = await generateKeyPair('ES256')
  const jwk = { ...(await exportJWK(publicKey)), kid: 'k', alg: 'ES256', use: 'sig' }
  const keys = await serveKeys(jwk)
  const feedKey = await generateFeedKey()
  const realm = { name: REALM, issuer: ISSUER, audience: 'api', jwks: keys.url }
  const pagePort = await freePort()
  const corsOrigins = [`http://127.0.0.1:${pagePort}`]
  const origin = await createOrigin({
    store: memoryStore(),
    signingKey: feedKey.signingKey,
    realms: [realm],
    corsOrigins,
  })
  const server = await serve(origin, { port: 0 })
  let issued = 0
  const gateAt = (url: string): GateOptions => ({
    realms: [{ ...realm, feed: { url: `${url}/feed/${REALM}`, keys: [feedKey.publicKey as FeedJwk] } }],
  })
  return {
    gateOptions: JSON.stringify(gateAt(server.url)),
    originOptions: JSON.stringify({ signingKey: feedKey.signingKey, realms: [realm] }),
    originUrl: server.url,
    pagePort,
    gateAt,
    async token() {
      const now = Math.floor(Date.now() / 1000)
      const id = `token-${issued++}`
      const claims = {
        aud: 'api',
        sub: 'user',
        sid: `session-${id}`,
        jti: id,
        iat: now,
        exp: now + LIFETIME_SECONDS,
        token_use: 'access',
        scope: 'read',
      }
      return new SignJWT(claims)
        .setIssuer(ISSUER)
        .setProtectedHeader({ alg: 'ES256', kid: 'k', typ: 'JWT' })
        .sign(privateKey)
    },
    async revoke(token, originUrl = server.url) {
      const response = await fetch(`${originUrl}/v1/auth/token/revoke`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ token }),
      })
      const { revoked } = (await response.json()) as { revoked?: boolean }
      if (revoked !== true) throw new Error(`the origin returned ${response.status} for the revocation`)
    },
    async close() {
      await server.close()
      await origin.close()
      keys.server.close()
      keys.server.closeAllConnections()
    },
  }
}

/** Serves the keys, also to pages, which have a different origin. */
async function serveKeys(jwk: JWK): Promise<{ server: Server; url: string }> {
  const server = createServer((_request, response) => {
    response
      .writeHead(200, { 'content-type': 'application/json', 'access-control-allow-origin': '*' })
      .end(JSON.stringify({ keys: [jwk] }))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks` }
}
