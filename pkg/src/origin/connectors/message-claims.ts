import { isObject } from '../../options.ts'
import { isName, MAX_NAME_BYTES } from '../core/name.ts'
import { MessageRefused } from './message-refused.ts'

export type MessageClaims = Readonly<Record<string, unknown>>

/** Checks of message members. All throw `MessageRefused`; a member that is `null` counts as absent. */

/** Reads the name of a user, a session, a client or the message itself; `undefined` if absent. */
export function optionalName(claims: MessageClaims, member: string): string | undefined {
  const value = optional(claims, member)
  if (value === undefined || isName(value)) return value
  throw new MessageRefused('invalid_claim', `${member} must be a string of 1 to ${MAX_NAME_BYTES} bytes of UTF-8`)
}

/** Reads a required name. */
export function requiredName(claims: MessageClaims, member: string): string {
  return optionalName(claims, member) ?? missing(member)
}

/** Reads a list of names; empty if absent. */
export function optionalNames(claims: MessageClaims, member: string): readonly string[] {
  const value = optional(claims, member) ?? []
  if (Array.isArray(value) && value.every(isName)) return value
  throw new MessageRefused(
    'invalid_claim',
    `${member} must be a list of strings of 1 to ${MAX_NAME_BYTES} bytes of UTF-8`,
  )
}

/** Reads unix seconds (RFC 7519 §2, NumericDate): a positive number that may be fractional; `undefined` if absent. */
export function optionalDate(claims: MessageClaims, member: string): number | undefined {
  const value = optional(claims, member)
  if (value === undefined || (typeof value === 'number' && Number.isFinite(value) && value > 0)) return value
  throw new MessageRefused('invalid_claim', `${member} must be a number of unix seconds, more than 0`)
}

/** Reads a required date. */
export function requiredDate(claims: MessageClaims, member: string): number {
  return optionalDate(claims, member) ?? missing(member)
}

/** Reads a required member that is a JSON object. */
export function requiredObject(claims: MessageClaims, member: string): MessageClaims {
  const value = optional(claims, member) ?? missing(member)
  if (isObject(value)) return value
  throw new MessageRefused('invalid_claim', `${member} must be an object`)
}

/** Reads the audiences (RFC 7519 §4.1.3): one or more. */
export function audiencesOf(claims: MessageClaims): readonly string[] {
  const audience = optional(claims, 'aud')
  const names = typeof audience === 'string' ? [requiredName(claims, 'aud')] : optionalNames(claims, 'aud')
  return names.length === 0 ? missing('aud') : names
}

/** Refuses a message that has one of these members. */
export function checkAbsent(claims: MessageClaims, members: readonly string[]): void {
  for (const member of members) {
    if (optional(claims, member) !== undefined)
      throw new MessageRefused('forbidden_claim', `it must not have ${member}`)
  }
}

/** Checks that the issuer (RFC 7519 §4.1.1) is exactly one of these names, and returns it. */
export function checkIssuer(claims: MessageClaims, names: readonly string[]): string {
  const issuer = requiredName(claims, 'iss')
  if (names.includes(issuer)) return issuer
  throw new MessageRefused('wrong_issuer', 'iss is not the issuer of this realm')
}

/**
 * Checks the explicit type of a JWS (RFC 8725 §3.11): a media type, in any case, whose `application/` may be omitted
 * (RFC 7515 §4.1.9).
 */
export function hasType({ typ }: Readonly<Record<string, unknown>>, type: string): boolean {
  return typeof typ === 'string' && typ.toLowerCase().replace(/^application\//, '') === type
}

function optional(claims: MessageClaims, member: string): unknown {
  return Object.hasOwn(claims, member) ? (claims[member] ?? undefined) : undefined
}

function missing(member: string): never {
  throw new MessageRefused('missing_claim', `${member} is missing`)
}
