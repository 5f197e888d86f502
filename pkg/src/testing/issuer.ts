import { base64url, CompactSign, exportJWK, generateKeyPair } from 'jose'
import { checkOptions, oneOf, type Rules, string, withDefault } from '../options.ts'
import { systemNowMs } from '../timing/clock.ts'
import type { JWK, JWKS } from '../types.ts'
import type { SignOptions, TestAlgorithm, TestClaims, TestIssuer, TestIssuerOptions, TestKey } from './types.ts'

const ISSUER = {
  issuer: withDefault(string, 'https://issuer.test'),
  algorithm: withDefault(
    oneOf<TestAlgorithm>(
      'RS256',
      'RS384',
      'RS512',
      'PS256',
      'PS384',
      'PS512',
      'ES256',
      'ES384',
      'ES512',
      'EdDSA',
      'Ed25519',
    ),
    'ES256',
  ),
} satisfies Rules

/** Lifetime of its tokens unless `exp` is given. */
const LIFETIME_SECONDS = 300

/** Creates an issuer with a new key. Rejects with `invalid_option`. */
export async function createTestIssuer(options: TestIssuerOptions = {}): Promise<TestIssuer> {
  checkOptions(options, ISSUER)
  const { issuer = ISSUER.issuer.fallback, algorithm = ISSUER.algorithm.fallback } = options
  return openIssuer({ issuer, algorithm, now: () => Math.floor(systemNowMs() / 1000) })
}

/** Opens a test issuer with a clock of unix seconds. */
export async function openIssuer({
  issuer,
  algorithm,
  now,
}: Required<TestIssuerOptions> & { now: () => number }): Promise<TestIssuer> {
  let { key, publicKey } = await makeKey(algorithm)
  let jwks: JWKS = { keys: [publicKey] }
  return {
    issuer,
    get jwks() {
      return jwks
    },
    get key() {
      return key
    },
    sign(claims = {}, signing = {}) {
      const issuedAt = now()
      const good = {
        iss: issuer,
        sub: 'alice',
        jti: crypto.randomUUID(),
        iat: issuedAt,
        exp: issuedAt + LIFETIME_SECONDS,
      }
      return sign({ ...good, ...claims }, signing.key ?? key, signing)
    },
    async rotate(before = 'keep') {
      const earlier = before === 'keep' ? jwks.keys : []
      ;({ key, publicKey } = await makeKey(algorithm))
      jwks = { keys: [publicKey, ...earlier] }
    },
  }
}

async function makeKey(algorithm: TestAlgorithm): Promise<{ key: TestKey; publicKey: JWK }> {
  const { privateKey, publicKey } = await generateKeyPair(algorithm)
  const kid = crypto.randomUUID()
  return {
    key: { kid, algorithm, privateKey },
    publicKey: { ...(await exportJWK(publicKey)), kid, alg: algorithm, use: 'sig' } as JWK,
  }
}

/** Signs with the key's own algorithm; another `alg` replaces it in the header afterwards, as an attacker would. */
async function sign(
  claims: TestClaims,
  key: TestKey,
  { header = {}, signature = 'good' }: SignOptions,
): Promise<string> {
  const stated = withoutUndefined({ alg: key.algorithm, kid: key.kid, typ: 'JWT', ...header })
  const payload = new TextEncoder().encode(JSON.stringify(claims))
  const parts = (
    await new CompactSign(payload).setProtectedHeader({ ...stated, alg: key.algorithm }).sign(key.privateKey)
  ).split('.')
  const [honest = '', body = '', signed = ''] = parts
  const first = stated['alg'] === key.algorithm ? honest : base64url.encode(JSON.stringify(stated))
  const last = stated['alg'] === 'none' ? '' : signature === 'tampered' ? tampered(signed) : signed
  return `${first}.${body}.${last}`
}

/** Returns the signature with its first bit flipped. */
function tampered(signature: string): string {
  const bytes = base64url.decode(signature)
  bytes[0] = (bytes[0] ?? 0) ^ 0x80
  return base64url.encode(bytes)
}

function withoutUndefined(members: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined))
}
