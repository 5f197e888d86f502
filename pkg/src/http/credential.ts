import { rule, type Rule } from '../options.ts'

/** A header value that is transmitted unchanged (RFC 9110 §5.5; `fetch` throws for characters beyond Latin-1). */
export const headerValue: Rule<string> = rule(
  'a string of Latin-1 characters, without control characters or a space at its start or end',
  isHeaderValue,
  { type: 'string', minLength: 1 },
)

/** Credentials after `Bearer`. A comma would turn them into two (RFC 9110 §5.3). */
export const bearerCredential: Rule<string> = rule(
  'a string of Latin-1 characters, without commas, control characters, or a space at its start or end',
  isBearerCredential,
  { type: 'string', minLength: 1 },
)

export function isBearerCredential(value: unknown): value is string {
  return isHeaderValue(value) && !value.includes(',')
}

function isHeaderValue(value: unknown): value is string {
  return typeof value === 'string' && /^[\x21-\x7e\xa0-\xff](?:[\x20-\x7e\xa0-\xff]*[\x21-\x7e\xa0-\xff])?$/.test(value)
}
