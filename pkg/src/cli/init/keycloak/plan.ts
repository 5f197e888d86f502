import { USER_EVENT_TYPES } from '../../../origin/connectors/keycloak/events/user-events.ts'
import {
  hasAudience,
  LOGOUT_URL,
  type Mapper,
  type RegisteredClient,
  SESSION_REQUIRED,
} from '../../keycloak/registered-client.ts'
import { ACTING_RIGHTS, READING_RIGHTS } from '../../keycloak/rights.ts'
import { UsageError } from '../../usage.ts'
import type { InitOptions, Plan as AnyPlan } from '../template.ts'
import { type Change, type ClientSetting, reversed } from './change.ts'
import { holds, type RealmState } from './realm-state.ts'

type Plan = AnyPlan<Change>

/** The service account that reads. */
export const READER = 'portcullis-reader'
/** The service account that acts. */
export const ACTOR = 'portcullis-actor'
const RIGHTS: Readonly<Record<string, readonly string[]>> = { [READER]: READING_RIGHTS, [ACTOR]: ACTING_RIGHTS }
/** Minimum retention of events, so that an origin that was down for a long weekend misses none. */
const LEAST_RETENTION_SECONDS = 7 * 24 * 3_600

/**
 * Returns the changes that a realm needs for a complete connector. Throws `UsageError` for options that do not fit the
 * realm.
 */
export function planOf(state: RealmState, options: InitOptions): Plan {
  const parts = [
    eventsPlan(state),
    ...state.clients.filter(isPushed).map((client) => urlsPlan(client, options)),
    audiencePlan(state, options),
  ]
  const accounts = [READER, ...(options.forward ? [ACTOR] : [])]
  parts.push(...accounts.map((account) => accountPlan(state, account)))
  return { changes: parts.flatMap(({ changes }) => changes), notes: parts.flatMap(({ notes }) => notes) }
}

/** Returns the inverse changes, in reverse order. A result that was changed since is kept and noted. */
export function undoPlan(state: RealmState, done: readonly Change[]): Plan {
  const open = done
    .map(reversed)
    .reverse()
    .filter((change) => !holds(state, change, 'after'))
  const [ours, altered] = [
    open.filter((change) => holds(state, change, 'before')),
    open.filter((change) => !holds(state, change, 'before')),
  ]
  return {
    changes: ours,
    notes: altered.map((change) => `${subjectOf(change)} has changed since, and is kept`),
  }
}

/**
 * Returns whether actions are pushed to a client. Keycloak's own clients only get tokens for Keycloak, and clients
 * without users have no sessions to end.
 */
function isPushed(client: RegisteredClient): boolean {
  return !client.builtIn && client.hasSessions
}

function eventsPlan({ settings, storedEventTypes }: RealmState): Plan {
  const changes: Change[] = []
  const notes: string[] = []
  for (const setting of ['eventsEnabled', 'adminEventsEnabled', 'adminEventsDetailsEnabled'] as const)
    if (settings[setting] !== true) changes.push({ kind: 'realm', setting, before: settings[setting], after: true })
  if (USER_EVENT_TYPES.some((type) => !storedEventTypes.includes(type)))
    changes.push({
      kind: 'realm',
      setting: 'enabledEventTypes',
      before: settings.enabledEventTypes,
      after: [...new Set([...storedEventTypes, ...USER_EVENT_TYPES])].sort(),
    })
  for (const setting of ['eventsExpiration', 'adminEventsExpiration'] as const) {
    const seconds = settings[setting]
    if (typeof seconds === 'number' && seconds > 0 && seconds < LEAST_RETENTION_SECONDS)
      changes.push({ kind: 'realm', setting, before: seconds, after: LEAST_RETENTION_SECONDS })
    else if (seconds === null || seconds === 0)
      notes.push(
        `realm: ${setting}: events are kept permanently; a week is enough for Portcullis, and keeps the database small`,
      )
  }
  return { changes, notes }
}

function urlsPlan(client: RegisteredClient, { realm, origin }: InitOptions): Plan {
  const base = `${origin.href.replace(/\/$/, '')}/realms/${encodeURIComponent(realm)}`
  const changes: Change[] = []
  const notes: string[] = []
  const set = (setting: ClientSetting, before: string, after: string): void => {
    changes.push({ kind: 'client', client: client.clientId, id: client.id, setting, before, after })
  }
  const logout = `${base}/backchannel-logout`
  if (client.backchannelLogoutUrl === '') set(LOGOUT_URL, '', logout)
  else if (client.backchannelLogoutUrl !== logout)
    notes.push(
      `client ${client.clientId}: has another ${LOGOUT_URL}, which is kept: its logouts are only found by polling`,
    )
  if (
    (client.backchannelLogoutUrl === '' || client.backchannelLogoutUrl === logout) &&
    client.sessionRequired !== 'true'
  )
    set(SESSION_REQUIRED, client.sessionRequired, 'true')
  if (client.adminUrl === '') set('adminUrl', '', base)
  else if (client.adminUrl !== base) notes.push(`client ${client.clientId}: has another adminUrl, which is kept`)
  return { changes, notes }
}

function audiencePlan({ clients, scopes }: RealmState, options: InitOptions): Plan {
  const changes: Change[] = []
  const named = options.clients.map((name) => {
    const client = clients.find(({ clientId }) => clientId === name)
    if (client === undefined) throw new UsageError(`--client: the realm has no OpenID Connect client '${name}'`)
    return client
  })
  for (const client of named) {
    const mapper = audienceMapper(options.audience)
    if (hasAudience(client, new Map(scopes), [options.audience])) continue
    if (client.mappers.some(({ name }) => name === mapper.name))
      throw new UsageError(
        `client ${client.clientId}: its protocol mapper '${mapper.name}' sets another audience, or no audience`,
      )
    changes.push({
      kind: 'mapper',
      client: client.clientId,
      id: client.id,
      name: mapper.name,
      before: null,
      after: mapper,
    })
  }
  const without = clients.filter(
    (client) =>
      isPushed(client) && !named.includes(client) && !hasAudience(client, new Map(scopes), [options.audience]),
  )
  const notes = without.map(
    ({ clientId }) =>
      `client ${clientId}: its tokens lack the audience '${options.audience}' and are refused; if it calls the API, use --client ${clientId}`,
  )
  return { changes, notes }
}

function audienceMapper(audience: string): Mapper {
  return {
    name: `audience ${audience}`,
    protocolMapper: 'oidc-audience-mapper',
    config: {
      'access.token.claim': 'true',
      'id.token.claim': 'false',
      'included.custom.audience': audience,
      'introspection.token.claim': 'true',
      'lightweight.claim': 'true',
    },
  }
}

function accountPlan({ accounts }: RealmState, client: string): Plan {
  const account = accounts[client]
  if (account?.isServiceAccount === false)
    throw new UsageError(`the realm already has a client ${client} that is not a service account`)
  const missing = (RIGHTS[client] ?? []).filter((right) => account?.rights.includes(right) !== true)
  return {
    changes: [
      ...(account === undefined
        ? [{ kind: 'account', client, before: null, after: crypto.randomUUID() } as const]
        : []),
      ...missing.map((right) => ({ kind: 'right', client, right, before: false, after: true }) as const),
    ],
    notes: [],
  }
}

function subjectOf(change: Change): string {
  switch (change.kind) {
    case 'realm':
      return `realm: ${change.setting}`
    case 'client':
      return `client ${change.client}: ${change.setting}`
    case 'mapper':
      return `client ${change.client}: protocol mapper '${change.name}'`
    case 'account':
    case 'right':
      return `client ${change.client}`
  }
}
