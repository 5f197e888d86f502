// Time from the revocation's response to the edge's first refusal: by each transport of the feed, and by push for each
// kind of event.

import { createGate, type Gate, type JWK } from 'portcullis/edge'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Answer, claimsOf, Client } from '../../www/demo/client.ts'
import { pause } from '../../www/demo/child.ts'
import { startEdge } from '../../www/demo/edge.ts'
import { originUrl, type Place } from '../../www/demo/settings.ts'
import { startOrigin } from '../../www/demo/start-origin.ts'
import { openPlace } from '../place.ts'
import type { Bench, Line } from './run.ts'

const GIVE_UP_MS = 10_000

/** Returns whether the edge accepts the token now. */
type Accepts = (token: string) => Promise<boolean>

/** One kind of revocation: how often it is measured, and how it is done. */
interface Kind {
  /** Fewer if later logins must wait for the next second. */
  times: number
  client?: string
  revoke: (client: Client, admin: string, login: { access_token: string; refresh_token: string }) => Promise<Answer>
}

const TOKEN: Kind = { times: 200, revoke: (client, _admin, { access_token: token }) => client.revoke(token) }

const KINDS: Readonly<Record<string, Kind>> = {
  token: TOKEN,
  refreshToken: {
    times: 100,
    client: 'backend',
    revoke: (client, _admin, login) => client.revokeAsClient(login.refresh_token, 'backend'),
  },
  session: {
    times: 100,
    revoke: (client, admin, { access_token: token }) =>
      client.administer(admin, 'DELETE', `sessions/${claim(token, 'sid')}`),
  },
  clientSession: {
    times: 100,
    revoke: (client, admin, { access_token: token }) =>
      client.administer(admin, 'DELETE', `sessions/${claim(token, 'sid')}?client=demo`),
  },
  user: {
    times: 50,
    revoke: (client, admin, { access_token: token }) =>
      client.administer(admin, 'POST', `users/${claim(token, 'sub')}/logout`),
  },
  client: {
    times: 50,
    client: 'backend',
    revoke: (client, admin) => client.administer(admin, 'POST', 'clients/backend/push-revocation'),
  },
  realm: { times: 50, revoke: (client, admin) => client.administer(admin, 'POST', 'logout-all') },
  tokenVersion: {
    times: 100,
    revoke: (client, admin, { access_token: token }) =>
      client.administer(admin, 'PUT', `users/${claim(token, 'sub')}/token-version`, {
        minimum: Number(claim(token, 'token_version')) + 1,
      }),
  },
  key: {
    times: 50,
    revoke: async (client, admin, { access_token: token }) => {
      await client.administer(admin, 'POST', 'keys')
      return client.administer(admin, 'DELETE', `keys/${keyIdOf(token)}`)
    },
  },
}

/** Kinds of events that are pushed, by the name of the figure. */
const PUSHED: Readonly<Record<string, Kind>> = {
  'enforcement.push': TOKEN,
  ...Object.fromEntries(Object.entries(KINDS).map(([kind, how]) => [`enforcement.push.${kind}`, how])),
  'enforcement.grant': {
    times: 200,
    revoke: (client, admin, { access_token: token }) =>
      client.administer(admin, 'DELETE', `users/${claim(token, 'sub')}/grants/${claim(token, 'azp')}`),
  },
  'enforcement.key_not_before': {
    times: 200,
    revoke: (client, admin, { access_token: token }) =>
      client.administer(admin, 'PUT', `keys/${keyIdOf(token)}/not-before`),
  },
}

export const enforcement: Bench = {
  names: [...Object.keys(PUSHED), 'enforcement.stream', 'enforcement.pull'],
  async *run(wanted) {
    const place = await openPlace()
    try {
      const client = new Client(place)
      const pushed = Object.entries(PUSHED).filter(([name]) => wanted(name))
      if (pushed.length > 0) {
        const origin = await startOrigin(place)
        const edge = await startEdge(place)
        place.children.push(origin, edge)
        const accepts: Accepts = async (token) => (await client.call(token)).status === 200
        for (const [name, how] of pushed) yield await figure(name, 'workerd', client, how, accepts)
        await Promise.all([origin.stop(), edge.stop()])
      }
      place.children.push(await startOrigin(place, { push: false }))
      for (const mode of ['stream', 'pull'] as const) {
        if (!wanted(`enforcement.${mode}`)) continue
        const gate = await openGate(place, mode)
        yield await figure(`enforcement.${mode}`, 'node', client, TOKEN, async (token) => (await gate.check(token)).ok)
        gate.close()
      }
    } finally {
      await place.close()
    }
  },
}

/** Measures revocations one after the other and returns the 99th percentile. */
async function figure(
  bench: string,
  runtime: Line['runtime'],
  client: Client,
  kind: Kind,
  accepts: Accepts,
): Promise<Line> {
  const latencies: number[] = []
  for (let index = 0; index < kind.times; index += 1) {
    const login = await client.logIn('alice', kind.client)
    const admin = (await client.logIn('admin')).access_token
    const token = login.access_token
    if (!(await accepts(token))) throw new Error(`${bench}: a token that was not revoked was refused`)
    // Avoids synchronisation with the origin's heartbeat.
    await pause(Math.random() * 50)
    const answer = await kind.revoke(client, admin, login)
    if (answer.status >= 300) throw new Error(`${bench}: the origin returned ${answer.status}`)
    latencies.push(await untilRefused(token, accepts, bench))
  }
  latencies.sort((a, b) => a - b)
  const value = latencies[Math.ceil(latencies.length * 0.99) - 1] ?? Number.NaN
  return { bench, runtime, value, unit: 'ms (p99)', peers: {} }
}

async function untilRefused(token: string, accepts: Accepts, bench: string): Promise<number> {
  const start = performance.now()
  while (await accepts(token)) {
    if (performance.now() - start > GIVE_UP_MS) throw new Error(`${bench}: still accepted after ${GIVE_UP_MS} ms`)
    await pause(1)
  }
  return performance.now() - start
}

function claim(token: string, name: string): string {
  return String(claimsOf(token)[name])
}

function keyIdOf(token: string): string {
  const header = JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()) as { kid?: string }
  return header.kid ?? ''
}

async function openGate(place: Place, mode: 'stream' | 'pull'): Promise<Gate> {
  const origin = originUrl(place)
  const publicKey = JSON.parse(await readFile(join(place.folder, 'feed-key.public.json'), 'utf8')) as JWK
  const gate = createGate({
    realms: [
      {
        name: 'acme',
        issuer: `${origin}/realms/acme`,
        audience: 'api',
        feed: { url: `${origin}/feed/acme`, keys: [publicKey], mode },
      },
    ],
  })
  await gate.refresh()
  return gate
}
