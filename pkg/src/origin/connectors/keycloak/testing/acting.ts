// A connector that only acts: the forwarder alone, joined to an origin.

import type { Connector } from '../../connector.ts'
import { serviceAccountClient } from '../admin-client.ts'
import { KeycloakForwarder } from '../forwarder.ts'
import { KeycloakHttp } from '../keycloak-http.ts'
import { ServerClock } from '../server-clock.ts'

export interface ActingOptions {
  baseUrl: string
  lastLogoutTime?: 'ignore' | 'write'
  requestTimeoutMs?: number
  upstreamTimeoutMs?: number
}

export function actingConnector({ baseUrl, lastLogoutTime = 'ignore', requestTimeoutMs = 5_000, upstreamTimeoutMs = 2_000 }: ActingOptions): Connector {
  return {
    name: 'keycloak',
    realm: 'acme',
    connect(host) {
      const { nowMs, plainHttp } = host
      const http = new KeycloakHttp({ baseUrl, fetch: host.fetch, plainHttp, timeoutMs: requestTimeoutMs })
      const account = { clientId: 'bridge', clientSecret: 'bridge-secret' }
      const admin = serviceAccountClient({ http, realm: 'acme', account, clock: new ServerClock(nowMs), nowMs })
      const forwarder = new KeycloakForwarder({ host, connector: 'keycloak', admin, timeoutMs: upstreamTimeoutMs, lastLogoutTime })
      return {
        receivers: {},
        forwarder,
        start: () => forwarder.start(),
        async close() {
          http.close()
          await forwarder.close()
        },
      }
    },
  }
}
