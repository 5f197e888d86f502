const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

/** Native base64 decoding of newer engines, and `Buffer` of Node, Deno and Bun: both are much faster than `atob`. */
const { fromBase64 } = Uint8Array as { fromBase64?: (text: string, options: { alphabet: 'base64url' }) => Uint8Array }
const buffers = (globalThis as { Buffer?: { from(text: string, encoding: 'base64url'): Uint8Array } }).Buffer

/**
 * Parses the header or the claims of a token: a base64url-encoded JSON object (RFC 7515 §3). Throws for anything else.
 */
export function readPart(part: string): unknown {
  return JSON.parse(textOfPart(part))
}

/** Decodes the header or the claims to a string. Throws unless the part is base64url. */
export function textOfPart(part: string): string {
  return decoder.decode(bytesOf(part))
}

function bytesOf(part: string): Uint8Array {
  if (fromBase64 !== undefined) return fromBase64.call(Uint8Array, part, { alphabet: 'base64url' })
  if (buffers !== undefined) return buffers.from(part, 'base64url')
  const binary = atob(part.replaceAll('-', '+').replaceAll('_', '/'))
  return Uint8Array.from(binary, (character) => character.charCodeAt(0))
}

/** Returns the `iss` of a token's unverified claims. Only use it to decide whose keys to look up. */
export function claimedIssuer(token: string): string | undefined {
  try {
    const { iss } = readPart(token.split('.', 2)[1] ?? '') as { iss?: unknown }
    return typeof iss === 'string' ? iss : undefined
  } catch {
    return undefined
  }
}

/** Returns the unverified claim of a token that names its issuer. Throws unless the claims are a JSON object. */
export function statedIssuer(token: string, claim: string): unknown {
  return (readPart(token.split('.', 2)[1] ?? '') as Record<string, unknown>)[claim]
}

/**
 * Returns the `kid` of a token's unverified header, or the empty string. Only use it to decide whether to look up a
 * key.
 */
export function claimedKeyId(token: string): string {
  try {
    const { kid } = readPart(token.split('.', 1)[0] ?? '') as { kid?: unknown }
    return typeof kid === 'string' ? kid : ''
  } catch {
    return ''
  }
}
