import { type Reason, statusOf } from '../reasons.ts'
import type { Claims, Header, Refused, Verdict } from '../types.ts'
import type { Finding } from './core.ts'
import type { Realm } from './realm.ts'

/** The verdict that follows from what the core found. Header and claims are read only from a token that it accepted. */
export function verdictOf<C extends Claims>(found: Finding, realm: Realm | undefined, token: string): Verdict<C> {
  if (found.reason !== undefined) return refused(found.reason)
  if (realm === undefined) return refused('wrong_issuer')
  const [header = '', claims = ''] = token.split('.', 2)
  return {
    ok: true,
    claims: readPart(claims) as C,
    header: readPart(header) as Header,
    realm: realm.name,
    sequence: realm.state.sequence,
  }
}

export function refused(reason: Reason): Refused {
  return { ok: false, reason, status: statusOf(reason) }
}

/** The `kid` that a token's header claims, or the empty text. Good only for deciding whether to look for a key. */
export function claimedKeyId(token: string): string {
  try {
    const { kid } = readPart(token.split('.', 1)[0] ?? '') as Partial<Header>
    return typeof kid === 'string' ? kid : ''
  } catch {
    return ''
  }
}

const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

/** Node, Deno, Bun and workerd with Node compatibility have a decoder much faster than `atob`. */
const buffers = (globalThis as { Buffer?: { from(text: string, encoding: 'base64url'): Uint8Array } }).Buffer

/** Reads a base64url-coded JSON object (RFC 7515 §3). */
function readPart(part: string): unknown {
  if (buffers !== undefined) return JSON.parse(decoder.decode(buffers.from(part, 'base64url')))
  const binary = atob(part.replaceAll('-', '+').replaceAll('_', '/'))
  return JSON.parse(decoder.decode(Uint8Array.from(binary, (character) => character.charCodeAt(0))))
}
