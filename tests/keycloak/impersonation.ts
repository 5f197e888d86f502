// An administrator of Keycloak impersonates a user.

import { Agent } from './agent.ts'
import type { Client } from './clients.ts'
import { logIn, type Login } from './login.ts'
import type { Realm } from './realm.ts'

/** Starts the impersonated session and logs in at a client within it. */
export async function impersonate(realm: Realm, username: string, client: Client): Promise<Login> {
  const { headers } = await realm.change('POST', `users/${await realm.userId(username)}/impersonation`)
  return logIn(realm, username, client, { agent: new Agent(realm.url, headers.getSetCookie()) })
}

/** Adds a mapper that puts the administrator into `act` of a client's tokens, which Keycloak does not do by itself. */
export async function nameActor(realm: Realm, client: Client): Promise<void> {
  await realm.change('POST', `clients/${await realm.clientUuid(client.id)}/protocol-mappers/models`, {
    name: 'actor',
    protocol: 'openid-connect',
    protocolMapper: 'oidc-usersessionmodel-note-mapper',
    config: {
      'user.session.note': 'IMPERSONATOR_ID',
      'claim.name': 'act.sub',
      'jsonType.label': 'String',
      'access.token.claim': 'true',
      'id.token.claim': 'false',
      'introspection.token.claim': 'true',
      'lightweight.claim': 'true',
    },
  })
}
