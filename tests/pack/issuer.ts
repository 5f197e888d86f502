// A test issuer: serves its keys where the examples expect them, and signs tokens with jose.

import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type CryptoKey, exportJWK, generateKeyPair, SignJWT } from 'jose'

export class Issuer {
  readonly url: string
  readonly #server: Server
  readonly #key: CryptoKey
  #tokens = 0

  private constructor(server: Server, key: CryptoKey) {
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    this.#server = server
    this.#key = key
  }

  static async start(): Promise<Issuer> {
    const { privateKey, publicKey } = await generateKeyPair('RS256')
    const keys = JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), kid: 'k', alg: 'RS256', use: 'sig' }] })
    const server = createServer((request, response) => {
      const isKnown = request.url === '/protocol/openid-connect/certs'
      response.writeHead(isKnown ? 200 : 404, { 'content-type': 'application/json' }).end(isKnown ? keys : '{}')
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return new Issuer(server, privateKey)
  }

  /** Signs an access token for the audience `api`, with a unique id. `claims` are added or replace others. */
  token(scope: string, claims: Readonly<Record<string, unknown>> = {}): Promise<string> {
    const now = Math.floor(Date.now() / 1000)
    const id = String(++this.#tokens)
    return new SignJWT({
      aud: 'api',
      sub: 'u',
      sid: `s-${id}`,
      jti: `id-${id}`,
      iat: now,
      exp: now + 600,
      typ: 'Bearer',
      token_use: 'access',
      scope,
      ...claims,
    })
      .setProtectedHeader({ alg: 'RS256', kid: 'k', typ: 'JWT' })
      .setIssuer(this.url)
      .sign(this.#key)
  }

  close(): void {
    this.#server.close()
    this.#server.closeAllConnections()
  }
}
