// Other token verifiers for Node.

import { JwtVerifier } from 'aws-jwt-verify'
import { createVerifier } from 'fast-jwt'
import jsonwebtoken from 'jsonwebtoken'
import type { Contestant } from './race.ts'
import { AUDIENCE, ISSUER, type Key } from './tokens.ts'
import { webPeers, type Verify } from './web-peers.ts'

/** Satisfies the type of fast-jwt's option `algorithms`; the value may be any name that it supports. */
type FastJwtAlgorithm = 'RS256'

/** Returns every verifier that supports the key's algorithm, by npm name. */
export async function peers(key: Key, tokens: readonly Buffer[]): Promise<Record<string, Contestant>> {
  const awaited = Object.entries(await webPeers(key.jwk, ISSUER, AUDIENCE))
  return {
    ...fastJwt(key, tokens),
    ...Object.fromEntries(
      Object.entries(synchronous(key)).map(([name, verify]): [string, Contestant] => [
        name,
        { tokens, pass: eachSync(verify) },
      ]),
    ),
    ...Object.fromEntries(
      awaited.map(([name, verify]): [string, Contestant] => [name, { tokens, pass: each(verify) }]),
    ),
  }
}

/** Returns fast-jwt without and with its cache, which does not take revocations into account. */
export function fastJwt(key: Key, tokens: readonly Buffer[]): Record<string, Contestant> {
  const algorithms = [key.algorithm as FastJwtAlgorithm]
  const options = { key: key.pem, algorithms, allowedIss: ISSUER, allowedAud: AUDIENCE }
  const [plain, cached] = [createVerifier(options), createVerifier({ ...options, cache: 10 * tokens.length })]
  return {
    'fast-jwt': { tokens, pass: eachSync(plain) },
    'fast-jwt cached': { tokens, pass: eachSync(cached) },
  }
}

function synchronous(key: Key): Record<string, Verify> {
  const verifiers: Record<string, Verify> = {}
  const { algorithm, pem } = key
  if (algorithm !== 'EdDSA') {
    const options: jsonwebtoken.VerifyOptions = {
      algorithms: [algorithm as jsonwebtoken.Algorithm],
      issuer: ISSUER,
      audience: AUDIENCE,
    }
    verifiers['jsonwebtoken'] = (token) => jsonwebtoken.verify(token, pem, options)
  }
  if (/^(?:RS|ES)\d+$|^EdDSA$/.test(algorithm)) {
    const verifier = JwtVerifier.create({ issuer: ISSUER, audience: AUDIENCE, jwksUri: `${ISSUER}/certs` })
    verifier.cacheJwks({ keys: [key.jwk as { kty: 'RSA'; kid: string; use: 'sig' }] } as Parameters<
      typeof verifier.cacheJwks
    >[0])
    verifiers['aws-jwt-verify'] = (token) => verifier.verifySync(token)
  }
  return verifiers
}

function eachSync(verify: Verify): Contestant['pass'] {
  return (tokens) => {
    for (const token of tokens) verify(token)
  }
}

function each(verify: Verify): Contestant['pass'] {
  return async (tokens) => {
    for (const token of tokens) await verify(token)
  }
}
