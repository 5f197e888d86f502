import type { Presented } from '../../http/bearer.ts'
import { members, trimmed } from './members.ts'

/**
 * Returns the token in the cookie of this exact name (RFC 6265 §5.4; names are case-sensitive). If the name occurs
 * twice, which a subdomain or a path can cause, no choice is made between them. Nothing is decoded, because no
 * character of a token needs it.
 */
export function cookieToken(header: string | null, name: string): Presented {
  let found: string | undefined
  for (const pair of members(header ?? '', ';')) {
    const equals = pair.startsWith(name) ? pair.indexOf('=', name.length) : -1
    if (equals === -1 || trimmed(pair, 0, equals) !== name) continue
    if (found !== undefined) return { kind: 'several' }
    found = trimmed(pair, equals + 1)
  }
  if (found === undefined) return { kind: 'nothing' }
  // A cookie's value cannot contain a comma (RFC 6265 §4.1.1): a second Cookie header was joined to the first.
  return found.includes(',') ? { kind: 'several' } : { kind: 'token', token: unquoted(found) }
}

/** Removes the double quotes that may enclose the value (RFC 6265 §4.1.1). */
function unquoted(value: string): string {
  return value.length > 1 && value.startsWith('"') && value.endsWith('"') ? value.slice(1, -1) : value
}
