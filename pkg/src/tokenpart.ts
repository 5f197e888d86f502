const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

/** Node, Deno, Bun and workerd with Node compatibility have a decoder much faster than `atob`. */
const buffers = (globalThis as { Buffer?: { from(text: string, encoding: 'base64url'): Uint8Array } }).Buffer

/** Reads the header or the claims of a token: a base64url-coded JSON object (RFC 7515 §3). Throws for what is none. */
export function readPart(part: string): unknown {
  if (buffers !== undefined) return JSON.parse(decoder.decode(buffers.from(part, 'base64url')))
  const binary = atob(part.replaceAll('-', '+').replaceAll('_', '/'))
  return JSON.parse(decoder.decode(Uint8Array.from(binary, (character) => character.charCodeAt(0))))
}

/** The `kid` that a token's header claims, or the empty text. Good only for deciding whether to look for a key. */
export function claimedKeyId(token: string): string {
  try {
    const { kid } = readPart(token.split('.', 1)[0] ?? '') as { kid?: unknown }
    return typeof kid === 'string' ? kid : ''
  } catch {
    return ''
  }
}
