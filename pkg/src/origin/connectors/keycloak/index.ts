export { keycloakConnector } from './connector.ts'
export type { KeycloakOptions, SecurityEventOptions, ServiceAccount } from './options.ts'
export type { Connector } from '../connector.ts'
