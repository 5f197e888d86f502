// JWK sets as servers publish them: each shape with its set as a string and a token that its key has signed.

import { createHash, createHmac, generateKeyPairSync, type KeyObject, sign as signBytes } from 'node:crypto'
import { SignJWT } from 'jose'

export const ISSUER = 'https://issuer.example'

export interface Shape {
  /** The first column of the shape's row. */
  readonly name: string
  readonly set: string | Uint8Array
  readonly token: string
  /** Passed in the options instead of fetched. */
  readonly inline?: true
}

type Members = Record<string, unknown>

interface SigningKey {
  readonly alg: string
  readonly privateKey: KeyObject
  /** The JWK with `kid` `k`, `alg` and `use`. */
  readonly jwk: Members
}

const BYTE_ORDER_MARK = '\u{feff}'
const FIELD_BYTES: Readonly<Record<string, number>> = { 'P-256': 32, 'P-384': 48, 'P-521': 66 }

/** Returns all shapes, in the order of the page. */
export async function shapes(): Promise<Shape[]> {
  const [ec, p384, p521] = [ecKey('P-256'), ecKey('P-384'), ecKey('P-521')]
  const [zeroX, zeroP521] = [ecKeyWithZero('P-256'), ecKeyWithZero('P-521')]
  const [rsa, ed] = [rsaKey(2048), okpKey()]
  const other = ecKey('P-256')
  const enc = { ...rsaKey(2048).jwk, kid: 'enc', alg: 'RSA-OAEP', use: 'enc' }
  const [ecToken, rsaToken] = [await token(ec), await token(rsa)]
  const without = ({ jwk }: SigningKey, ...names: string[]): Members =>
    Object.fromEntries(Object.entries(jwk).filter(([name]) => !names.includes(name)))
  const one = (name: string, jwk: unknown, signed: string): Shape => ({ name, set: set(jwk), token: signed })

  const nulls = ['alg', 'use', 'key_ops', 'x5c', 'd'].map((name) =>
    one(`a member that is null: \`${name}\``, { ...ec.jwk, [name]: null }, ecToken),
  )
  return [
    one('one key, every member in order', ec.jwk, ecToken),
    one(
      'an unknown member, `x5c` and `x5t` beside the key',
      { ...rsa.jwk, x5c: ['MIIB'], x5t: 'AA', 'urn:vendor': { a: [1] } },
      rsaToken,
    ),
    { name: 'an unknown member of the set', set: JSON.stringify({ cache: 60, keys: [ec.jwk] }), token: ecToken },
    // Members that are null, of a wrong type or absent.
    ...nulls,
    one('a member that is null: `kid`, token without `kid`', { ...ec.jwk, kid: null }, await token(ec, {})),
    one('a number as `kid`, token without `kid`', { ...ec.jwk, kid: 7 }, await token(ec, {})),
    one('a number as `kid`, token with it as a string', { ...ec.jwk, kid: 7 }, await token(ec, { kid: '7' })),
    one('an empty `kid`, token likewise', { ...ec.jwk, kid: '' }, await token(ec, { kid: '' })),
    one('no `kid`, token with one', without(ec, 'kid'), ecToken),
    one('no `alg`, `use` and `key_ops`: EC', without(ec, 'alg', 'use'), ecToken),
    one('no `alg`: RSA, token by RS256', without(rsa, 'alg'), rsaToken),
    one('no `alg`: RSA, token by PS256', without(rsa, 'alg'), await token(rsa, { kid: 'k', alg: 'PS256' })),
    one('a number as `alg`', { ...ec.jwk, alg: 7 }, ecToken),
    one('a list as `use`', { ...ec.jwk, use: ['sig'] }, ecToken),
    // Material.
    one(
      'P-256: a coordinate without its leading zero byte (31)',
      { ...zeroX.jwk, x: shortened(zeroX.jwk['x']) },
      await token(zeroX),
    ),
    one('P-256: a coordinate with a zero byte in front (33)', { ...ec.jwk, x: lengthened(ec.jwk['x']) }, ecToken),
    one(
      'P-384: both coordinates with a zero byte in front (49)',
      { ...p384.jwk, x: lengthened(p384.jwk['x']), y: lengthened(p384.jwk['y']) },
      await token(p384),
    ),
    one(
      'P-521: a coordinate without its leading zero byte (65)',
      { ...zeroP521.jwk, x: shortened(zeroP521.jwk['x']) },
      await token(zeroP521),
    ),
    one(
      'P-521: a coordinate with a zero byte in front (67)',
      { ...p521.jwk, y: lengthened(p521.jwk['y']) },
      await token(p521),
    ),
    one('RSA: `n` with a zero byte in front', { ...rsa.jwk, n: lengthened(rsa.jwk['n']) }, rsaToken),
    one('RSA: `e` as four bytes (`AAEAAQ`)', { ...rsa.jwk, e: 'AAEAAQ' }, rsaToken),
    one('padding: `n` and `e` end in `=`', { ...rsa.jwk, n: padded(rsa.jwk['n']), e: padded(rsa.jwk['e']) }, rsaToken),
    one(
      'plain base64: `+`, `/` and padding',
      { ...rsa.jwk, n: Buffer.from(String(rsa.jwk['n']), 'base64url').toString('base64') },
      rsaToken,
    ),
    one(
      'base64 in lines of 64 characters',
      { ...rsa.jwk, n: String(rsa.jwk['n']).replace(/.{64}/g, '$&\n') },
      rsaToken,
    ),
    one('bits behind the last byte that are not zero', { ...ed.jwk, x: withUnusedBits(ed.jwk['x']) }, await token(ed)),
    one('a character that is in no base64', { ...rsa.jwk, n: `!${String(rsa.jwk['n'])}` }, rsaToken),
    one('Ed25519: `x` with a zero byte in front (33)', { ...ed.jwk, x: lengthened(ed.jwk['x']) }, await token(ed)),
    one('EC: a point off its curve', { ...ec.jwk, y: other.jwk['y'] }, ecToken),
    one('EC: `crv` of another curve', { ...ec.jwk, crv: 'P-384', alg: 'ES384' }, await token(p384)),
    one(
      'Ed25519: a point of small order, for which anybody can sign',
      { ...ed.jwk, x: bytes(1, ...Array<number>(31).fill(0)) },
      forgedByIdentity(),
    ),
    one('RSA of 1,024 bits', rsaKey(1024).jwk, signedByHand()),
    one('RSA of 4,160 bits', ...(await withToken(rsaKey(4160)))),
    one('RSA with exponent 1, for which anybody can sign', { ...rsa.jwk, e: 'AQ' }, forgedByExponentOne(rsa)),
    one('`x5c` alone, without `n` and `e`', { kty: 'RSA', kid: 'k', alg: 'RS256', x5c: ['MIIB'] }, rsaToken),
    // Purpose.
    one('`use` `enc`', { ...ec.jwk, use: 'enc' }, ecToken),
    one('`key_ops` without `verify`', { ...ec.jwk, key_ops: ['sign'] }, ecToken),
    one('`key_ops` with `verify` and `sign`', { ...ec.jwk, key_ops: ['sign', 'verify'] }, ecToken),
    one('`key_ops` that is not a list', { ...ec.jwk, key_ops: 'verify' }, ecToken),
    one('`alg` `RSA-OAEP` without `use`', { ...rsa.jwk, use: undefined, alg: 'RSA-OAEP' }, rsaToken),
    one('`alg` of another type of key', { ...ec.jwk, alg: 'RS256' }, ecToken),
    one('`kty` in lower case', { ...rsa.jwk, kty: 'rsa' }, rsaToken),
    one('a private key', { ...ec.privateKey.export({ format: 'jwk' }), kid: 'k', alg: 'ES256' }, ecToken),
    one('a shared key (`oct`) at a URL', secret().jwk, secret().token),
    { name: 'a shared key (`oct`) in the options', set: set(secret().jwk), token: secret().token, inline: true },
    one('ES256K: a curve that is not known here', { ...ecKey('secp256k1').jwk, alg: 'ES256K' }, ecToken),
    one('`kty` `AKP` (ML-DSA, RFC 9964)', { kty: 'AKP', alg: 'ML-DSA-44', kid: 'k', pub: 'AA' }, ecToken),
    // Sets.
    {
      name: 'an encryption key beside the signing key, as Keycloak publishes them',
      set: set(enc, ec.jwk),
      token: ecToken,
    },
    {
      name: 'an X25519 key beside the signing key',
      set: set({ kty: 'OKP', crv: 'X25519', kid: 'x', use: 'enc', x: ed.jwk['x'] }, ec.jwk),
      token: ecToken,
    },
    {
      name: 'a broken key beside the signing key',
      set: set({ kty: 'EC', crv: 'P-256', kid: 'broken' }, ec.jwk),
      token: ecToken,
    },
    { name: '`null` beside the signing key', set: set(null, ec.jwk), token: ecToken },
    { name: 'two keys of one `kid`: RSA and EC', set: set(rsa.jwk, ec.jwk), token: ecToken },
    { name: 'two keys of one `kid`: both EC, the second has signed', set: set(other.jwk, ec.jwk), token: ecToken },
    {
      name: 'two keys of one `kid`: RSA by RS256 and PS256, token by PS256',
      set: set(rsa.jwk, { ...rsa.jwk, alg: 'PS256' }),
      token: await token(rsa, { kid: 'k', alg: 'PS256' }),
    },
    { name: 'the same key twice', set: set(ec.jwk, ec.jwk), token: ecToken },
    {
      name: 'two keys without `kid`, token without',
      set: set(without(other, 'kid'), without(ec, 'kid')),
      token: await token(ec, {}),
    },
    {
      name: 'six keys without `kid`, token without, the last has signed',
      set: set(...Array.from({ length: 5 }, () => without(ecKey('P-256'), 'kid')), without(ec, 'kid')),
      token: await token(ec, {}),
    },
    {
      name: '300 keys',
      set: set(...Array.from({ length: 299 }, (_, at) => ({ ...other.jwk, kid: `k${at}` })), ec.jwk),
      token: ecToken,
    },
    {
      name: '1,000 keys',
      set: set(...Array.from({ length: 999 }, (_, at) => ({ ...other.jwk, kid: `k${at}` })), ec.jwk),
      token: ecToken,
    },
    {
      name: '1,001 keys',
      set: set(...Array.from({ length: 1000 }, (_, at) => ({ ...other.jwk, kid: `k${at}` })), ec.jwk),
      token: ecToken,
    },
    {
      name: 'a set of more than 1 MiB',
      set: JSON.stringify({ keys: [ec.jwk], padding: 'x'.repeat(1 << 20) }),
      token: ecToken,
    },
    { name: 'a set without keys', set: '{"keys":[]}', token: ecToken },
    // The text.
    { name: 'a byte order mark in front', set: BYTE_ORDER_MARK + set(ec.jwk), token: ecToken },
    { name: 'whitespace around the text', set: `\r\n\t ${set(ec.jwk)}\n\n`, token: ecToken },
    { name: 'UTF-16', set: Uint8Array.from(Buffer.from(BYTE_ORDER_MARK + set(ec.jwk), 'utf16le')), token: ecToken },
    {
      name: 'a byte that is not UTF-8, in a member that is not used',
      set: Uint8Array.from(Buffer.from(JSON.stringify({ keys: [{ ...ec.jwk, note: '\u{e9}' }] }), 'latin1')),
      token: ecToken,
    },
    {
      name: 'a member of the key twice',
      set: set(ec.jwk)
        .replace('"kty"', '"kid":"other","kty"')
        .replace(/"kid":"k"(.*)}\]/, '$1,"kid":"k"}]')
        .replace(',,', ','),
      token: ecToken,
    },
    {
      name: 'a member twice in a key beside the signing key',
      set: `{"keys":[{"kty":"EC","kty":"EC","kid":"twice"},${JSON.stringify(ec.jwk)}]}`,
      token: ecToken,
    },
    { name: '`keys` twice', set: `{"keys":[],"keys":[${JSON.stringify(ec.jwk)}]}`, token: ecToken },
    { name: 'anything behind the closing brace', set: `${set(ec.jwk)}}`, token: ecToken },
    { name: 'members nested 20 deep in a key', set: set({ ...ec.jwk, nested: nested(20) }), token: ecToken },
    { name: '`keys` is null', set: '{"keys":null}', token: ecToken },
    { name: '`keys` is an object', set: JSON.stringify({ keys: { k: ec.jwk } }), token: ecToken },
    { name: 'a list of keys without `keys`', set: JSON.stringify([ec.jwk]), token: ecToken },
    { name: 'one JWK in place of a set', set: JSON.stringify(ec.jwk), token: ecToken },
    { name: 'HTML', set: '<!doctype html><title>Sign in</title>', token: ecToken },
  ]
}

function ecKey(curve: string): SigningKey {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: curve })
  return signing({ 'P-256': 'ES256', 'P-384': 'ES384', 'P-521': 'ES512' }[curve] ?? 'ES256K', privateKey, publicKey)
}

/** Generates a key whose `x` begins with a zero byte. */
function ecKeyWithZero(curve: string): SigningKey {
  for (;;) {
    const key = ecKey(curve)
    const x = Buffer.from(String(key.jwk['x']), 'base64url')
    if (x[0] === 0 && x.length === FIELD_BYTES[curve]) return key
  }
}

function rsaKey(modulusLength: number): SigningKey {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength })
  return signing('RS256', privateKey, publicKey)
}

function okpKey(): SigningKey {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  return signing('EdDSA', privateKey, publicKey)
}

/** Signs a token of the issuer. The default `header` has the `kid` `k`. */
function token(
  { alg, privateKey }: SigningKey,
  header: { kid?: string; alg?: string } = { kid: 'k' },
): Promise<string> {
  return new SignJWT(claims()).setProtectedHeader({ alg, ...header }).sign(privateKey)
}

function set(...keys: unknown[]): string {
  return JSON.stringify({ keys })
}

/** Removes the first byte, which is zero. */
function shortened(value: unknown): string {
  return Buffer.from(String(value), 'base64url').subarray(1).toString('base64url')
}

function lengthened(value: unknown): string {
  return Buffer.concat([Buffer.of(0), Buffer.from(String(value), 'base64url')]).toString('base64url')
}

function signing(alg: string, privateKey: KeyObject, publicKey: KeyObject): SigningKey {
  return { alg, privateKey, jwk: { ...publicKey.export({ format: 'jwk' }), kid: 'k', alg, use: 'sig' } }
}

function claims(): Members {
  const now = Math.floor(Date.now() / 1000)
  return { iss: ISSUER, aud: 'api', sub: 'u', jti: 'id', iat: now, exp: now + 600 }
}

async function withToken(key: SigningKey): Promise<[Members, string]> {
  return [key.jwk, await token(key)]
}

function padded(value: unknown): string {
  const text = String(value)
  return text.padEnd(Math.ceil(text.length / 4) * 4, '=')
}

/** Sets an unused bit: 43 characters carry 258 bits, 32 bytes have 256. */
function withUnusedBits(value: unknown): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  const text = String(value)
  return text.slice(0, -1) + alphabet.charAt(alphabet.indexOf(text.slice(-1)) + 1)
}

function bytes(...values: number[]): string {
  return Buffer.from(values).toString('base64url')
}

function nested(depth: number): unknown {
  return depth === 0 ? 1 : { a: nested(depth - 1) }
}

function signingInput(header: Members): string {
  return [header, claims()].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')
}

/** Signs by hand, because jose does not sign with such a short key. Neither side gets as far as the signature. */
function signedByHand(): string {
  const input = signingInput({ alg: 'RS256', kid: 'k' })
  return `${input}.${signBytes('sha256', Buffer.from(input), rsaKeyShort).toString('base64url')}`
}
const rsaKeyShort = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey

/** Forges a signature: with the neutral point as R and zero as S, S·B = R + k·A holds for any message. */
function forgedByIdentity(): string {
  return `${signingInput({ alg: 'EdDSA', kid: 'k' })}.${bytes(1, ...Array<number>(63).fill(0))}`
}

/**
 * Forges a signature that is the encoded hash itself (RFC 8017 §9.2): raised to the power of one it does not change.
 */
function forgedByExponentOne({ jwk }: SigningKey): string {
  const input = signingInput({ alg: 'RS256', kid: 'k' })
  const digest = Buffer.concat([
    Buffer.from('3031300d060960864801650304020105000420', 'hex'),
    createHash('sha256').update(input).digest(),
  ])
  const length = Buffer.from(String(jwk['n']), 'base64url').length
  const encoded = Buffer.concat([Buffer.of(0, 1), Buffer.alloc(length - digest.length - 3, 0xff), Buffer.of(0), digest])
  return `${input}.${encoded.toString('base64url')}`
}

function secret(): { jwk: Members; token: string } {
  const bytesOfSecret = Buffer.alloc(32, 7)
  const input = signingInput({ alg: 'HS256', kid: 'k' })
  const signature = createHmac('sha256', bytesOfSecret).update(input).digest('base64url')
  return {
    jwk: { kty: 'oct', kid: 'k', alg: 'HS256', k: bytesOfSecret.toString('base64url') },
    token: `${input}.${signature}`,
  }
}
