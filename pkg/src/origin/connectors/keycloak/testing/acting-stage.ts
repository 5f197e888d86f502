// An origin that acts at a fake Keycloak with users and sessions.

import type { ClientOptions } from '../../../options.ts'
import type { RevocationStore } from '../../../store/store.ts'
import { connectorStore } from '../../../store/store.ts'
import { createTestIssuer, openStage, type Stage, until } from '../../../testing/stage.ts'
import { freshStore } from '../../../testing/stores.ts'
import { keycloakConnector } from '../connector.ts'
import type { KeycloakOptions } from '../options.ts'
import { type FakeKeycloak, openFakeKeycloak } from './fake-keycloak.ts'
import { addSessions, type FakeSession, type FakeSessions } from './fake-sessions.ts'

export interface ActingStage extends Stage {
  keycloak: FakeKeycloak
  state: FakeSessions
  /** Adds a session that began this many seconds ago. */
  session(sid: string, ago: number, more?: Partial<FakeSession>): void
  /** Returns the existing sessions. */
  sids(): string[]
  /** Returns the number of waiting messages. */
  waiting(): Promise<number>
  /** Waits until the queue is empty. */
  idle(): Promise<void>
  /** Returns the reports about acts. */
  actReports(): Stage['reports']
}

/** Keycloak resets every connection. */
export const DOWN: NonNullable<FakeSessions['misbehave']> = { path: /./, status: 'reset' }

export async function openActingStage(
  options: Partial<KeycloakOptions> = {},
  clients: ClientOptions[] = [],
  store: RevocationStore = freshStore(),
): Promise<ActingStage> {
  const keycloak = await openFakeKeycloak()
  const state = addSessions(keycloak)
  const issuer = await createTestIssuer()
  const actingAccount = { clientId: 'bridge', clientSecret: 'bridge-secret' }
  // The polled not-before would add to the forwarder's records.
  const connector = keycloakConnector({
    baseUrl: keycloak.baseUrl,
    realm: 'acme',
    actingAccount,
    notBeforeIntervalMs: 3_600_000,
    ...options,
  })
  const stage = await openStage({
    store,
    realms: [{ ...issuer.realm, issuerSkewSeconds: 0 }],
    connectors: [connector],
    clients,
  })
  const waiting = async (): Promise<number> =>
    (await connectorStore(store, 'test').outboxEntries({ realm: 'acme', queue: 'keycloak', limit: 1_000 })).length
  return {
    ...stage,
    issuer,
    keycloak,
    state,
    session(sid, ago, more = {}) {
      const start = now() - ago
      state.sessions.set(sid, { user: 'alice', kind: 'online', start, lastAccess: start, client: 'web', ...more })
    },
    sids: () => [...state.sessions.keys()].sort(),
    waiting,
    idle: () => until(async () => (await waiting()) === 0, 'everything is sent'),
    actReports: () => stage.reports.filter(({ condition }) => condition === 'forwarding'),
    async close() {
      await stage.close()
      await keycloak.close()
    },
  }
}

/** Unix seconds. */
export function now(): number {
  return Math.floor(Date.now() / 1000)
}
