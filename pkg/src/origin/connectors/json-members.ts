// Reads members of JSON that others have signed or sent, by the same rules as for access tokens.

import { scanJson } from '../../json-scanner.ts'

/** Drops members that are `null`, except those in `kept`. */
export function withoutNulls(
  object: Readonly<Record<string, unknown>>,
  kept: readonly string[] = [],
): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(object).filter(([name, value]) => value !== null || kept.includes(name)))
}

/** Header parameters that are refused with any value (RFC 7515 §4.1.11, RFC 7797 §3): no extension is supported. */
export const EXTENSIONS: readonly string[] = ['crit', 'b64']

/** Integers that can be ids, in shortest decimal form, so that each has one representation. */
const INTEGER = /^(?:0|-?[1-9]\d{0,15})$/

/**
 * Returns the JSON with each of these integers as a string, because parsing would lose their exact digits. `members`
 * limits this to the values of those members. Input that is not JSON is returned unchanged.
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
