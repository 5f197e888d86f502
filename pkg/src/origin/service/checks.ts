import { PortcullisError } from '../../errors.ts'
import { isName, MAX_NAME_BYTES } from '../core/name.ts'

/** Checks of a verb's arguments. All throw `invalid_event`. */

export function checkName(what: string, value: unknown): string {
  if (isName(value)) return value
  throw refused('invalid_name', `${what} must be a string of 1 to ${MAX_NAME_BYTES} bytes of UTF-8`)
}

/** Checks an optional not-before. */
export function checkNotBefore(notBefore: unknown): { notBefore?: number } {
  if (notBefore === undefined) return {}
  if (Number.isSafeInteger(notBefore) && Number(notBefore) > 0) return { notBefore: Number(notBefore) }
  throw refused('invalid_time', 'notBefore must be a whole number of unix seconds, more than 0')
}

/** Checks the event's own time, if its source states one. It may be fractional, like any NumericDate. */
export function checkOccurrence({ occurredAt }: { occurredAt?: unknown } = {}): { occurredAt?: number } {
  if (occurredAt === undefined) return {}
  if (typeof occurredAt === 'number' && Number.isFinite(occurredAt) && occurredAt > 0) return { occurredAt }
  throw refused('invalid_time', 'occurredAt must be a number of unix seconds, more than 0')
}

/** Checks the times of a token, if they are known. */
export function checkTokenTimes(expiresAt: unknown, issuedAt: unknown): { expiresAt?: number; issuedAt?: number } {
  const times = Object.entries({ expiresAt, issuedAt }).filter(([, value]) => value !== undefined)
  for (const [name, value] of times) {
    if (!Number.isSafeInteger(value) || Number(value) <= 0)
      throw refused('invalid_time', `${name} must be a whole number of unix seconds, more than 0`)
  }
  return Object.fromEntries(times)
}

export function checkVersion(what: string, value: unknown): number {
  if (Number.isSafeInteger(value) && Number(value) >= 0) return Number(value)
  throw refused('invalid_version', `${what} must be a whole number, 0 or more`)
}

export function checkThumbprint(value: unknown): string {
  if (typeof value === 'string' && /^[A-Za-z0-9_-]{43}$/.test(value)) return value
  throw refused('unknown_key', "thumbprint must be a key's RFC 7638 thumbprint, 43 characters")
}

export function refused(detail: string, message: string): PortcullisError {
  return new PortcullisError('invalid_event', message, { detail })
}
