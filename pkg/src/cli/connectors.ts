import { keycloakConnector } from '../origin/connectors/keycloak/connector.ts'
import type { Connector } from '../origin/connectors/connector.ts'
import type { ConnectorFile } from './configuration.ts'

/** The connector that a configuration describes. Does no I/O. Throws `invalid_option`. */
export function connectorOf({ kind, ...options }: ConnectorFile): Connector {
  switch (kind) {
    case 'keycloak':
      return keycloakConnector(options)
  }
}
