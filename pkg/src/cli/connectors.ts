import { atOption } from '../option-path.ts'
import { keycloakConnector } from '../origin/connectors/keycloak/connector.ts'
import type { Connector } from '../origin/connectors/connector.ts'
import type { ConnectorFile } from './configuration.ts'

/** Returns the connectors of a configuration. Does no I/O. Throws `invalid_option`. */
export function connectorsOf(connectors: readonly ConnectorFile[]): Connector[] {
  return connectors.map((connector, index) => atOption(`options.connectors[${index}]`, () => connectorOf(connector)))
}

function connectorOf({ kind, ...options }: ConnectorFile): Connector {
  switch (kind) {
    case 'keycloak':
      return keycloakConnector(options)
  }
}
