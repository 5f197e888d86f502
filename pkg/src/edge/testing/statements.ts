import { createPrivateKey, type JsonWebKey, sign } from 'node:crypto'
import type { TestRealm } from './realm.ts'

/** The offset of the minor version in a statement, and the length of key id and signature at its end. */
const MINOR_AT = 5
const KEY_ID_BYTES = 8
const SIGNATURE_BYTES = 64
/** The purpose for which a signature is made, by the statement's magic. */
const DOMAINS: Record<string, string> = { PCLM: 'portcullis/v1/manifest\0', PCLD: 'portcullis/v1/delta\0' }

/** Returns the statement as one of another minor version, with more blocks at its end. */
export function asOfMinor(
  realm: TestRealm,
  bytes: Uint8Array,
  minor: number,
  blocks: Uint8Array,
): Uint8Array<ArrayBuffer> {
  const trailer = KEY_ID_BYTES + SIGNATURE_BYTES
  const signed = Buffer.concat([bytes.subarray(0, -trailer), blocks, bytes.subarray(-trailer, -SIGNATURE_BYTES)])
  signed[MINOR_AT] = minor
  return signedBy(realm, signed)
}

/** Returns the statement with one byte changed. */
export function withByte(realm: TestRealm, bytes: Uint8Array, at: number, value: number): Uint8Array<ArrayBuffer> {
  const signed = Buffer.from(bytes.subarray(0, -SIGNATURE_BYTES))
  signed[at] = value
  return signedBy(realm, signed)
}

function signedBy(realm: TestRealm, signed: Buffer): Uint8Array<ArrayBuffer> {
  const domain = Buffer.from(DOMAINS[signed.subarray(0, 4).toString()] ?? '')
  const key = createPrivateKey({ key: realm.signingKey as JsonWebKey, format: 'jwk' })
  return new Uint8Array(Buffer.concat([signed, sign(null, Buffer.concat([domain, signed]), key)]))
}
