// An origin with the receivers of Keycloak's messages, without pollers.

import type { Connector } from '../connectors/connector.ts'
import type { ReceiverPath } from '../connectors/receiver-paths.ts'
import { resolveKeycloakSettings, type KeycloakOptions } from '../connectors/keycloak/options.ts'
import { keycloakReceivers } from '../connectors/keycloak/receivers.ts'
import type { OriginOptions } from '../index.ts'
import { STREAM_AUDIENCE } from './keycloak-messages.ts'
import { openStage, type Stage } from './stage.ts'

export const AUTHORIZATION = 'Bearer push-secret'

export interface ReceiverStage extends Stage {
  /** Sends a token to a receiver as Keycloak does; `authorization` is for `events`. */
  send(receiver: ReceiverPath, token: string, authorization?: string): Promise<Response>
  /** The number of reads of the realm's not-before that pushed not-befores have requested. */
  pushes(): number
}

export async function openReceiverStage(
  keycloak: Partial<KeycloakOptions> = {},
  options: Partial<OriginOptions> = {},
): Promise<ReceiverStage> {
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
    connect: (host) => ({
      receivers: keycloakReceivers(host, settings, () => (pushes += 1)),
      start: () => undefined,
      close: async () => undefined,
    }),
  }
  const stage = await openStage({ connectors: [connector], ...options })
  return {
    ...stage,
    send: (receiver, token, authorization = AUTHORIZATION) =>
      stage.get(`/realms/acme/${receiver}`, request(receiver, token, authorization)),
    pushes: () => pushes,
  }
}

function request(receiver: ReceiverPath, token: string, authorization: string): RequestInit {
  switch (receiver) {
    case 'backchannel-logout':
      return { method: 'POST', body: new URLSearchParams({ logout_token: token }) }
    case 'k_logout':
    case 'k_push_not_before':
      return { method: 'POST', headers: { 'content-type': 'text/plain; charset=ISO-8859-1' }, body: token }
    case 'events':
      return { method: 'POST', headers: { 'content-type': 'application/secevent+jwt', authorization }, body: token }
  }
}
