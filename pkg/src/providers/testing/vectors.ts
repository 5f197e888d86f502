// Tokens as shown in a vendor's documentation, and the gate's expected verdicts.

import { readFileSync } from 'node:fs'
import type { Reason } from '../../reasons.ts'
import * as exported from '../index.ts'
import type { Provider, Reach } from '../index.ts'

/** A decoded token. */
export interface TokenShape {
  name: string
  header: { alg: string; kid: string } & Record<string, unknown>
  /** With the times of the page: `atNow` moves them. */
  claims: Record<string, unknown>
  /** The options of the provider's function, if they differ from those of the file. */
  options?: Record<string, unknown>
}

export interface AcceptedShape extends TokenShape {
  /** The kinds of revocation that reach this token, if fewer than the provider's `facts.reaches`. */
  reaches?: Reach[]
}

interface RefusedShape extends TokenShape {
  reason: Reason
}

export interface Vectors {
  /** The options of the provider's function. */
  options: Record<string, unknown>
  accepted: AcceptedShape[]
  refused: RefusedShape[]
}

/** A provider exported by the package, with its name there and that of its files. */
interface ExportedProvider {
  name: string
  file: string
  provider: Provider<object>
}

/** Returns every provider of `portcullis/providers`. */
export function exportedProviders(): ExportedProvider[] {
  return Object.entries(exported).flatMap(([name, value]) => {
    return 'facts' in value ? [{ name, file: fileOf(name), provider: value as Provider<object> }] : []
  })
}

/** Returns the vectors of a provider: `vectors/<file>.json`. */
export function vectorsOf(file: string): Vectors {
  return JSON.parse(readFileSync(new URL(`../vectors/${file}.json`, import.meta.url), 'utf8')) as Vectors
}

/** `cloudflareAccess` is in `cloudflare-access.ts`. */
function fileOf(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
}

const TIMES = ['exp', 'nbf', 'iat', 'auth_time']

/** Returns the claims as if the token had been issued `secondsAgo`. */
export function atNow(claims: Readonly<Record<string, unknown>>, secondsAgo = 10): Record<string, unknown> {
  const later = Math.floor(Date.now() / 1000) - secondsAgo - Number(claims['iat'])
  const moved = (name: string, value: unknown): unknown =>
    TIMES.includes(name) && typeof value === 'number' ? value + later : value
  return Object.fromEntries(Object.entries(claims).map(([name, value]) => [name, moved(name, value)]))
}
