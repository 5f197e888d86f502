import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto'

/** scrypt's parameters (RFC 7914 §2): 16 MiB and some 50 ms per guess. */
const COST = { N: 16_384, r: 8, p: 1 }
const HASH_BYTES = 32
const SALT_BYTES = 16
/** Longer passwords are refused, to bound the cost of a login. */
const MAX_PASSWORD_CHARACTERS = 1_024

/** Returns a salted hash, as `verifyPassword` reads it. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(SALT_BYTES)
  return `${salt.toString('base64url')}.${(await hash(password, salt)).toString('base64url')}`
}

/** Verifies a password. For an unknown user (`undefined`) it takes as long as for a wrong password. */
export async function verifyPassword(password: string, stored: string | undefined): Promise<boolean> {
  if (password.length > MAX_PASSWORD_CHARACTERS) return false
  const [salt = '', expected = ''] = (stored ?? '').split('.')
  const given = await hash(password, Buffer.from(salt, 'base64url'))
  const known = Buffer.from(expected, 'base64url')
  return known.length === given.length && timingSafeEqual(known, given)
}

function hash(password: string, salt: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(password, salt, HASH_BYTES, COST, (error, key) => (error === null ? resolve(key) : reject(error)))
  })
}
