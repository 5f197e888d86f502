// The origin of a stage, as a separate process that can be killed and restarted.

import { keycloakConnector, type KeycloakOptions } from 'portcullis/connectors/keycloak'
import { createOrigin, type JWK, type OriginRealm } from 'portcullis/origin'
import { serve } from 'portcullis/origin/node'
import { sqliteStore } from 'portcullis/origin/sqlite'

/** Settings, passed as JSON in the environment variable `PORTCULLIS_STAGE`. */
export interface OriginSettings {
  port: number
  /** Path of the database. */
  path: string
  signingKey: JWK
  realm: OriginRealm
  clients: { id: string; secret?: string }[]
  edge: { name: string; pushUrl: string; ackSecret: string }
  keycloak: KeycloakOptions
}

async function main(settings: OriginSettings): Promise<void> {
  const origin = await createOrigin({
    store: sqliteStore({ path: settings.path }),
    signingKey: settings.signingKey,
    realms: [settings.realm],
    clients: settings.clients,
    connectors: [keycloakConnector(settings.keycloak)],
    edges: [settings.edge],
    onReport: (report) => console.log(JSON.stringify({ ...report, error: report.error?.message })),
  })
  const server = await serve(origin, { port: settings.port })
  process.once('SIGTERM', () => {
    void server
      .close()
      .then(() => origin.close())
      .then(() => process.exit(0))
  })
}

main(JSON.parse(process.env['PORTCULLIS_STAGE'] ?? '{}') as OriginSettings).catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error)
  process.exit(1)
})
