import type { OriginRealm } from '../../../origin/options.ts'
import { MAX_LIFETIME_SECONDS } from '../../../origin/settings.ts'
import { hasAudience, hasSubject, type Mapper, type RegisteredClient } from '../../keycloak/registered-client.ts'
import { type Finding, failure, ok, warning } from '../finding.ts'

/** Maximum number of names listed; further ones are only counted. */
const SHOWN_NAMES = 5

/** The settings of a realm's clients on which their logouts and tokens depend. */
export interface ClientFacts {
  readonly clients: readonly RegisteredClient[]
  readonly scopes: ReadonlyMap<string, readonly Mapper[]>
  readonly realm: Pick<OriginRealm, 'name' | 'audience' | 'subjectless'>
  /** Maximum lifetime of a token that the origin supports. */
  readonly maxLifetimeSeconds: number
}

/**
 * Returns findings about all clients to which users log in; Keycloak's own are skipped, because their tokens are for
 * Keycloak.
 */
export function clientFindings(facts: ClientFacts): Finding[] {
  const clients = facts.clients.filter((client) => client.enabled && !client.builtIn && client.hasSessions)
  if (clients.length === 0)
    return [warning('clients', 'the realm has no client to which users can log in', 'check the realm')]
  return [
    ...logoutUrls(clients, facts),
    sessionIds(clients, facts),
    adminUrls(clients, facts),
    audiences(clients, facts),
    subjects(clients, facts),
    lifetimes(clients, facts),
  ]
}

function logoutUrls(clients: readonly RegisteredClient[], { realm }: ClientFacts): Finding[] {
  const without = clients.filter(({ backchannelLogoutUrl }) => backchannelLogoutUrl === '')
  const elsewhere = clients.filter((client) => client.backchannelLogoutUrl !== '' && !isOurs(client, realm.name))
  const found = [
    ...(without.length === 0
      ? []
      : [
          warning(
            'logout_urls',
            `${named(without)} without a backchannel logout URL: logouts of sessions without another client are only found by polling`,
            'set it with portcullis init',
          ),
        ]),
    ...(elsewhere.length === 0
      ? []
      : [
          warning(
            'logout_urls',
            `${named(elsewhere)} with a backchannel logout URL elsewhere: those logouts are only found by polling`,
            'forward them from there, or set the URL of the origin manually',
          ),
        ]),
  ]
  return found.length === 0
    ? [ok('logout_urls', `each of ${clients.length} clients notifies the origin of logouts`)]
    : found
}

function sessionIds(clients: readonly RegisteredClient[], { realm }: ClientFacts): Finding {
  const without = clients.filter((client) => isOurs(client, realm.name) && client.sessionRequired !== 'true')
  if (without.length === 0) return ok('session_ids', 'logout tokens name the session')
  return warning(
    'session_ids',
    `${named(without)} without 'Backchannel logout session required': its logout token names no session, so one session's end refuses all tokens of the user`,
    'switch it on, or run portcullis init',
  )
}

function adminUrls(clients: readonly RegisteredClient[], { realm }: ClientFacts): Finding {
  const end = `/realms/${encodeURIComponent(realm.name)}`
  if (clients.some(({ adminUrl }) => adminUrl.replace(/\/$/, '').endsWith(end)))
    return ok('admin_urls', "the realm's logout and not-before are pushed")
  return warning(
    'admin_urls',
    "no client has the origin as its Admin URL: the realm's logout is only found by polling",
    'set it with portcullis init',
  )
}

function audiences(clients: readonly RegisteredClient[], { scopes, realm: { audience } }: ClientFacts): Finding {
  if (audience === 'none') return ok('audience', 'the audience is not checked')
  const wanted = typeof audience === 'string' ? [audience] : audience
  const without = clients.filter((client) => !hasAudience(client, scopes, wanted))
  const said = wanted.map((each) => `'${each}'`).join(' or ')
  if (without.length === 0) return ok('audience', `each client's tokens have the audience ${said}`)
  const says = `${named(without)} without an audience mapper for ${said}: their tokens are refused (wrong_audience)`
  const fix = `for clients that call the API: portcullis init --client ${without[0]?.clientId ?? 'NAME'}`
  return without.length === clients.length ? failure('audience', says, fix) : warning('audience', says, fix)
}

function subjects(clients: readonly RegisteredClient[], { scopes, realm }: ClientFacts): Finding {
  const without = clients.filter((client) => !hasSubject(client, scopes))
  if (without.length === 0) return ok('subjects', 'tokens name the user')
  const consequence =
    realm.subjectless === 'accept'
      ? 'a logout of the user only matches them by session'
      : 'they are refused (missing_claim)'
  return warning(
    'subjects',
    `${named(without)} with tokens without 'sub': ${consequence}`,
    "assign the scope 'basic' to the client; for lightweight tokens switch on 'Add to lightweight access token' in its mapper 'sub'",
  )
}

/** Checks lifespans set for a client; the realm's lifespan is checked separately. */
function lifetimes(clients: readonly RegisteredClient[], { maxLifetimeSeconds }: ClientFacts): Finding {
  const longer = clients.filter(({ accessTokenLifespan = 0 }) => accessTokenLifespan > maxLifetimeSeconds)
  if (longer.length === 0)
    return ok(
      'client_lifetimes',
      `no client's own token lifespan is longer than maxLifetimeSeconds, ${maxLifetimeSeconds} s`,
    )
  return failure(
    'client_lifetimes',
    `${named(longer)} with tokens whose lifetime exceeds maxLifetimeSeconds, ${maxLifetimeSeconds} s: those are refused`,
    `shorten the lifespan, or raise maxLifetimeSeconds, to ${MAX_LIFETIME_SECONDS} (40 days) at most`,
  )
}

function isOurs({ backchannelLogoutUrl }: RegisteredClient, realm: string): boolean {
  return backchannelLogoutUrl.endsWith(`/realms/${encodeURIComponent(realm)}/backchannel-logout`)
}

function named(clients: readonly RegisteredClient[]): string {
  const names = clients.slice(0, SHOWN_NAMES).map(({ clientId }) => clientId)
  const more = clients.length - names.length
  return `${clients.length === 1 ? 'client' : 'clients'} ${names.join(', ')}${more > 0 ? ` and ${more} more` : ''}`
}
