import { PortcullisError } from '../../errors.ts'
import type { AuditAction } from '../../origin/store/audit-entry.ts'
import type { ClientRegistry } from '../../origin/http/clients.ts'
import type { OriginCors } from '../../origin/http/cors.ts'
import type { FailureLimiter } from '../../origin/http/failure-limiter.ts'
import { Problem, tooManyFailures } from '../../origin/http/problem.ts'
import type { RefreshTokens } from '../refresh-tokens/index.ts'
import type { SigningKeys } from './keys.ts'
import type { Tables } from './tables.ts'
import type { DevClient, DevIssuerOptions, LedgerView } from './types.ts'

/** The options with all defaults applied. */
export type Settings = Required<Omit<DevIssuerOptions, 'path' | 'database' | 'issuer'>> & { issuer: string }

/** The parts of the issuer. */
export interface Issuer {
  settings: Settings
  tables: Tables
  keys: SigningKeys
  clients: ClientRegistry
  cors: OriginCors
  failures: FailureLimiter
  /** Throws until the issuer is attached. */
  origin(): LedgerView
  /** Throws until the issuer is attached. */
  tokens(): RefreshTokens
}

/** One request, read as far as a grant or logout needs it. */
export interface IssuerRequest {
  request: Request
  form: ReadonlyMap<string, string>
  /** The client's network address. */
  address: string | undefined
}

/** Maximum size of a form: two tokens and some names. */
export const MAX_FORM_BYTES = 65_536
/** Longer names share one count: a limiter must not store names that an attacker makes up. */
const MAX_ACCOUNT_CHARACTERS = 128

/** Authenticates the client of a request. Throws a `Problem`: 401, or 429 after too many failures. */
export async function clientOf(issuer: Issuer, call: IssuerRequest): Promise<DevClient> {
  const { request, form, address } = call
  let account: string | undefined
  const attempt = (claimed: string): void => admit(issuer, address, (account = claimed))
  try {
    const { id } = await issuer.clients.authenticate(request, form, { attempt })
    return issuer.settings.clients.find((client) => client.id === id) ?? { id }
  } catch (error) {
    if (!(error instanceof Problem && error.isFailure)) throw error
    if (account !== undefined) issuer.failures.failed(address, { kind: 'account', name: account })
    await note(issuer, { action: 'refused', subject: routeOf(issuer, request), address, detail: error.error })
    throw error
  }
}

/** Returns the route under the name that the origin uses in the audit log. The path is one of the issuer's own. */
function routeOf({ settings }: Issuer, { url }: Request): string {
  return `/realms/{realm}/${new URL(url).pathname.slice(`/realms/${settings.realm}/`.length)}`
}

/**
 * Tries a user's password. A wrong one counts against the address, and against the pair of address and name. Beyond the
 * limit, concurrent attempts are refused too. Throws a `Problem` (429).
 */
export async function tryPassword(
  issuer: Issuer,
  address: string | undefined,
  name: string,
  verify: () => Promise<boolean>,
): Promise<boolean> {
  const account = `user:${name.slice(0, MAX_ACCOUNT_CHARACTERS)}`
  admit(issuer, address, account)
  const isGood = await verify()
  admit(issuer, address, account)
  if (!isGood) issuer.failures.failed(address, { kind: 'account', name: account })
  return isGood
}

function admit({ failures }: Issuer, address: string | undefined, account: string): void {
  const seconds = failures.retryAfterSeconds(address, { kind: 'account', name: account })
  if (seconds !== undefined) throw tooManyFailures(seconds)
}

/** Ends a session in the ledger, then here. Throws the ledger's errors. */
export async function endSession(
  issuer: Issuer,
  { session, subject, address }: { session: string; subject: string; address: string | undefined },
): Promise<void> {
  const actor = `user:${subject}`
  await issuer.tokens().endSession(session, address === undefined ? { actor } : { actor, address })
  await note(issuer, { action: 'logout', actor, subject: session, address })
}

interface AuditNote {
  action: AuditAction
  actor?: string | undefined
  subject?: string | undefined
  address?: string | undefined
  detail?: string
}

/**
 * Adds a line to the audit log. If that fails, the origin has reported its store, and the response stays the same: a
 * spent refresh token cannot be used again.
 */
export async function note({ settings, origin }: Issuer, happened: AuditNote): Promise<void> {
  const given = Object.fromEntries(Object.entries(happened).filter(([, value]) => value !== undefined))
  await origin()
    .audit.note({ ...given, action: happened.action, realm: settings.realm })
    .catch(() => undefined)
}

export function unixSeconds(): number {
  return Math.floor(Date.now() / 1000)
}

export function notAttached(): PortcullisError {
  return new PortcullisError(
    'fault',
    'the development issuer has no origin: call issuer.attach(origin) before it serves',
  )
}
