import { isName } from '../core/name.ts'
import type { AuditLog } from '../audit/log.ts'
import type { OfIssuer } from '../api.ts'
import type { LedgerCore } from '../core/ledger.ts'
import type { IssuerSession } from '../options.ts'
import type { Settings } from '../settings.ts'
import { administrationOf } from './issuer.ts'
import { clientOf } from './recorder.ts'
import type { SubjectIssuers } from './subject-issuers.ts'

/** The number of audit log lines that are searched for disconnected clients. */
const MAX_LINES = 100

/** One client of a user. */
export interface ListedGrant {
  clientId: string
  /** Active sessions of the user with this client. */
  sessions: number
  /** When the client last used one of these, in unix seconds. */
  lastAccess?: number
  /** The user's tokens issued to it up to this time are refused; unix seconds, 0 if none. */
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
 * Returns the apps of a user by name: the clients of the sessions that an issuer beside the origin knows, unless
 * `grantClaim` names apps by another claim, and recently disconnected clients whose not-before is in force. Returns
 * `undefined` if the issuer runs beside the origin and does not know the user. Rejects with `unknown_realm`,
 * `invalid_event`, `closed`, or as the store and the issuer do.
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

/** Whether the realm's grants are identified by client ids, as sessions are. */
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
