// Keys that sign the tokens: a pool generated once, and the sets that realms publish from it.

import {
  constants,
  createHmac,
  generateKeyPairSync,
  type JsonWebKey,
  type KeyObject,
  randomBytes,
  sign,
} from 'node:crypto'
import { calculateJwkThumbprint, CompactSign, importJWK, type CryptoKey, type JWK } from 'jose'
import type { Algorithm, JWKS } from 'portcullis'
import type { Random } from './random.ts'

/** A key and the algorithms that its material supports. */
export interface PoolKey {
  number: number
  algorithms: readonly Algorithm[]
  publicJwk: JWK
  thumbprint: string
  secret: Uint8Array | undefined
  privateKey: KeyObject | undefined
  /** Imported keys for jose, one per algorithm. */
  forJose: ReadonlyMap<Algorithm, CryptoKey>
}

/** A key in a realm's set. */
export interface PublishedKey {
  key: PoolKey
  kid: string | undefined
  /** The JWK's `alg`. */
  alg: Algorithm | undefined
}

const SHARED: readonly Algorithm[] = ['HS256', 'HS384', 'HS512']
const RSA: readonly Algorithm[] = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512']
const OKP: readonly Algorithm[] = ['EdDSA', 'Ed25519']

/** How often a set has a key of each kind; cheap signatures are more frequent. */
const KINDS: readonly (readonly [share: number, algorithms: readonly Algorithm[], count: number])[] = [
  [30, SHARED, 4],
  [4, ['ES256'], 3],
  [0.4, ['ES384'], 1],
  [0.3, ['ES512'], 1],
  [5, OKP, 3],
  [4, RSA, 2],
]

export async function makePool(): Promise<readonly PoolKey[]> {
  const pool: PoolKey[] = []
  for (const [, algorithms, count] of KINDS) {
    for (let made = 0; made < count; made += 1) pool.push(await makeKey(pool.length, algorithms))
  }
  return pool
}

async function makeKey(number: number, algorithms: readonly Algorithm[]): Promise<PoolKey> {
  const [algorithm] = algorithms as [Algorithm]
  const { publicJwk, secret, privateKey } = material(algorithm)
  const forJose = new Map<Algorithm, CryptoKey>()
  for (const each of algorithms) {
    const imported =
      secret === undefined ? importJWK(privateKey?.export({ format: 'jwk' }) as JWK, each) : importSecret(secret, each)
    forJose.set(each, (await imported) as CryptoKey)
  }
  return {
    number,
    algorithms,
    publicJwk,
    thumbprint: await calculateJwkThumbprint(publicJwk),
    secret,
    privateKey,
    forJose,
  }
}

function importSecret(secret: Uint8Array, algorithm: Algorithm): Promise<CryptoKey> {
  return crypto.subtle.importKey(
    'raw',
    secret as Uint8Array<ArrayBuffer>,
    { name: 'HMAC', hash: `SHA-${algorithm.slice(2)}` },
    false,
    ['sign', 'verify'],
  )
}

function material(algorithm: Algorithm): {
  publicJwk: JWK
  secret: Uint8Array | undefined
  privateKey: KeyObject | undefined
} {
  if (algorithm === 'HS256') {
    const secret = new Uint8Array(randomBytes(64))
    return { publicJwk: { kty: 'oct', k: Buffer.from(secret).toString('base64url') }, secret, privateKey: undefined }
  }
  const { publicKey, privateKey } = pairOf(algorithm)
  return { publicJwk: publicKey.export({ format: 'jwk' }) as JsonWebKey as JWK, secret: undefined, privateKey }
}

function pairOf(algorithm: Algorithm): { publicKey: KeyObject; privateKey: KeyObject } {
  if (algorithm === 'EdDSA') return generateKeyPairSync('ed25519')
  if (algorithm === 'RS256') return generateKeyPairSync('rsa', { modulusLength: 2048 })
  return generateKeyPairSync('ec', {
    namedCurve: { ES256: 'P-256', ES384: 'P-384', ES512: 'P-521' }[algorithm as 'ES256'],
  })
}

/**
 * Chooses a realm's keys: one to five, some with the same `kid`, some without `kid` or `alg`. Without `shared`, no HMAC
 * keys.
 */
export function publishKeys(random: Random, pool: readonly PoolKey[], shared: boolean): readonly PublishedKey[] {
  const weights = pool.map((key) => {
    const [share = 0, , count = 1] = KINDS.find(([, algorithms]) => algorithms[0] === key.algorithms[0]) ?? []
    return [key.secret !== undefined && !shared ? 0 : share / count, key] as const
  })
  const chosen = new Set(Array.from({ length: random.between(1, 5) }, () => random.weighted(weights)))
  const kids = random.pick([['k'], ['k', 'l'], ['k1', 'k2', 'k3', 'k4', 'k5'], ['ключ', 'k"1', '7']])
  return [...chosen].map((key, index) => ({
    key,
    kid: random.chance(0.1) ? undefined : kids[index % kids.length],
    alg: random.chance(0.3) ? undefined : random.pick(random.chance(0.7) ? key.algorithms.slice(0, 1) : key.algorithms),
  }))
}

/**
 * Returns the algorithms of a key: its JWK's `alg`, otherwise the one that its type implies (RFC 8725 §3.1). Ed25519
 * has two names for one algorithm; a secret without `alg` implies HS256.
 */
export function algorithmsOf({ key, alg }: PublishedKey, rsaAlgorithm: Algorithm): readonly Algorithm[] {
  if (alg !== undefined) return [alg]
  if (key.secret !== undefined) return ['HS256']
  return key.algorithms.includes('RS256') ? [rsaAlgorithm] : key.algorithms
}

export function jwksOf(keys: readonly PublishedKey[]): JWKS {
  const jwks = keys.map(({ key, kid, alg }) => ({
    ...key.publicJwk,
    ...(kid === undefined ? {} : { kid }),
    ...(alg === undefined ? {} : { alg }),
  }))
  return { keys: jwks } as JWKS
}

/** Signs with jose. */
export async function signByJose(
  header: Record<string, unknown>,
  claims: string,
  key: PoolKey,
  algorithm: Algorithm,
): Promise<string> {
  const signer = new CompactSign(new TextEncoder().encode(claims)).setProtectedHeader(header as { alg: string })
  return signer.sign(key.forJose.get(algorithm) as CryptoKey)
}

/** Signs with Node what jose refuses to sign, such as a header with a duplicate member. */
export function signByNode(input: string, key: PoolKey, algorithm: Algorithm): string {
  return signatureOf(Buffer.from(input), key, algorithm).toString('base64url')
}

function signatureOf(input: Buffer, { secret, privateKey }: PoolKey, algorithm: Algorithm): Buffer {
  const hash = `sha${algorithm.slice(2)}`
  if (secret !== undefined) return createHmac(hash, secret).update(input).digest()
  const key = privateKey as KeyObject
  if (OKP.includes(algorithm)) return sign(null, input, key)
  if (algorithm.startsWith('ES')) return sign(hash, input, { key, dsaEncoding: 'ieee-p1363' })
  if (algorithm.startsWith('RS')) return sign(hash, input, key)
  return sign(hash, input, {
    key,
    padding: constants.RSA_PKCS1_PSS_PADDING,
    saltLength: constants.RSA_PSS_SALTLEN_DIGEST,
  })
}
