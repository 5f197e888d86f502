// One token: accepted, forged, revoked, with too long a lifetime, expired; and one from an in-house issuer.

import { generateKeyPair, SignJWT } from 'jose'
import { pause } from '../child.ts'
import { claimsOf } from '../client.ts'
import { REALM } from '../settings.ts'
import { accepted, answered, refused, refusedFor, type Stage, type Step, timed } from './step.ts'

export function tokenSteps(stage: Stage): Step[] {
  const { client } = stage
  let [alice, expiring] = ['', '']
  return [
    {
      title: 'Alice logs in and calls the API at the edge',
      run: async () => {
        alice = (await client.logIn('alice')).access_token
        expiring = (await client.logIn('alice', 'demo-short')).access_token
        return accepted(await client.call(alice))
      },
    },
    {
      title: 'A token with a changed payload and a token signed by an unknown key under the same key id are refused',
      run: async () => {
        const changed = refused(await client.call(withOtherSubject(alice)))
        const forged = refused(await client.call(await forge(alice)))
        return `${changed}; ${forged}`
      },
    },
    {
      title: 'Alice revokes her token (POST /v1/auth/token/revoke)',
      run: async () => {
        const bystander = (await client.logIn('alice')).access_token
        const answer = await client.revoke(alice)
        answered(answer, 200)
        const refusal = await client.refused(alice)
        accepted(await client.call(bystander))
        return `${timed(refusal)}; her other token is still accepted`
      },
    },
    {
      title: 'A client revokes a refresh token (RFC 7009): the session’s access token is revoked with it',
      run: async () => {
        const login = await client.logIn('alice', 'backend')
        accepted(await client.call(login.access_token))
        answered(await client.revokeAsClient(login.refresh_token, 'demo'), 400)
        answered(await client.revokeAsClient(login.refresh_token, 'backend'), 200)
        const refusal = await client.refused(login.access_token)
        answered(await client.refresh(login.refresh_token, 'backend'), 400)
        return `${timed(refusal)}; another client was not allowed to, and the refresh token no longer works`
      },
    },
    {
      title:
        'A token from an in-house issuer (shared key, issuer named in `realm`, no audience) is accepted, then revoked',
      run: async () => {
        const token = await inhouseToken(stage.inhouseKey)
        accepted(await client.call(token))
        answered(await client.revoke(token), 200)
        return timed(await client.refused(token))
      },
    },
    {
      title: 'A token with a longer lifetime than revocations are kept for (`maxLifetimeSeconds`) is refused',
      run: async () => {
        const { access_token: token } = await client.logIn('alice', 'demo-long')
        return refusedFor(await client.call(token), 'longer than is accepted')
      },
    },
    {
      title: 'A token that has expired is refused',
      run: async () => {
        // The gate grants a leeway of 5 s after `exp`.
        const left = (Number(claimsOf(expiring)['exp']) + 6) * 1000 - Date.now()
        await pause(Math.max(0, left))
        return refusedFor(await client.call(expiring), 'expired')
      },
    },
  ]
}

/** Returns the token with another subject and the old signature. */
function withOtherSubject(token: string): string {
  const [header, , signature] = token.split('.')
  const payload = Buffer.from(JSON.stringify({ ...claimsOf(token), sub: 'mallory' })).toString('base64url')
  return `${header}.${payload}.${signature}`
}

/** Signs the token's claims with a key that is not the issuer's, under the issuer's `kid`. */
async function forge(token: string): Promise<string> {
  const header = JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()) as {
    alg: string
    kid: string
  }
  const { privateKey } = await generateKeyPair(header.alg)
  return new SignJWT(claimsOf(token)).setProtectedHeader({ ...header }).sign(privateKey)
}

/** Signs a token with neither `iss` nor `aud`. */
function inhouseToken(key: Uint8Array): Promise<string> {
  const now = Math.floor(Date.now() / 1000)
  const claims = {
    sub: 'b3f8c9d2-1a2b-4c5d-8e7f-9a8b7c6d5e4f',
    realm: REALM,
    roles: ['admin'],
    permissions: ['users:read', 'users:write'],
    jti: crypto.randomUUID(),
    token_use: 'access',
    exp: now + 900,
    iat: now,
  }
  return new SignJWT(claims).setProtectedHeader({ alg: 'HS256', typ: 'JWT', kid: '12345' }).sign(key)
}
