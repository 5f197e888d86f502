// Runs in a process of its own: an origin that logs alice out on a line of input, and may be killed at one call of its
// store.

import { createInterface } from 'node:readline'
import { createOrigin } from '../../../index.ts'
import { sqliteStore } from '../../../store/sqlite/index.ts'
import { connectorStore } from '../../../store/store.ts'
import '../../../testing/load.ts'
import { keycloakConnector } from '../connector.ts'

interface Setting {
  path: string
  baseUrl: string
  signingKey: Parameters<typeof createOrigin>[0]['signingKey']
  realm: Parameters<typeof createOrigin>[0]['realms'][number]
  /** The process ends before this call, as by SIGKILL. */
  killedAt: 'postponeOutbox' | 'acknowledgeOutbox' | undefined
}

const { path, baseUrl, signingKey, realm, killedAt } = JSON.parse(process.argv[2] ?? '') as Setting
const store = connectorStore(sqliteStore({ path }), 'test')
if (killedAt !== undefined) store[killedAt] = () => kill()
const actingAccount = { clientId: 'bridge', clientSecret: 'bridge-secret' }
const connectors = [keycloakConnector({ baseUrl, realm: 'acme', actingAccount })]
const origin = await createOrigin({ store, signingKey, realms: [realm], connectors, onReport: () => undefined })
console.log('ready')
for await (const word of createInterface({ input: process.stdin })) {
  if (word !== 'log out') break
  const { upstream } = await origin.logoutUser('acme', 'alice')
  console.log(await upstream)
}
await origin.close()

function kill(): boolean {
  process.kill(process.pid, 'SIGKILL')
  return false
}
