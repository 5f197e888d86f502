export { oidcConnector } from './connector.ts'
export type { OidcConnectorOptions } from './options.ts'
export type { Connector } from '../connector.ts'
