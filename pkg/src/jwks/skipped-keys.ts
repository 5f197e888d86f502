import { PortcullisError } from '../errors.ts'
import type { SkippedKey } from '../types.ts'

/** Maximum length of a quoted `kid`: the set's server chooses it. */
const MAX_KID_CHARACTERS = 100
/** How many keys a message lists. */
const MAX_LISTED = 10
/** Characters outside printable ASCII, and those that would end the quotes. */
const NOT_PLAIN = /[^\x20-\x7e]|["\\]/gu

/**
 * The error of a set with skipped keys. `detail`: the reason if all have the same one, else `several`.
 */
export function keysSkipped(skipped: readonly SkippedKey[]): PortcullisError {
  const [first, ...others] = new Set(skipped.map(({ reason }) => reason))
  const subject = skipped.length === 1 ? 'a key of the JWK set is' : `${skipped.length} keys of the JWK set are`
  const message = `${subject} not used: ${listOf(skipped)}; tokens that they sign are refused`
  return new PortcullisError('keys_skipped', message, {
    detail: others.length === 0 && first !== undefined ? first : 'several',
  })
}

/**
 * Whether a report needs no warning: its keys are for another use, by what the set says, such as the encryption key of
 * most sets.
 */
export function isAboutOtherUses({ code, detail }: PortcullisError): boolean {
  return code === 'keys_skipped' && detail === 'not_for_verification'
}

/** The same error, with the keys that were skipped in its message. */
export function namingKeys(error: unknown, skipped: readonly SkippedKey[]): unknown {
  if (!(error instanceof PortcullisError) || error.code !== 'invalid_jwks' || skipped.length === 0) return error
  const { code, detail, cause } = error
  return new PortcullisError(code, `${error.message}: ${listOf(skipped)}`, {
    ...(detail === undefined ? {} : { detail }),
    cause,
  })
}

/** The same keys, with the `kid` that each has in its set. */
export function withKids(skipped: readonly SkippedKey[], set: Uint8Array): readonly SkippedKey[] {
  if (skipped.length === 0) return skipped
  const { keys } = JSON.parse(new TextDecoder().decode(set)) as { keys: ({ kid?: unknown } | null)[] }
  return skipped.map(({ index, reason }) => {
    const kid = keys[index]?.kid
    return { index, ...(typeof kid === 'string' ? { kid: kid.slice(0, MAX_KID_CHARACTERS) } : {}), reason }
  })
}

/** Such as `keys[0] (kid "a"): too_short, keys[2]: malformed`. */
function listOf(skipped: readonly SkippedKey[]): string {
  const listed = skipped
    .slice(0, MAX_LISTED)
    .map(({ index, kid, reason }) => `keys[${index}]${kid === undefined ? '' : ` (kid "${plain(kid)}")`}: ${reason}`)
  return [...listed, ...(skipped.length > MAX_LISTED ? [`and ${skipped.length - MAX_LISTED} more`] : [])].join(', ')
}

/** Escapes a string from the key set's server for logs. */
function plain(kid: string): string {
  return kid.replace(NOT_PLAIN, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`)
}
