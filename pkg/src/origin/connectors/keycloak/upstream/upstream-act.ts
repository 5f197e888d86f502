import type { PortcullisError } from '../../../../errors.ts'
import { isObject } from '../../../../options.ts'
import type { AdminAnswer, AdminClient, AdminRequest } from '../client/admin-client.ts'
import { failure, isFailure } from '../client/failure.ts'
import type { KeycloakMessage } from './upstream-message.ts'
import {
  endOfflineSessionsOf,
  endSession,
  endSessionsOf,
  endSessionsUsedSince,
  expected,
  MANAGE_USERS,
  sessionsOf,
} from './upstream-sessions.ts'

/** The result of an act at Keycloak. */
interface Performed {
  /**
   * The time by which Keycloak had performed it: no token that the act should have prevented was issued later. Unix
   * seconds if Keycloak states them, else `now`. Absent if the act followed the event at once.
   */
  readonly upTo?: number | 'now'
  /** The error for the part that could not be performed because a right is missing. */
  readonly lacking?: PortcullisError
}

/**
 * How an act is performed: `whole`, by the operation that ends everything that exists now, or `by_time`, so that what
 * began after the event continues.
 */
export type Manner = 'whole' | 'by_time'

const MANAGE_REALM: AdminRequest = { right: 'manage-realm' }
const MANAGE_CLIENTS: AdminRequest = { right: 'manage-clients' }

/**
 * Performs an act at Keycloak; an act that was already performed succeeds. Rejects as `AdminClient` does, or with
 * `act_refused`.
 */
export async function performAct(
  admin: AdminClient,
  message: Exclude<KeycloakMessage, { kind: 'lastLogoutTime' }>,
  manner: Manner,
): Promise<Performed> {
  switch (message.kind) {
    case 'session':
      await endSession(admin, message.sid)
      return upToNow(manner)
    case 'user':
      return logoutUser(admin, message, manner)
    case 'grant':
      await endGrant(admin, message, manner)
      return upToNow(manner)
    case 'client':
      await raiseClientNotBefore(admin, message.client, notBeforeOf(message))
      return upToNow(manner)
    case 'everybody':
      return manner === 'whole' ? logoutEverybody(admin) : endByNotBefore(admin, message)
    case 'realm':
      await raiseRealmNotBefore(admin, notBeforeOf(message))
      expected(await admin.post(['push-revocation'], undefined, MANAGE_REALM))
      return upToNow(manner)
  }
}

async function logoutUser(
  admin: AdminClient,
  { sub, until }: { sub: string; until: number },
  manner: Manner,
): Promise<Performed> {
  if (manner === 'whole') expected(await admin.post(['users', sub, 'logout'], undefined, MANAGE_USERS))
  else await endSessionsOf(admin, sub, until)
  await endOfflineSessionsOf(admin, sub, until)
  return manner === 'whole' ? upToNotBefore(expected(await admin.get(['users', sub], MANAGE_USERS))) : upToNow(manner)
}

async function logoutEverybody(admin: AdminClient): Promise<Performed> {
  expected(await admin.post(['logout-all'], undefined, MANAGE_USERS))
  return upToNotBefore(expected(await admin.get([], MANAGE_REALM)))
}

async function endByNotBefore(admin: AdminClient, message: { until: number; recordedMs: number }): Promise<Performed> {
  const notBefore = notBeforeOf(message)
  await raiseRealmNotBefore(admin, notBefore)
  try {
    await endSessionsUsedSince(admin, message.until, notBefore)
    return upToNow('by_time')
  } catch (error) {
    if (isFailure(error, 'missing_right')) return { ...upToNow('by_time'), lacking: error }
    throw error
  }
}

async function raiseRealmNotBefore(admin: AdminClient, notBefore: number): Promise<void> {
  const there = statedNotBefore(expected(await admin.get([], MANAGE_REALM))) ?? 0
  if (there < notBefore) expected(await admin.put([], { notBefore }, MANAGE_REALM))
}

async function raiseClientNotBefore(admin: AdminClient, client: string, notBefore: number): Promise<void> {
  const found = expected(await admin.get(['clients'], { ...MANAGE_CLIENTS, query: [['clientId', client]] }))
  const [first] = Array.isArray(found.body) ? (found.body as unknown[]) : []
  if (!isObject(first) || typeof first['id'] !== 'string' || first['clientId'] !== client) return
  const path = ['clients', first['id']]
  if (Number(first['notBefore'] ?? 0) < notBefore) expected(await admin.put(path, { notBefore }, MANAGE_CLIENTS))
  expected(await admin.post([...path, 'push-revocation'], undefined, MANAGE_CLIENTS))
}

/**
 * Removes the consent, which also ends the client's part of the user's sessions and its offline tokens. Keycloak does
 * neither for a client that needs no consent.
 */
async function endGrant(
  admin: AdminClient,
  { sub, client, until }: { sub: string; client: string; until: number },
  manner: Manner,
): Promise<void> {
  if (manner === 'by_time' && (await wasGivenAfter(admin, sub, client, until))) return
  const answer = expected(await admin.delete(['users', sub, 'consents', client], MANAGE_USERS))
  const goesOn =
    answer.status === 404 &&
    (await sessionsOf(admin, sub)).some(({ start, clients }) => clients.includes(client) && (start ?? until) <= until)
  if (!goesOn) return
  throw failure(
    'act_refused',
    'Keycloak disconnects only clients that need consent: this client needs none, so its grant was ended here but its sessions continue',
  )
}

/** Whether the user has consented again since; then the consent to be removed is already gone. */
async function wasGivenAfter(admin: AdminClient, sub: string, client: string, until: number): Promise<boolean> {
  const { body } = expected(await admin.get(['users', sub, 'consents'], MANAGE_USERS))
  const consent = Array.isArray(body)
    ? (body as unknown[]).find((each) => isObject(each) && each['clientId'] === client)
    : undefined
  return (
    isObject(consent) && typeof consent['createdDate'] === 'number' && Math.floor(consent['createdDate'] / 1000) > until
  )
}

/** Returns the not-before to set. It is never in the future, because Keycloak would refuse every login until then. */
function notBeforeOf({ until, recordedMs }: { until: number; recordedMs: number }): number {
  return Math.min(until, Math.floor(recordedMs / 1000))
}

function upToNow(manner: Manner): Performed {
  return manner === 'whole' ? {} : { upTo: 'now' }
}

/** The not-before that Keycloak has set itself is the exact time of the act. */
function upToNotBefore(answer: AdminAnswer): Performed {
  const notBefore = statedNotBefore(answer)
  return notBefore === undefined ? {} : { upTo: notBefore }
}

function statedNotBefore({ body }: AdminAnswer): number | undefined {
  return isObject(body) && Number.isSafeInteger(body['notBefore']) ? (body['notBefore'] as number) : undefined
}
