// How members are read of JSON that others have signed or sent: by the same rules as access tokens.

import { scanJson } from '../../json-scanner.ts'

/** A member that is `null` counts as absent; those in `kept` stay. */
export function withoutNulls(
  object: Readonly<Record<string, unknown>>,
  kept: readonly string[] = [],
): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(object).filter(([name, value]) => value !== null || kept.includes(name)))
}

/** Header parameters that are refused whatever they hold (RFC 7515 §4.1.11, RFC 7797 §3): no extension is known. */
export const EXTENSIONS: readonly string[] = ['crit', 'b64']

/** The integers that are ids: in shortest decimal form, so that each has one spelling. */
const INTEGER = /^(?:0|-?[1-9]\d{0,15})$/

/**
 * Returns JSON with these integers as strings, because parsing loses their digits. `members`: only the values of these.
 * A text that is not JSON is returned as it is.
 */
export function withTextualIntegers(text: string, members?: readonly string[]): string {
  const parts: string[] = []
  let end = 0
  const fault = scanJson(text, ({ from, to, member }) => {
    const digits = text.slice(from, to)
    if (members !== undefined && (member === undefined || !members.includes(member))) return
    if (!INTEGER.test(digits) || !Number.isSafeInteger(Number(digits))) return
    parts.push(text.slice(end, from), `"${digits}"`)
    end = to
  })
  return fault?.kind === 'syntax' ? text : parts.join('') + text.slice(end)
}
