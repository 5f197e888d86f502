// An origin with the doors for Keycloak's messages, and nothing that polls.

import type { Connector } from '../connectors/connector.ts'
import type { Door } from '../connectors/doors.ts'
import { resolveKeycloakSettings, type KeycloakOptions } from '../connectors/keycloak/options.ts'
import { keycloakReceivers } from '../connectors/keycloak/receivers.ts'
import type { OriginOptions } from '../index.ts'
import { STREAM_AUDIENCE } from './keycloak-messages.ts'
import { openStage, type Stage } from './stage.ts'

export const AUTHORIZATION = 'Bearer push-secret'

export interface ReceiverStage extends Stage {
  /** Sends a token to a door as Keycloak does; `authorization`: of the door for events. */
  send(door: Door, token: string, authorization?: string): Promise<Response>
  /** How often a push of a not-before has asked for a look at the realm's. */
  pushes(): number
}

export async function openReceiverStage(keycloak: Partial<KeycloakOptions> = {}, options: Partial<OriginOptions> = {}): Promise<ReceiverStage> {
  let pushes = 0
  const settings = resolveKeycloakSettings({
    baseUrl: 'http://127.0.0.1',
    realm: 'acme',
    securityEvents: { authorization: AUTHORIZATION, audience: STREAM_AUDIENCE },
    ...keycloak,
  })
  const connector: Connector = {
    name: 'keycloak',
    realm: 'acme',
    connect: (host) => ({ receivers: keycloakReceivers(host, settings, () => (pushes += 1)), start: () => undefined, close: async () => undefined }),
  }
  const stage = await openStage({ connectors: [connector], ...options })
  return {
    ...stage,
    send: (door, token, authorization = AUTHORIZATION) => stage.get(`/realms/acme/${door}`, request(door, token, authorization)),
    pushes: () => pushes,
  }
}

function request(door: Door, token: string, authorization: string): RequestInit {
  switch (door) {
    case 'backchannel-logout':
      return { method: 'POST', body: new URLSearchParams({ logout_token: token }) }
    case 'k_logout':
    case 'k_push_not_before':
      return { method: 'POST', headers: { 'content-type': 'text/plain; charset=ISO-8859-1' }, body: token }
    case 'events':
      return { method: 'POST', headers: { 'content-type': 'application/secevent+jwt', authorization }, body: token }
  }
}
