// From the revocation's answer to the edge's first refusal, over 200 revocations each way the feed can travel.

import { createGate, type Gate, type JWK } from 'portcullis/edge'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Client } from '../../www/demo/client.ts'
import { pause } from '../../www/demo/child.ts'
import { startEdge } from '../../www/demo/edge.ts'
import { originUrl, type Place } from '../../www/demo/settings.ts'
import { startOrigin } from '../../www/demo/start-origin.ts'
import { openPlace } from '../place.ts'
import type { Bench, Line } from './run.ts'

const REVOCATIONS = 200
const GIVE_UP_MS = 10_000

/** Asks the edge whether it accepts the token now. */
type Accepts = (token: string) => Promise<boolean>

export const enforcement: Bench = {
  names: ['enforcement.push', 'enforcement.stream', 'enforcement.pull'],
  async *run(wanted) {
    const place = await openPlace()
    try {
      const client = new Client(place)
      if (wanted('enforcement.push')) {
        const origin = await startOrigin(place)
        const edge = await startEdge(place)
        place.children.push(origin, edge)
        yield await figure('enforcement.push', 'workerd', client, async (token) => (await client.call(token)).status === 200)
        await Promise.all([origin.stop(), edge.stop()])
      }
      place.children.push(await startOrigin(place, { push: false }))
      for (const mode of ['stream', 'pull'] as const) {
        if (!wanted(`enforcement.${mode}`)) continue
        const gate = await openGate(place, mode)
        yield await figure(`enforcement.${mode}`, 'node', client, async (token) => (await gate.check(token)).ok)
        gate.close()
      }
    } finally {
      await place.close()
    }
  },
}

/** The 99th percentile over all revocations, one after the other. */
async function figure(bench: string, runtime: Line['runtime'], client: Client, accepts: Accepts): Promise<Line> {
  const latencies: number[] = []
  for (let index = 0; index < REVOCATIONS; index += 1) {
    const { access_token: token } = await client.logIn('alice')
    if (!(await accepts(token))) throw new Error(`${bench}: a token that nobody revoked was refused`)
    // Not in step with the origin's heartbeat.
    await pause(Math.random() * 50)
    const answer = await client.revoke(token)
    if (answer.status !== 200) throw new Error(`${bench}: the origin answered ${answer.status}`)
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

async function openGate(place: Place, mode: 'stream' | 'pull'): Promise<Gate> {
  const origin = originUrl(place)
  const publicKey = JSON.parse(await readFile(join(place.folder, 'feed-key.public.json'), 'utf8')) as JWK
  const gate = createGate({
    realms: [
      {
        name: 'acme',
        issuer: `${origin}/realms/acme`,
        audience: 'api',
        jwks: new URL(`${origin}/realms/acme/protocol/openid-connect/certs`),
        feed: { url: `${origin}/feed/acme`, keys: [publicKey], mode },
      },
    ],
  })
  await gate.refresh()
  return gate
}
