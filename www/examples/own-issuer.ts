// A custom issuer beside an origin: jose signs access tokens, the library keeps opaque refresh tokens. The application
// authenticates users and then calls `logIn`.

import { calculateJwkThumbprint, exportJWK, generateKeyPair, SignJWT } from 'jose'
import type { JWK, JWKS } from 'portcullis'
import { createOrigin, type Origin } from 'portcullis/origin'
import { createRefreshTokens, type Family, opaqueToken } from 'portcullis/origin/refresh-tokens'
import { sqliteStore } from 'portcullis/origin/sqlite'

export interface Tokens {
  access_token: string
  refresh_token: string
}

export interface OwnIssuer {
  origin: Origin
  /** The public keys, for the gates. */
  jwks: JWKS
  logIn(subject: string, client: string): Promise<Tokens>
  /** Returns `undefined` for `invalid_grant` (RFC 6749 §5.2). */
  refresh(refreshToken: string, client: string): Promise<Tokens | undefined>
  close(): Promise<void>
}

export interface OwnIssuerOptions {
  path: string
  /** Its `iss`. */
  issuer: string
  feedSigningKey: JWK
  reuseGraceSeconds: number
}

export async function openIssuer({
  path,
  issuer,
  feedSigningKey,
  reuseGraceSeconds,
}: OwnIssuerOptions): Promise<OwnIssuer> {
  // A real issuer stores its key; this one generates a new one at each start.
  const { publicKey, privateKey } = await generateKeyPair('ES256')
  const publicJwk = await exportJWK(publicKey)
  const kid = await calculateJwkThumbprint(publicJwk)
  const jwks = { keys: [{ ...publicJwk, kid, alg: 'ES256', use: 'sig' } as JWK] }
  const realm = { name: 'own', issuer, audience: 'api', jwks, issuerSkewSeconds: 0 }
  const origin = await createOrigin({ store: sqliteStore({ path }), signingKey: feedSigningKey, realms: [realm] })
  const tokens = createRefreshTokens({ path, realm: 'own', origin, reuseGraceSeconds })

  function accessToken({ session, subject, client }: Pick<Family, 'session' | 'subject' | 'client'>): Promise<string> {
    return new SignJWT({ sid: session, azp: client, token_use: 'access' })
      .setProtectedHeader({ alg: 'ES256', kid, typ: 'JWT' })
      .setIssuer(issuer)
      .setAudience('api')
      .setSubject(subject)
      .setJti(crypto.randomUUID())
      .setIssuedAt()
      .setExpirationTime('5 min')
      .sign(privateKey)
  }

  return {
    origin,
    jwks,
    async logIn(subject, client) {
      const login = { session: crypto.randomUUID(), subject, client }
      const refreshToken = opaqueToken()
      tokens.begin({ ...login, token: refreshToken })
      return { access_token: await accessToken(login), refresh_token: refreshToken }
    },
    async refresh(presented, client) {
      const next = opaqueToken()
      const rotation = await tokens.rotate({ presented, next, client })
      if (rotation.outcome !== 'rotated') return undefined
      return { access_token: await accessToken(rotation.family), refresh_token: next }
    },
    async close() {
      await tokens.close()
      await origin.close()
    },
  }
}
