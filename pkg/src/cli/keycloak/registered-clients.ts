import type { AdminApi } from './admin-api.ts'
import { objectsOf } from './json.ts'
import { type Mapper, type RegisteredClient, registeredClients, scopeMappers } from './registered-client.ts'

/** Small enough for the limit of a response, even if clients have many mappers. */
const CLIENTS_A_PAGE = 100
const RIGHT = 'view-clients'

/** Reads all OpenID Connect clients of a realm, by name. Rejects with `connector_failed`. */
export async function readClients(api: AdminApi): Promise<RegisteredClient[]> {
  const all: unknown[] = []
  for (;;) {
    const query = [
      ['first', String(all.length)],
      ['max', String(CLIENTS_A_PAGE)],
    ] as const
    const page = objectsOf(await api.get({ path: ['clients'], right: RIGHT, query }))
    all.push(...page)
    if (page.length < CLIENTS_A_PAGE) return registeredClients(all)
  }
}

/** Reads the mappers of each client scope of a realm. Rejects with `connector_failed`. */
export async function readScopes(api: AdminApi): Promise<ReadonlyMap<string, readonly Mapper[]>> {
  return scopeMappers(await api.get({ path: ['client-scopes'], right: RIGHT }))
}
