// Assertions of the contract, which must run without an assertion library.

import type { ErrorCode } from '../../../errors.ts'

/** The maximum length of a value in a message. */
const MAX_SHOWN = 400

/** Throws unless both are equal: bytes by content; members that are `undefined` count as absent. */
export function same(actual: unknown, expected: unknown, what: string): void {
  if (!alike(actual, expected)) throw new Error(`${what}: expected ${shown(expected)}, got ${shown(actual)}`)
}

export function holds(condition: boolean, what: string): void {
  if (!condition) throw new Error(what)
}

/** Throws unless the work fails with a `PortcullisError` of that code. Returns its message. */
export async function refused(work: () => unknown, code: ErrorCode, what: string): Promise<string> {
  let error: unknown
  try {
    await work()
  } catch (cause) {
    error = cause
  }
  if (error === undefined) throw new Error(`${what}: expected ${code}, but nothing was thrown`)
  const { name, code: thrown, message } = error as { name?: unknown; code?: unknown; message?: unknown }
  const isExpected = name === 'PortcullisError' && thrown === code && typeof message === 'string' && message !== ''
  if (!isExpected)
    throw new Error(
      `${what}: expected a PortcullisError ${code}, got ${String(name)} ${String(thrown)}: ${String(message)}`,
    )
  return message
}

function alike(actual: unknown, expected: unknown): boolean {
  if (Object.is(actual, expected)) return true
  if (actual instanceof Uint8Array || expected instanceof Uint8Array) {
    if (!(actual instanceof Uint8Array && expected instanceof Uint8Array) || actual.byteLength !== expected.byteLength)
      return false
    return actual.every((byte, index) => byte === expected[index])
  }
  if (Array.isArray(actual) || Array.isArray(expected)) {
    if (!(Array.isArray(actual) && Array.isArray(expected)) || actual.length !== expected.length) return false
    return actual.every((each, index) => alike(each, expected[index]))
  }
  if (!isObject(actual) || !isObject(expected)) return false
  const names = new Set([...Object.keys(actual), ...Object.keys(expected)])
  return [...names].every((name) => alike(actual[name], expected[name]))
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

function shown(value: unknown): string {
  const text = JSON.stringify(value, (_, each: unknown) =>
    each instanceof Uint8Array ? `${each.byteLength} bytes ${hexOf(each)}` : each,
  )
  return text === undefined ? String(value) : text.slice(0, MAX_SHOWN)
}

function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes.subarray(0, 32), (byte) => byte.toString(16).padStart(2, '0')).join('')
}
