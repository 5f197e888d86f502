import { isName } from '../core/name.ts'
import type { AuditLog } from '../audit/log.ts'
import type { OfIssuer } from '../api.ts'
import type { LedgerCore } from '../core/ledger.ts'
import type { IssuerSession } from '../options.ts'
import type { Settings } from '../settings.ts'
import { administrationOf } from './issuer.ts'
import { clientOf } from './recorder.ts'
import type { SubjectIssuers } from './subject-issuers.ts'

/** Lines of the audit log in which disconnected clients are looked for. */
const MAX_LINES = 100

/** One client of a user. */
export interface ListedGrant {
  clientId: string
  /** Sessions of the user that have not ended and have this client. */
  sessions: number
  /** When the client last used one of these, in unix seconds. */
  lastAccess?: number
  /** Its tokens of the user that were issued up to then are refused; unix seconds, 0: none. */
  notBefore: number
}

export interface GrantsOptions {
  settings: Settings
  audit: AuditLog
  issuers: SubjectIssuers
  /** Throws `unknown_realm` or `closed`. */
  ledger: (realm: string) => LedgerCore
}

/**
 * The apps of a user by name: the clients of the sessions that an issuer beside the origin knows, unless `grantClaim`
 * names apps by another claim, and those that were disconnected lately and whose not-before is in force. `undefined`:
 * the issuer stands beside the origin and has no such user. Rejects with `unknown_realm`, `invalid_event`, `closed`, or
 * as the store and the issuer do.
 */
export async function listGrants(
  { settings, audit, issuers, ledger }: GrantsOptions,
  realm: string,
  sub: string,
  of: OfIssuer = {},
): Promise<ListedGrant[] | undefined> {
  const { issuer: name } = issuers.memberOf(realm, of.issuer)
  const notBefore = (client: string): number => ledger(realm).grantNotBefore(sub, client, name)
  const issuer = administrationOf(settings, realm)
  const sessions = issuer === undefined ? [] : await issuer.sessions(sub)
  if (sessions === undefined) return undefined
  const ended = await audit.list({ realm, action: 'grant_ended', subject: sub, limit: MAX_LINES })
  const disconnected = ended
    .map(({ detail }) => clientOf(detail))
    .filter(isName)
    .filter((client) => notBefore(client) > 0)
  const clients = new Set([
    ...(namesClients(settings, realm) ? sessions.flatMap((session) => session.clients) : []),
    ...disconnected,
  ])
  return [...clients]
    .sort()
    .map((clientId) => ({ ...useOf(sessions, clientId), clientId, notBefore: notBefore(clientId) }))
}

/** Whether the realm's grants are named by client ids, as sessions are. */
function namesClients({ realms }: Pick<Settings, 'realms'>, realm: string): boolean {
  const claim = realms.find(({ name }) => name === realm)?.grantClaim
  return claim === undefined || claim === 'azp' || claim === 'client_id'
}

function useOf(sessions: readonly IssuerSession[], client: string): Pick<ListedGrant, 'sessions' | 'lastAccess'> {
  const own = sessions.filter(({ clients }) => clients.includes(client))
  return {
    sessions: own.length,
    ...(own.length === 0 ? {} : { lastAccess: Math.max(...own.map(({ lastAccess }) => lastAccess)) }),
  }
}
