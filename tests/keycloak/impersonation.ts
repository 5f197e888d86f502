// An administrator of Keycloak who begins a session in a user's name.

import { Agent } from './agent.ts'
import type { Client } from './clients.ts'
import { logIn, type Login } from './login.ts'
import type { Realm } from './realm.ts'

/** Begins the session, and logs in by a client in it. */
export async function impersonate(realm: Realm, username: string, client: Client): Promise<Login> {
  const { headers } = await realm.change('POST', `users/${await realm.userId(username)}/impersonation`)
  return logIn(realm, username, client, { agent: new Agent(realm.url, headers.getSetCookie()) })
}

/** Adds the mapper by which a client's tokens name the administrator in `act`: Keycloak itself does not. */
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
