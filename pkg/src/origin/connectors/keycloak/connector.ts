import { issuerNames } from '../../../issuer-names.ts'
import { invalid } from '../../../options.ts'
import type { Connection, Connector, ConnectorHost } from '../connector.ts'
import { type AdminClient, serviceAccountClient } from './client/admin-client.ts'
import { KeycloakHttp } from './client/keycloak-http.ts'
import { RealmClient } from './client/realm-client.ts'
import { ServerClock } from './client/server-clock.ts'
import { ClientNames } from './events/client-names.ts'
import { CurrentState } from './events/current-state.ts'
import { EventRecorder } from './events/event-recorder.ts'
import { type KeycloakOptions, type KeycloakSettings, resolveKeycloakSettings, type ServiceAccount } from './options.ts'
import { type EventReading, Pollers } from './polling/pollers.ts'
import { CONNECTOR, keycloakReceivers } from './receivers.ts'
import { KeycloakForwarder } from './upstream/forwarder.ts'
import { KeycloakRevocationEndpoint } from './upstream/revocation-endpoint.ts'

/**
 * Connects one realm of Keycloak: `createOrigin({ connectors: [keycloakConnector({ baseUrl, realm, serviceAccount })]
 * })`. Logout tokens and admin actions arrive at the realm's routes of the origin; not-before, keys and events are
 * polled. Does no I/O until the origin has started; from then on failures are reported and retried. Throws
 * `invalid_option`. `createOrigin` rejects with it if `baseUrl` uses `http:` to another machine, or if the store keeps
 * no state.
 */
export function keycloakConnector(options: KeycloakOptions): Connector {
  const settings = resolveKeycloakSettings(options)
  return { name: CONNECTOR, realm: settings.originRealm, connect: (host) => connect(host, settings) }
}

function connect(host: ConnectorHost, settings: KeycloakSettings): Connection {
  const { baseUrl, requestTimeoutMs: timeoutMs, realm, serviceAccount, actingAccount } = settings
  const { plainHttp, conditions } = host
  // Nothing states which tenant the server belongs to.
  if (issuerNames(host.realm).tenantClaim !== undefined) {
    throw invalid(
      `options.originRealm: realm ${host.realm.name} has tenants, and Keycloak is connected for one issuer: give it a realm of its own`,
    )
  }
  const nowMs = (): number => host.nowMs()
  const http = new KeycloakHttp({ baseUrl, fetch: host.fetch, plainHttp, timeoutMs })
  const clock = new ServerClock(nowMs)
  const clientOf = (account: ServiceAccount): AdminClient =>
    serviceAccountClient({ http, realm, account, clock, nowMs })
  const realmClient = new RealmClient(http, realm)
  const events = serviceAccount === undefined ? undefined : eventReading(serviceAccount)
  const pollers = new Pollers({ host, connector: CONNECTOR, settings, realm: realmClient, clock, events })
  const forwarder = actingAccount === undefined ? undefined : forwarding(actingAccount)
  return {
    receivers: keycloakReceivers(host, settings, () => void pollers.pollNotBefore().catch(() => undefined)),
    ...(forwarder === undefined ? {} : { forwarder }),
    revocation: new KeycloakRevocationEndpoint({ host, realm: realmClient, clock }),
    start() {
      pollers.start()
      forwarder?.start()
    },
    async close() {
      http.close()
      await Promise.all([pollers.close(), forwarder?.close()])
    },
  }

  function forwarding(account: ServiceAccount): KeycloakForwarder {
    const { upstreamTimeoutMs, lastLogoutTime } = settings
    return new KeycloakForwarder({
      host,
      connector: CONNECTOR,
      admin: clientOf(account),
      timeoutMs: upstreamTimeoutMs,
      lastLogoutTime,
    })
  }

  function eventReading(account: ServiceAccount): EventReading {
    const client = clientOf(account)
    const state = new CurrentState(client)
    const names = new ClientNames({ state, nowMs })
    const recorder = new EventRecorder({ settings, names, state, host, connector: CONNECTOR, conditions })
    return {
      client,
      userEvents: (events) => recorder.userEvents(events),
      adminEvents: (events) => recorder.adminEvents(events),
    }
  }
}
