// A stream of security events (OpenID Shared Signals Framework 1.0) from a realm to the origin's receiver.

import { answerOf, send } from './http.ts'
import type { Realm } from './realm.ts'

const RECEIVER = { clientId: 'receiver', secret: 'receiver-secret' }
const SCOPES = ['ssf.read', 'ssf.manage']
const EVENTS = ['session-revoked', 'credential-change'].map(
  (name) => `https://schemas.openid.net/secevent/caep/event-type/${name}`,
)

interface Stream {
  /** URL that events are pushed to. */
  endpoint: string
  /** The `Authorization` header of the pushes. */
  authorization: string
}

/** Creates the realm's stream unless it exists; Keycloak allows one per client. */
export async function openStream(realm: Realm, { endpoint, authorization }: Stream): Promise<void> {
  const known = await realm.read<unknown[]>(`clients?clientId=${RECEIVER.clientId}`)
  if (known.length > 0) return
  await realm.change('POST', 'clients', {
    ...RECEIVER,
    publicClient: false,
    serviceAccountsEnabled: true,
    standardFlowEnabled: false,
    // By default, Keycloak sends no events about users.
    attributes: { 'ssf.enabled': 'true', 'ssf.defaultSubjects': 'ALL', 'ssf.validPushUrls': endpoint },
  })
  const uuid = await realm.clientUuid(RECEIVER.clientId)
  const scopes = await realm.read<{ id: string; name: string }[]>('client-scopes')
  for (const { id } of scopes.filter(({ name }) => SCOPES.includes(name)))
    await realm.change('PUT', `clients/${uuid}/optional-client-scopes/${id}`)
  const response = await send(`${realm.issuer}/ssf/transmitter/streams`, {
    method: 'POST',
    headers: { authorization: `Bearer ${await accessToken(realm)}`, 'content-type': 'application/json' },
    body: JSON.stringify({
      delivery: { method: 'urn:ietf:rfc:8935', endpoint_url: endpoint, authorization_header: authorization },
      events_requested: EVENTS,
    }),
  })
  const { status, text } = await answerOf(response)
  if (status !== 201) throw new Error(`Keycloak returned ${status} for the stream: ${text.slice(0, 300)}`)
}

async function accessToken(realm: Realm): Promise<string> {
  const { clientId, secret } = RECEIVER
  const form = new URLSearchParams({
    grant_type: 'client_credentials',
    client_id: clientId,
    client_secret: secret,
    scope: SCOPES.join(' '),
  })
  const { status, text } = await answerOf(
    await send(`${realm.issuer}/protocol/openid-connect/token`, { method: 'POST', body: form }),
  )
  if (status !== 200)
    throw new Error(`Keycloak returned ${status} for the receiver of the stream: ${text.slice(0, 300)}`)
  return (JSON.parse(text) as { access_token: string }).access_token
}
