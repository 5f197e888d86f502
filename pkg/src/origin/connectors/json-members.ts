// How members are read of JSON that others have signed or sent: by the same rules as access tokens.

/** A member that is `null` counts as absent; those in `kept` stay. */
export function withoutNulls(
  object: Readonly<Record<string, unknown>>,
  kept: readonly string[] = [],
): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(object).filter(([name, value]) => value !== null || kept.includes(name)))
}

/** Header parameters that are refused whatever they hold (RFC 7515 §4.1.11, RFC 7797 §3): no extension is known. */
export const EXTENSIONS: readonly string[] = ['crit', 'b64']

/** The name of a member with its colon, other strings, and numbers of a JSON text. */
const NAME_STRING_OR_NUMBER = /("(?:[^"\\]|\\.)*")\s*:|"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*/g
/** The integers that are ids: in shortest decimal form, so that each has one spelling. */
const INTEGER = /^(?:0|-?[1-9]\d{0,15})$/

/**
 * JSON with each of these integers as a string, for their digits are gone once the text is parsed. `members`: only the
 * values of these.
 */
export function withTextualIntegers(text: string, members?: readonly string[]): string {
  let member = ''
  return text.replace(NAME_STRING_OR_NUMBER, (part: string, name: string | undefined) => {
    if (name !== undefined) member = name.slice(1, -1)
    const isId = INTEGER.test(part) && Number.isSafeInteger(Number(part)) && (members?.includes(member) ?? true)
    return isId ? `"${part}"` : part
  })
}
