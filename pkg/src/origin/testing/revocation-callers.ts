// Callers of Global Token Revocation: an identity provider with a key, secrets, and the origin that knows them.

import { exportJWK, exportSPKI, generateKeyPair, type JWTPayload, SignJWT } from 'jose'
import type { GlobalTokenRevocationOptions, JWK, OriginOptions, OriginRealm, RevocationCaller } from '../index.ts'
import { createTestIssuer, ISSUER, openStage, type Stage, type TestIssuer } from './stage.ts'

export const OKTA = 'https://acme.okta.example'
export const APP = '0oa1example'
export const SECRET = 'a-security-tool-of-acme'
export const OTHER_SECRET = 'a-security-tool-of-other'
/** The header's type in Okta's documentation. */
export const TYPE = 'global-token-revocation+jwt'
export const ALICE: { format: string; iss: string; sub: string } = { format: 'iss_sub', iss: ISSUER, sub: 'alice' }

/**
 * An identity provider that signs its requests, in the shape that Okta documents (Build Universal Logout for your app).
 */
interface Provider {
  jwk: JWK
  publicPem: string
  jwt(claims?: JWTPayload, header?: Record<string, unknown>): Promise<string>
}

async function createProvider(): Promise<Provider> {
  const { publicKey, privateKey } = await generateKeyPair('RS256', { extractable: true })
  const kid = crypto.randomUUID()
  return {
    jwk: { ...(await exportJWK(publicKey)), kid, alg: 'RS256', use: 'sig' } as JWK,
    publicPem: await exportSPKI(publicKey),
    async jwt(claims = {}, header = {}) {
      const now = unixSeconds()
      const good = {
        jti: crypto.randomUUID(),
        iss: OKTA,
        sub: APP,
        aud: urlOf('acme'),
        exp: now + 300,
        nbf: now - 300,
        iat: now,
      }
      const all = Object.entries({ ...good, ...claims }).filter(([, value]) => value !== undefined)
      const parts = Object.entries({ typ: TYPE, kid, ...header }).filter(([, value]) => value !== undefined)
      return new SignJWT(Object.fromEntries(all))
        .setProtectedHeader({ alg: 'RS256', ...Object.fromEntries(parts) })
        .sign(privateKey, { crit: { x: true } })
    },
  }
}

export function urlOf(realm: string): string {
  return `https://origin.example/realms/${realm}/global-token-revocation`
}

export const okta: Provider = await createProvider()
export const stranger: Provider = await createProvider()
export const acme: TestIssuer = await createTestIssuer()
const other = await createTestIssuer('other', 'https://issuer.test/realms/other')

export function callerOf(realm: string): RevocationCaller {
  return { issuer: OKTA, jwks: { keys: [okta.jwk] }, audience: urlOf(realm), subject: APP }
}

/** Opens an origin with these callers of `acme`, those of `other`, and `quiet` without any. */
export async function openRealms(
  globalTokenRevocation: GlobalTokenRevocationOptions,
  more: Partial<OriginOptions> = {},
): Promise<Stage> {
  const realms: OriginRealm[] = [
    { ...acme.realm, issuerSkewSeconds: 0, globalTokenRevocation },
    { ...other.realm, globalTokenRevocation: { secrets: [OTHER_SECRET], callers: [callerOf('other')] } },
    { ...(await createTestIssuer('quiet', 'https://issuer.test/realms/quiet')).realm },
  ]
  return openStage({ realms, ...more })
}

interface CallOptions {
  realm?: string
  query?: string
  type?: string
}

export async function call(
  stage: Stage,
  credential: string | undefined,
  body: unknown,
  given: CallOptions = {},
): Promise<Response> {
  const { realm = 'acme', query = '', type = 'application/json' } = given
  const headers = {
    'content-type': type,
    ...(credential === undefined ? {} : { authorization: `Bearer ${credential}` }),
  }
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  return stage.get(`/realms/${realm}/global-token-revocation${query}`, { method: 'POST', headers, body: text })
}

export async function statusOf(
  stage: Stage,
  credential: string | undefined,
  body: unknown,
  realm = 'acme',
): Promise<number> {
  const response = await call(stage, credential, body, { realm })
  await response.arrayBuffer()
  return response.status
}

export function unixSeconds(): number {
  return Math.floor(Date.now() / 1000)
}

/** Whether a token of alice's issued at that time is refused. */
export function refusesAlice(stage: Stage, issuedAt: number): boolean {
  return stage.origin.refuses('acme', { subject: 'alice', issuedAt, expiresAt: issuedAt + 300 }) === 'user_revoked'
}

export function sequencesOf(stage: Stage): number[] {
  return stage.origin.status().map(({ sequence }) => sequence)
}
