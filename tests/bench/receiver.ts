// The origin's receivers of Keycloak messages. Keycloak sends them one after the other within the administrator's
// request, which waits for them.

import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { SignJWT } from 'jose'
import { Child, freePort, pause } from '../../www/demo/child.ts'
import type { Bench, Line } from './run.ts'
import { type Key, makeKey } from './tokens.ts'

const REALM = 'bench'
const MESSAGES = 1_000
const PER_SECOND = 50
/** Warm-up messages for both processes; not timed. */
const WARMING = 100
/** Forged messages per second in addition to the valid ones; each costs a failed verification. */
const FORGED_PER_SECOND = 500
/** Signed in advance and reused, because the origin does not remember refused messages. */
const FORGED_TOKENS = 100

export const receiver: Bench = {
  names: ['receiver.logout_token', 'receiver.flood'],
  async *run(wanted) {
    const folder = await mkdtemp(join(tmpdir(), 'portcullis-bench-'))
    const keycloak = await startKeycloak()
    const port = await freePort()
    const entry = fileURLToPath(new URL('child/origin.ts', import.meta.url))
    const origin = new Child('origin', process.execPath, ['--import', import.meta.resolve('tsx'), entry], {
      BENCH_PORT: String(port),
      BENCH_DATABASE: join(folder, 'revocations.db'),
      BENCH_KEYCLOAK: keycloak.url,
    })
    const url = `http://127.0.0.1:${port}/realms/${REALM}/backchannel-logout`
    try {
      await origin.ready(`http://127.0.0.1:${port}/healthz`)
      await paced(WARMING, PER_SECOND, async () => send(url, await logoutToken(keycloak.issuer, keycloak.key), 200))
      if (wanted('receiver.logout_token')) yield await answers('receiver.logout_token', url, keycloak)
      if (!wanted('receiver.flood')) return
      const forger = await makeKey('RS256')
      const forged = await Promise.all(
        Array.from({ length: FORGED_TOKENS }, () => logoutToken(keycloak.issuer, forger)),
      )
      const flood = paced(FORGED_PER_SECOND * (MESSAGES / PER_SECOND), FORGED_PER_SECOND, (index) =>
        send(url, forged[index % FORGED_TOKENS] ?? '', 400),
      )
      yield await answers('receiver.flood', url, keycloak)
      await flood
    } finally {
      await origin.stop()
      keycloak.close()
      await rm(folder, { recursive: true, force: true })
    }
  },
}

/** Measures from the message's first byte to the response, when it is verified and durable in SQLite. */
async function answers(bench: string, url: string, { issuer, key }: Keycloak): Promise<Line> {
  const tokens = await Promise.all(Array.from({ length: MESSAGES }, () => logoutToken(issuer, key)))
  const latencies: number[] = []
  await paced(MESSAGES, PER_SECOND, async (index) => {
    const start = performance.now()
    await send(url, tokens[index] ?? '', 200)
    latencies.push(performance.now() - start)
  })
  latencies.sort((a, b) => a - b)
  return {
    bench,
    runtime: 'node',
    value: latencies[Math.ceil(MESSAGES * 0.99) - 1] ?? Number.NaN,
    unit: 'ms (p99)',
    peers: {},
  }
}

/** Begins `perSecond` calls per second, whether or not earlier ones have ended. */
async function paced(count: number, perSecond: number, begin: (index: number) => Promise<void>): Promise<void> {
  const start = performance.now()
  const running: Promise<void>[] = []
  for (let index = 0; index < count; index += 1) {
    await pause(Math.max(0, start + (index * 1000) / perSecond - performance.now()))
    running.push(begin(index))
  }
  await Promise.all(running)
}

async function send(url: string, token: string, expected: number): Promise<void> {
  const response = await fetch(url, { method: 'POST', body: new URLSearchParams({ logout_token: token }) })
  await response.arrayBuffer()
  if (response.status !== expected) throw new Error(`the origin returned ${response.status} for a logout token`)
}

function logoutToken(issuer: string, key: Key): Promise<string> {
  const issuedAt = Math.floor(Date.now() / 1000)
  const events = { 'http://schemas.openid.net/event/backchannel-logout': {} }
  return new SignJWT({
    iss: issuer,
    aud: 'web',
    sub: randomUUID(),
    sid: randomUUID(),
    jti: randomUUID(),
    typ: 'Logout',
    iat: issuedAt,
    exp: issuedAt + 120,
    events,
  })
    .setProtectedHeader({ alg: key.algorithm, kid: key.jwk.kid ?? '', typ: 'logout+jwt' })
    .sign(key.privateKey)
}

interface Keycloak {
  url: string
  issuer: string
  key: Key
  close(): void
}

/** Serves the public documents that the connector polls. */
async function startKeycloak(): Promise<Keycloak> {
  const [key, port] = [await makeKey('RS256'), await freePort()]
  const url = `http://127.0.0.1:${port}`
  const issuer = `${url}/realms/${REALM}`
  const documents: Record<string, object> = {
    [`/realms/${REALM}`]: { realm: REALM, 'tokens-not-before': 0 },
    [`/realms/${REALM}/.well-known/openid-configuration`]: { issuer },
    [`/realms/${REALM}/protocol/openid-connect/certs`]: { keys: [key.jwk] },
  }
  const server = createServer(({ url: path = '' }, response) => {
    const document = documents[path]
    response
      .writeHead(document === undefined ? 404 : 200, { 'content-type': 'application/json' })
      .end(JSON.stringify(document ?? {}))
  })
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  return { url, issuer, key, close: () => void server.close() }
}
