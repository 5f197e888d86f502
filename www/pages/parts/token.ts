// Header and claims of a token, unverified. For display only, never for a decision.

interface TokenParts {
  /** `undefined` if it cannot be parsed. */
  header: Record<string, unknown> | undefined
  claims: Record<string, unknown> | undefined
}

/** The longest token that is parsed; also the default limit of gates. */
export const MAX_SHOWN_CHARACTERS = 16_384

export function readToken(token: string): TokenParts {
  const [header = '', claims = ''] = token.length > MAX_SHOWN_CHARACTERS ? [] : token.split('.')
  return { header: readObject(header), claims: readObject(claims) }
}

/**
 * Returns a value as JSON on one line. Characters that are invisible or reorder text (control, format and bidirectional
 * characters) are escaped, as JSON allows.
 */
export function shownValue(value: unknown): string {
  return visible(JSON.stringify(value))
}

/** Returns a claim's name with invisible characters escaped. */
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
