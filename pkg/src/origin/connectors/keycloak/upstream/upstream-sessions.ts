import { isObject } from '../../../../options.ts'
import type { AdminAnswer, AdminClient, AdminRequest } from '../client/admin-client.ts'
import { failure } from '../client/failure.ts'

/** A session as the admin API lists it. Times are in unix seconds, or `undefined` if not stated. */
interface ListedSession {
  readonly id: string
  readonly start: number | undefined
  readonly lastAccess: number | undefined
  /** The `client_id`s that take part in it. */
  readonly clients: readonly string[]
}

/** Whether the session belongs to a browser or to an offline token. */
type SessionKind = 'online' | 'offline'

export const MANAGE_USERS: AdminRequest = { right: 'manage-users' }
const PAGE = 500

/** Ends a session of either kind. Also resolves if it does not exist. Rejects as `AdminClient` does. */
export async function endSession(
  admin: AdminClient,
  sid: string,
  kinds: readonly SessionKind[] = ['online', 'offline'],
): Promise<void> {
  const query = { online: [], offline: [['isOffline', 'true']] } as const
  for (const kind of kinds) expected(await admin.delete(['sessions', sid], { ...MANAGE_USERS, query: query[kind] }))
}

/** Ends the sessions of a user that began by `until` (unix seconds), one by one. Rejects as `AdminClient` does. */
export async function endSessionsOf(admin: AdminClient, sub: string, until: number): Promise<void> {
  for (const { id } of (await sessionsOf(admin, sub)).filter(beganBy(until))) await endSession(admin, id, ['online'])
}

/**
 * Ends a user's sessions of offline tokens that began by `until`; a logout does not affect them. Rejects as
 * `AdminClient` does.
 */
export async function endOfflineSessionsOf(admin: AdminClient, sub: string, until: number): Promise<void> {
  for (const client of await clientsWithOfflineTokens(admin, sub)) {
    const sessions = listedSessions(expected(await admin.get(['users', sub, 'offline-sessions', client], MANAGE_USERS)))
    for (const { id } of sessions.filter(beganBy(until))) await endSession(admin, id, ['offline'])
  }
}

/** Returns the sessions of a user; none if the user is unknown. */
export async function sessionsOf(admin: AdminClient, sub: string): Promise<ListedSession[]> {
  return listedSessions(expected(await admin.get(['users', sub, 'sessions'], MANAGE_USERS)))
}

/**
 * Ends the realm's sessions that began by `until` and were used since `usedSince` (unix seconds): they hold refresh
 * tokens that the realm's not-before does not cover.
 */
export async function endSessionsUsedSince(admin: AdminClient, until: number, usedSince: number): Promise<void> {
  const found = new Map<string, readonly [string, SessionKind]>()
  for await (const client of pages(admin, ['clients'])) {
    for (const kind of ['online', 'offline'] as const) {
      const path = ['clients', textOf(client, 'id'), kind === 'online' ? 'user-sessions' : 'offline-sessions']
      for await (const listed of pages(admin, path)) {
        const session = sessionOf(listed)
        if (beganBy(until)(session) && (session.lastAccess ?? usedSince) >= usedSince)
          found.set(`${kind} ${session.id}`, [session.id, kind])
      }
    }
  }
  for (const [id, kind] of found.values()) await endSession(admin, id, [kind])
}

/** Returns a response that completes an act: a success, or 404. */
export function expected(answer: AdminAnswer): AdminAnswer {
  if (answer.status < 300 || answer.status === 404) return answer
  throw failure('act_refused', `Keycloak refused an act with status ${answer.status}: check its log`)
}

/** Returns a test of whether a session began by `until`. A session without a stated start counts as one that did. */
function beganBy(until: number): (session: ListedSession) => boolean {
  return ({ start }) => (start ?? until) <= until
}

/** Returns the internal ids of the clients with an offline token of the user; the list of consents contains them. */
async function clientsWithOfflineTokens(admin: AdminClient, sub: string): Promise<string[]> {
  const consents = listOf(expected(await admin.get(['users', sub, 'consents'], MANAGE_USERS)))
  const grants = consents.flatMap((consent) =>
    isObject(consent) && Array.isArray(consent['additionalGrants']) ? (consent['additionalGrants'] as unknown[]) : [],
  )
  return grants.flatMap((grant) =>
    isObject(grant) && grant['key'] === 'Offline Token' && typeof grant['client'] === 'string' ? [grant['client']] : [],
  )
}

async function* pages(admin: AdminClient, path: readonly string[]): AsyncGenerator<unknown> {
  for (let first = 0; ; first += PAGE) {
    const query = [
      ['first', String(first)],
      ['max', String(PAGE)],
    ] as const
    const page = listOf(expected(await admin.get(path, { right: 'view-clients', query })))
    yield* page
    if (page.length < PAGE) return
  }
}

function listedSessions(answer: AdminAnswer): ListedSession[] {
  return listOf(answer).map(sessionOf)
}

function listOf({ status, body }: AdminAnswer): unknown[] {
  if (status === 404) return []
  if (Array.isArray(body)) return body
  throw unlikeList()
}

function sessionOf(listed: unknown): ListedSession {
  const id = textOf(listed, 'id')
  const { start, lastAccess, clients } = listed as Record<string, unknown>
  const names = isObject(clients) ? Object.values(clients).filter((name) => typeof name === 'string') : []
  return { id, start: secondsOf(start), lastAccess: secondsOf(lastAccess), clients: names }
}

function textOf(listed: unknown, member: string): string {
  if (isObject(listed) && typeof listed[member] === 'string') return listed[member]
  throw unlikeList()
}

function secondsOf(milliseconds: unknown): number | undefined {
  return typeof milliseconds === 'number' && Number.isFinite(milliseconds) ? Math.floor(milliseconds / 1000) : undefined
}

function unlikeList(): Error {
  return failure(
    'not_json',
    'Keycloak sent something other than the requested list: check baseUrl, and any proxy in front of Keycloak',
  )
}
