// A fake Keycloak, its clients, and a store, for tests of pollers.

import type { TestContext } from 'node:test'
import type { ConnectorStore } from '../../../store/store.ts'
import { openConnectorStore } from '../../../testing/stores.ts'
import { type AdminClient, serviceAccountClient } from '../client/admin-client.ts'
import { KeycloakHttp, type KeycloakHttpOptions } from '../client/keycloak-http.ts'
import { RealmClient } from '../client/realm-client.ts'
import { ServerClock } from '../client/server-clock.ts'
import type { Gap } from '../polling/event-gap.ts'
import { EventSource, type EventSourceOptions } from '../polling/event-source.ts'
import { type FakeKeycloak, openFakeKeycloak } from './fake-keycloak.ts'

export interface Scene {
  fake: FakeKeycloak
  http: KeycloakHttp
  client: AdminClient
  realm: RealmClient
  clock: ServerClock
  store: ConnectorStore
}

export async function openScene(
  context: TestContext,
  options: Partial<KeycloakHttpOptions> = {},
  nowMs: () => number = Date.now,
): Promise<Scene> {
  const fake = await openFakeKeycloak()
  const http = new KeycloakHttp({ baseUrl: fake.baseUrl, fetch, plainHttp: 'loopback', timeoutMs: 5_000, ...options })
  context.after(async () => {
    http.close()
    await fake.close()
  })
  const clock = new ServerClock(nowMs)
  const account = { clientId: 'bridge', clientSecret: 'bridge-secret' }
  const client = serviceAccountClient({ http, realm: 'acme', account, clock, nowMs })
  return {
    fake,
    http,
    client,
    realm: new RealmClient(http, 'acme'),
    clock,
    store: await openConnectorStore('keycloak'),
  }
}

/** A reader of user events, with the events that it has applied. */
export interface Reader {
  source: EventSource
  applied: unknown[]
  gaps: Gap[]
  /** The reported progress, in unix milliseconds of our clock. */
  readUntil: number[]
  /** Polls once. */
  poll(signal?: AbortSignal): Promise<void>
  ids(): unknown[]
}

export function makeReader({ client, clock, store }: Scene, options: Partial<EventSourceOptions> = {}): Reader {
  const applied: unknown[] = []
  const gaps: Gap[] = []
  const readUntil: number[] = []
  const source = new EventSource({
    client,
    clock,
    store,
    realm: 'acme',
    name: 'keycloak user_events',
    path: 'events',
    filter: [
      ['type', 'LOGOUT'],
      ['type', 'REVOKE_GRANT'],
    ],
    rereadSeconds: 300,
    lifetimeSeconds: 3_600,
    retentionSeconds: async () => 86_400,
    apply: async (events) => void applied.push(...events),
    onGap: async (gap) => void gaps.push(gap),
    nowMs: Date.now,
    ...options,
  })
  return {
    source,
    applied,
    gaps,
    readUntil,
    poll: (signal = new AbortController().signal) => source.poll(signal, (ms) => readUntil.push(ms)),
    ids: () => applied.map((event) => (event as { id?: unknown }).id),
  }
}
