import { PortcullisError } from '../../../../errors.ts'
import { issuerNames, separatesSubjects } from '../../../../issuer-names.ts'
import type { PolledSource } from '../../connector-metrics.ts'
import type { ConnectorHost, ConnectorRealm } from '../../connector.ts'
import { recordRevocation, type Revocation } from '../../revocation.ts'
import type { AdminClient } from '../client/admin-client.ts'
import { IssuerCheck } from '../client/issuer-check.ts'
import type { RealmClient } from '../client/realm-client.ts'
import type { ServerClock } from '../client/server-clock.ts'
import { ADMIN_OPERATIONS, ADMIN_RESOURCES } from '../events/admin-events.ts'
import { USER_EVENT_TYPES } from '../events/user-events.ts'
import type { KeycloakSettings } from '../options.ts'
import { CompletenessWatch } from './completeness-watch.ts'
import type { Gap } from './event-gap.ts'
import { EventSource, type EventSourceOptions } from './event-source.ts'
import { readAdminEventsSeconds, readEventsConfig } from './events-config.ts'
import { NotBeforePoll } from './not-before-poll.ts'
import { type Poll, PollLoop } from './poll-loop.ts'

interface PollersOptions {
  host: ConnectorHost
  /** The connector's name. */
  connector: string
  settings: KeycloakSettings
  realm: RealmClient
  clock: ServerClock
  /** `undefined` if no account is configured; then only the public sources are polled. */
  events: EventReading | undefined
}

export interface EventReading {
  client: AdminClient
  /** Apply events as Keycloak sent them; resolve when their effects are durable. */
  userEvents: EventSourceOptions['apply']
  adminEvents: EventSourceOptions['apply']
}

/** All pollers of one Keycloak realm. */
export class Pollers {
  readonly #notBefore: PollLoop
  readonly #loops: readonly PollLoop[]

  /** Does no I/O. */
  constructor(options: PollersOptions) {
    const { host, connector, settings, realm } = options
    const { conditions, metrics, store } = host
    const nowMs = (): number => host.nowMs()
    const record = (revocation: Revocation): Promise<unknown> => recordRevocation({ host, connector }, revocation)
    const issuer = new IssuerCheck({ realm, issuers: serverNames(host.realm), nowMs })
    const loop = (source: PolledSource, intervalMs: number, poll: Poll): PollLoop =>
      new PollLoop({
        source,
        intervalMs,
        conditions,
        metrics,
        nowMs,
        poll: async (...of) => issuer.confirm().then(() => poll(...of)),
      })

    const notBefore = new NotBeforePoll({ client: realm, realm: host.realm.name, connector, store, record, nowMs })
    this.#notBefore = loop('not_before', settings.notBeforeIntervalMs, (signal) => notBefore.poll(signal))
    const keys = loop('keys', settings.keysIntervalMs, () => host.pollKeys())
    this.#loops = [this.#notBefore, keys, ...eventLoops(options, loop, record)]
  }

  start(): void {
    for (const loop of this.#loops) loop.start()
  }

  /** Reads the realm's not-before with a poll that begins after this call. Rejects as it does. */
  pollNotBefore(): Promise<void> {
    return this.#notBefore.ask()
  }

  /** Stops polling. Resolves once nothing is being read or recorded. */
  async close(): Promise<void> {
    await Promise.all(this.#loops.map((loop) => loop.close()))
  }
}

/**
 * Returns the issuer names that the polled server may have. Its data belongs to the first name, unless all names share
 * subjects.
 */
function serverNames(realm: ConnectorRealm): readonly string[] {
  const { names } = issuerNames(realm)
  return separatesSubjects(realm) ? names.slice(0, 1) : names
}

function eventLoops(
  { host, connector, settings, clock, events }: PollersOptions,
  loop: (source: PolledSource, intervalMs: number, poll: Poll) => PollLoop,
  record: (revocation: Revocation) => Promise<unknown>,
): readonly PollLoop[] {
  if (events === undefined) return []
  const { client } = events
  const { conditions, store } = host
  const nowMs = (): number => host.nowMs()
  const lifetimeSeconds = host.realm.maxLifetimeSeconds
  const completeness = new CompletenessWatch({ client, settings, lifetimeSeconds, conditions, nowMs })
  const gapIn = (source: PolledSource) => async (gap: Gap) => {
    if (settings.onGap === 'realm_not_before')
      await record({ kind: 'realm', occurredAt: gap.toMs / 1000, because: 'events were lost' })
    conditions.report(`${source}_gap`, gapError(source, gap))
  }
  const common = {
    client,
    clock,
    store,
    realm: host.realm.name,
    rereadSeconds: settings.rereadSeconds,
    lifetimeSeconds,
    nowMs,
  }
  const userEvents = new EventSource({
    ...common,
    path: 'events',
    filter: USER_EVENT_TYPES.map((type) => ['type', type] as const),
    name: `${connector} user_events`,
    retentionSeconds: async () => (await readEventsConfig(client)).userEventsSeconds,
    apply: events.userEvents,
    onGap: gapIn('user_events'),
  })
  const adminEvents = new EventSource({
    ...common,
    path: 'admin-events',
    filter: [
      ...ADMIN_OPERATIONS.map((operation) => ['operationTypes', operation] as const),
      ...ADMIN_RESOURCES.map((resource) => ['resourceTypes', resource] as const),
    ],
    name: `${connector} admin_events`,
    retentionSeconds: () => readAdminEventsSeconds(client),
    apply: events.adminEvents,
    onGap: gapIn('admin_events'),
  })
  return [
    loop('user_events', settings.userEventsIntervalMs, async (...of) =>
      completeness.tend().then(() => userEvents.poll(...of)),
    ),
    loop('admin_events', settings.adminEventsIntervalMs, adminEvents.poll),
  ]
}

function gapError(source: PolledSource, { fromMs, toMs }: Gap): PortcullisError {
  const [from, to] = [fromMs, toMs].map((ms) => new Date(ms).toISOString())
  const message = `${source} between ${from} and ${to} may be lost, because Keycloak had already deleted them: keep events for longer than the origin is ever down`
  return new PortcullisError('connector_gap', message, { detail: source })
}
