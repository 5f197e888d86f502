// Row 15: each kind of token that Keycloak signs, at each receiver of the origin. Each receiver accepts its own kind
// only.

import type { Client } from '../clients.ts'
import { openCapture, type Capture } from '../capture.ts'
import { answerOf, send } from '../http.ts'
import { logIn, logOut } from '../login.ts'
import { openStream } from '../stream.ts'
import type { Realm } from '../realm.ts'
import type { Row } from '../row.ts'

const RECEIVERS = ['backchannel-logout', 'k_logout', 'k_push_not_before', 'events'] as const
type Receiver = (typeof RECEIVERS)[number]

/** Requires a separate stage: the stream of another row would push to the origin. */
const AUTHORIZATION = 'Bearer secret of the captured stream'

/** A token and the receiver that accepts it. */
interface Found {
  readonly kind: string
  readonly token: string
  readonly receiver?: Receiver
}

export const WRONG_RECEIVERS: Row = {
  number: 15,
  title: 'tokens at wrong receivers',
  cases: [
    {
      title: 'access, refresh, offline, ID and logout tokens, admin actions, security events',
      tier: 'long',
      // Only the tokens sent here may advance the sequence.
      rounds: ['no-poll'],
      stage: { connector: { securityEvents: { authorization: AUTHORIZATION } } },
      async run({ realm, stage }) {
        const capture = await openCapture()
        try {
          const found = await tokensOf(realm, capture)
          const before = sequenceIn(await stage.metrics())
          for (const { kind, token, receiver: own } of found) {
            for (const receiver of RECEIVERS)
              if (receiver !== own)
                await require(`${stage.originUrl}/realms/${realm.name}`, { kind, token, receiver }, [400])
          }
          const after = sequenceIn(await stage.metrics())
          if (after !== before)
            throw new Error(`tokens at wrong receivers have advanced the sequence from ${before} to ${after}`)
          for (const { kind, token, receiver } of found) {
            if (receiver !== undefined)
              await require(`${stage.originUrl}/realms/${realm.name}`, { kind, token, receiver }, [200, 202])
          }
        } finally {
          capture.close()
        }
      },
    },
  ],
}

/** Makes Keycloak issue or send a token of each kind. The capture server receives the sent ones. */
async function tokensOf(realm: Realm, capture: Capture): Promise<Found[]> {
  const client: Client = { id: 'captured', secret: 'captured-secret' }
  await realm.change('POST', 'clients', {
    clientId: client.id,
    secret: client.secret,
    redirectUris: ['*'],
    adminUrl: capture.url,
    attributes: { 'backchannel.logout.url': `${capture.url}/backchannel-logout`, 'post.logout.redirect.uris': '+' },
  })
  await openStream(realm, { endpoint: `${capture.url}/events`, authorization: AUTHORIZATION })
  const login = await logIn(realm, 'dave', client)
  const offline = await logIn(realm, 'dave', client, { scope: 'openid offline_access' })
  const issued = [
    { kind: 'access token', token: login.accessToken },
    { kind: 'refresh token', token: login.refreshToken },
    { kind: 'ID token', token: login.idToken },
    { kind: 'offline token', token: offline.refreshToken },
    { kind: 'access token of an offline session', token: offline.accessToken },
  ]
  const uuid = await realm.clientUuid(client.id)
  await realm.change('PUT', `clients/${uuid}`, { notBefore: Math.floor(Date.now() / 1000) - 60 })
  await realm.change('POST', `clients/${uuid}/push-revocation`)
  await logOut(realm, login)
  await realm.change('PUT', `users/${login.sub}/reset-password`, {
    type: 'password',
    value: 'dave-password',
    temporary: false,
  })
  await realm.change('POST', 'logout-all')
  const sent = async (kind: string, receiver: Receiver, count = 1): Promise<Found[]> =>
    (await capture.tokens(receiver, count)).map((token) => ({ kind, token, receiver }))
  return [
    ...issued,
    ...(await sent('logout token', 'backchannel-logout')),
    ...(await sent('admin action LOGOUT', 'k_logout')),
    ...(await sent('admin action PUSH_NOT_BEFORE', 'k_push_not_before')),
    ...(await sent('security event', 'events', 2)),
  ]
}

async function require(
  base: string,
  { kind, token, receiver }: Required<Found>,
  expected: readonly number[],
): Promise<void> {
  const { status, text } = await answerOf(await send(`${base}/${receiver}`, requestTo(receiver, token)))
  if (!expected.includes(status)) throw new Error(`${kind} at ${receiver}: the origin returned ${status} ${text}`)
}

function requestTo(receiver: Receiver, token: string): RequestInit {
  switch (receiver) {
    case 'backchannel-logout':
      return { method: 'POST', body: new URLSearchParams({ logout_token: token }) }
    case 'k_logout':
    case 'k_push_not_before':
      return { method: 'POST', headers: { 'content-type': 'text/plain' }, body: token }
    case 'events':
      return {
        method: 'POST',
        headers: { 'content-type': 'application/secevent+jwt', authorization: AUTHORIZATION },
        body: token,
      }
  }
}

function sequenceIn(metrics: string): string {
  const found = /^portcullis_sequence\{[^}]*\} (\S+)/m.exec(metrics)
  if (found?.[1] === undefined) throw new Error('the metrics have no sequence')
  return found[1]
}
