// SIGKILL in the middle of every kind of act: an act with a response is kept; without one it is done completely or not
// at all.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Answer, claimsOf, Client, type Login } from '../www/demo/client.ts'
import { pause } from '../www/demo/child.ts'
import { startEdge } from '../www/demo/edge.ts'
import { startOrigin } from '../www/demo/start-origin.ts'
import { openPlace } from './place.ts'
import { figure, rounds } from './tier.ts'

const KILLS = rounds(2, 10)
const ACTS = 8
const CONVERGENCE_SECONDS = 15
/** Acts take a few milliseconds, or some tens with RSA signatures and key generation. */
const LATEST_KILL_MS = 30

/** One kind of act on a login; many run at once. */
interface Kind {
  action: string
  client: string
  act: (client: Client, admin: string, login: Login) => Promise<Answer>
  /** The subject in the audit log; `undefined` if it is not a single login. */
  subject: (login: Login) => string | undefined
  /** Whether the refresh token ends with the access token; then one must never end without the other. */
  refresh: 'ends' | 'lives'
}

const KINDS: Readonly<Record<string, Kind>> = {
  'a token is revoked': {
    action: 'token_revoked',
    client: 'demo',
    act: (client, _admin, login) => client.revoke(login.access_token),
    subject: (login) => claim(login, 'jti'),
    refresh: 'lives',
  },
  'a refresh token is revoked': {
    action: 'refresh_token_revoked',
    client: 'backend',
    act: (client, _admin, login) => client.revokeAsClient(login.refresh_token, 'backend'),
    subject: () => undefined,
    refresh: 'ends',
  },
  'a session is ended': {
    action: 'session_ended',
    client: 'demo',
    act: (client, admin, login) => client.administer(admin, 'DELETE', `sessions/${claim(login, 'sid')}`),
    subject: (login) => claim(login, 'sid'),
    refresh: 'ends',
  },
  'a client’s part of a session is ended': {
    action: 'client_session_ended',
    client: 'demo',
    act: (client, admin, login) => client.administer(admin, 'DELETE', `sessions/${claim(login, 'sid')}?client=demo`),
    subject: () => undefined,
    refresh: 'ends',
  },
  'a user is logged out': {
    action: 'user_logged_out',
    client: 'demo',
    act: (client, admin, login) => client.administer(admin, 'POST', `users/${claim(login, 'sub')}/logout`),
    subject: (login) => claim(login, 'sub'),
    refresh: 'ends',
  },
  'an app is disconnected': {
    action: 'grant_ended',
    client: 'backend',
    act: (client, admin, login) => client.administer(admin, 'DELETE', `users/${claim(login, 'sub')}/grants/backend`),
    subject: (login) => claim(login, 'sub'),
    refresh: 'ends',
  },
  'a key’s not-before is set': {
    action: 'key_not_before_raised',
    client: 'demo',
    act: (client, admin, login) => client.administer(admin, 'PUT', `keys/${keyIdOf(login)}/not-before`),
    subject: keyIdOf,
    refresh: 'ends',
  },
  'a client’s tokens are revoked': {
    action: 'client_not_before_set',
    client: 'backend',
    act: (client, admin) => client.administer(admin, 'POST', 'clients/backend/push-revocation'),
    subject: () => 'backend',
    refresh: 'ends',
  },
  'the realm is logged out': {
    action: 'realm_logged_out',
    client: 'demo',
    act: (client, admin) => client.administer(admin, 'POST', 'logout-all'),
    subject: () => undefined,
    refresh: 'ends',
  },
  'the realm’s not-before is set': {
    action: 'realm_not_before_set',
    client: 'demo',
    act: (client, admin) => client.administer(admin, 'POST', 'push-revocation'),
    subject: () => undefined,
    refresh: 'ends',
  },
  'a key is banned': {
    action: 'key_banned',
    client: 'demo',
    act: (client, admin, login) => client.administer(admin, 'DELETE', `keys/${keyIdOf(login)}?force=true`),
    subject: () => undefined,
    refresh: 'ends',
  },
  'a token version is raised': {
    action: 'token_version_raised',
    client: 'demo',
    act: (client, admin, login) =>
      client.administer(admin, 'PUT', `users/${claim(login, 'sub')}/token-version`, {
        minimum: Number(claim(login, 'token_version')) + 1,
      }),
    subject: (login) => claim(login, 'sub'),
    refresh: 'ends',
  },
}

for (const [title, kind] of Object.entries(KINDS)) {
  test(`${title} while the origin is killed, ${KILLS} times`, { timeout: 120_000 }, async () => {
    const place = await openPlace()
    try {
      const client = new Client(place)
      let origin = await startOrigin(place)
      const edge = await startEdge(place)
      place.children.push(edge)
      let answered = 0
      for (let kill = 0; kill < KILLS; kill += 1) {
        const logins = await Promise.all(Array.from({ length: ACTS }, () => client.logIn('alice', kind.client)))
        const admin = (await client.logIn('admin')).access_token
        const acts = logins.map((login) => kind.act(client, admin, login).catch(() => undefined))
        await pause(Math.random() * LATEST_KILL_MS)
        await origin.stop('SIGKILL')
        const done = (await Promise.all(acts)).map((answer) => answer !== undefined && answer.status < 300)
        origin = await startOrigin(place)

        const head = await client.originSequence()
        await converged(client, head)
        const auditor = (await client.logIn('admin')).access_token
        const lines = (await client.administer(auditor, 'GET', 'events?max=1000')).body as unknown as {
          action: string
          subject?: string
          sequence?: number
        }[]
        for (const [index, login] of logins.entries()) {
          const refused = (await client.call(login.access_token)).status === 401
          if (done[index] === true) {
            answered += 1
            assert.ok(refused, 'an act with a response is not enforced')
            const subject = kind.subject(login)
            const line = lines.find(
              (each) => each.action === kind.action && (subject === undefined || each.subject === subject),
            )
            assert.ok(line !== undefined, 'an act with a response is not in the audit log')
            assert.ok((line.sequence ?? Infinity) <= head, 'the audit log is ahead of the ledger')
          }
          const refreshed = (await client.refresh(login.refresh_token, kind.client)).status === 200
          assert.equal(
            refreshed,
            kind.refresh === 'lives' || !refused,
            'the refresh token and the access token contradict each other',
          )
        }
      }
      place.children.push(origin)
      figure(`${title}: ${answered} of ${KILLS * ACTS} acts had a response before the kill`)
    } finally {
      await place.close()
    }
  })
}

test(`a reused refresh token ends its session while the origin is killed, ${KILLS} times`, {
  timeout: 120_000,
}, async () => {
  const place = await openPlace()
  try {
    const client = new Client(place)
    let origin = await startOrigin(place)
    place.children.push(await startEdge(place))
    for (let kill = 0; kill < KILLS; kill += 1) {
      const logins = await Promise.all(Array.from({ length: ACTS }, () => client.logIn('bob')))
      const renewed = await Promise.all(logins.map((login) => client.refresh(login.refresh_token)))
      const reuses = logins.map((login) => client.refresh(login.refresh_token).catch(() => undefined))
      await pause(Math.random() * LATEST_KILL_MS)
      await origin.stop('SIGKILL')
      const refused = (await Promise.all(reuses)).map((answer) => answer?.status === 400)
      origin = await startOrigin(place)
      await pause(100)
      await converged(client, await client.originSequence())
      for (const [index, answer] of renewed.entries()) {
        const ended = (await client.call(String(answer.body['access_token']))).status === 401
        if (refused[index] === true)
          assert.ok(ended, 'the reuse got its response, but the session’s access token is still accepted')
        const lives = (await client.refresh(String(answer.body['refresh_token']))).status === 200
        assert.equal(lives, !ended, 'the family and its access token contradict each other')
      }
    }
    place.children.push(origin)
  } finally {
    await place.close()
  }
})

async function converged(client: Client, head: number): Promise<void> {
  const deadline = Date.now() + CONVERGENCE_SECONDS * 1000
  while (((await client.edgeSequence()) ?? -1) < head && Date.now() < deadline) await pause(20)
  assert.ok(((await client.edgeSequence()) ?? -1) >= head, 'the edge did not catch up with the origin')
}

function claim(login: Login, name: string): string {
  return String(claimsOf(login.access_token)[name])
}

function keyIdOf(login: Login): string {
  const [header = ''] = login.access_token.split('.')
  return (JSON.parse(Buffer.from(header, 'base64url').toString()) as { kid: string }).kid
}
