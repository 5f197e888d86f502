import { type RegisteredClient, registeredClients } from '../keycloak/registered-client.ts'

/** Returns a client as Keycloak's admin API shows one created in the console, with changes. */
export function client(clientId: string, changes: Record<string, unknown> = {}): RegisteredClient {
  const made = {
    id: `id-of-${clientId}`,
    clientId,
    enabled: true,
    protocol: 'openid-connect',
    standardFlowEnabled: true,
    attributes: {},
    defaultClientScopes: ['basic', 'roles'],
    ...changes,
  }
  const [read] = registeredClients([made])
  if (read === undefined) throw new Error('not an OpenID Connect client')
  return read
}

/** Returns a mapper that adds an audience to access tokens, in Keycloak's form. */
export function audienceMapper(audience: string): Record<string, unknown> {
  return {
    name: `audience ${audience}`,
    protocolMapper: 'oidc-audience-mapper',
    config: { 'access.token.claim': 'true', 'included.custom.audience': audience, 'lightweight.claim': 'true' },
  }
}
