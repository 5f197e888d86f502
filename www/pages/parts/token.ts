// What any holder of a token can read of it, unverified; for showing, never for deciding.

export interface TokenParts {
  /** `undefined`: it cannot be read. */
  header: Record<string, unknown> | undefined
  claims: Record<string, unknown> | undefined
}

/** The longest text that is taken apart; gates read no longer ones either, unless told to. */
export const MAX_SHOWN_CHARACTERS = 16_384

export function readToken(token: string): TokenParts {
  const [header = '', claims = ''] = token.length > MAX_SHOWN_CHARACTERS ? [] : token.split('.')
  return { header: readObject(header), claims: readObject(claims) }
}

/**
 * A value as JSON on one line. What would not be seen, or would change the order of what is (control characters,
 * invisible ones, changes of direction), is written as an escape, as JSON allows.
 */
export function shownValue(value: unknown): string {
  return visible(JSON.stringify(value))
}

/** A claim's name, without what cannot be seen. */
export function visible(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (character) => {
    const units = Array.from({ length: character.length }, (_, index) => character.charCodeAt(index))
    return units.map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`).join('')
  })
}

function readObject(part: string): Record<string, unknown> | undefined {
  try {
    const binary = atob(part.replaceAll('-', '+').replaceAll('_', '/'))
    const bytes = Uint8Array.from(binary, (character) => character.charCodeAt(0))
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
    return isObject ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}
