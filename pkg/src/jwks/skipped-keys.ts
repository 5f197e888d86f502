import { PortcullisError } from '../errors.ts'
import type { SkippedKey } from '../types.ts'

/** Maximum length of a quoted `kid`, because the server of the set chooses it. */
const MAX_KID_CHARACTERS = 100
/** Maximum number of keys that a message lists. */
const MAX_LISTED = 10
/** Characters outside printable ASCII, and those that would end the quotes. */
const NOT_PLAIN = /[^\x20-\x7e]|["\\]/gu

/** Returns the error for a set with skipped keys. `detail`: the reason if all have the same one, else `several`. */
export function keysSkipped(skipped: readonly SkippedKey[]): PortcullisError {
  const [first, ...others] = new Set(skipped.map(({ reason }) => reason))
  const subject = skipped.length === 1 ? 'a key of the JWK set is' : `${skipped.length} keys of the JWK set are`
  const message = `${subject} not used: ${listOf(skipped)}; tokens that they sign are refused`
  return new PortcullisError('keys_skipped', message, {
    detail: others.length === 0 && first !== undefined ? first : 'several',
  })
}

/**
 * Returns whether a report needs no warning: the set itself declares the skipped keys for another use, such as the
 * encryption key of most sets.
 */
export function isAboutOtherUses({ code, detail }: PortcullisError): boolean {
  return code === 'keys_skipped' && detail === 'not_for_verification'
}

/** Returns the same error with the skipped keys in its message. */
export function namingKeys(error: unknown, skipped: readonly SkippedKey[]): unknown {
  if (!(error instanceof PortcullisError) || error.code !== 'invalid_jwks' || skipped.length === 0) return error
  const { code, detail, cause } = error
  return new PortcullisError(code, `${error.message}: ${listOf(skipped)}`, {
    ...(detail === undefined ? {} : { detail }),
    cause,
  })
}

/** Returns the same keys, with the `kid` that each has in its set. */
export function withKids(skipped: readonly SkippedKey[], set: Uint8Array): readonly SkippedKey[] {
  if (skipped.length === 0) return skipped
  const { keys } = JSON.parse(new TextDecoder().decode(set)) as { keys: ({ kid?: unknown } | null)[] }
  return skipped.map(({ index, reason }) => {
    const kid = keys[index]?.kid
    return { index, ...(typeof kid === 'string' ? { kid: kid.slice(0, MAX_KID_CHARACTERS) } : {}), reason }
  })
}

/** Returns a list such as `keys[0] (kid "a"): too_short, keys[2]: malformed`. */
function listOf(skipped: readonly SkippedKey[]): string {
  const listed = skipped
    .slice(0, MAX_LISTED)
    .map(({ index, kid, reason }) => `keys[${index}]${kid === undefined ? '' : ` (kid "${plain(kid)}")`}: ${reason}`)
  return [...listed, ...(skipped.length > MAX_LISTED ? [`and ${skipped.length - MAX_LISTED} more`] : [])].join(', ')
}

/** Escapes a string of the set's server for logs. */
function plain(kid: string): string {
  return kid.replace(NOT_PLAIN, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`)
}
