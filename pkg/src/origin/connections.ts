import type { OriginService } from './api.ts'
import { Conditions } from './connectors/conditions.ts'
import type { Connection, Connector } from './connectors/connector.ts'
import type { OriginGate } from './gate/gate.ts'
import type { IssuerClock } from './gate/issuer-clock.ts'
import type { Metrics } from './metrics/metrics.ts'
import type { Settings } from './settings.ts'
import { connectorStore } from './store/store.ts'
import { atOption } from '../option-path.ts'

interface ConnectorParts {
  settings: Settings
  service: OriginService
  gate: OriginGate
  metrics: Metrics
  /** Keyed by realm name. */
  issuerClocks: ReadonlyMap<string, IssuerClock>
}

/** Connects the connectors to an origin; the result is keyed by realm name. Throws `invalid_option`. */
export function connectAll(parts: ConnectorParts): ReadonlyMap<string, readonly Connection[]> {
  const connections = new Map<string, Connection[]>()
  for (const [index, connector] of parts.settings.connectors.entries()) {
    const connection = atOption(`options.connectors[${index}]`, () => connect(connector, parts))
    connections.set(connector.realm, [...(connections.get(connector.realm) ?? []), connection])
  }
  return connections
}

function connect(connector: Connector, { settings, service, gate, metrics, issuerClocks }: ConnectorParts): Connection {
  const { name, realm } = connector
  const about = { realm, connector: name }
  // The settings check guarantees that it exists.
  const [options] = settings.realms.filter((each) => each.name === realm)
  return connector.connect({
    realm: options as NonNullable<typeof options>,
    service,
    store: connectorStore(settings.store, name),
    tokens: gate.tokensFrom(realm, (thumbprint) => service.bans(realm, thumbprint)),
    fetch: issuerClocks.get(realm)?.timing(settings.fetch) ?? settings.fetch,
    plainHttp: settings.plainHttp,
    conditions: new Conditions(about, settings.onReport),
    metrics: metrics.ofConnector(about),
    pollKeys: () => gate.pollKeys(realm),
    nowMs: Date.now,
  })
}
