// Measures a gate with a realms function in a separate process: valid tokens first alone, then during a flood of tokens
// with forged issuers.

import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { answer, input } from '../program.ts'
import { AUDIENCE, claimsOf, makeKey } from '../tokens.ts'
import { SignJWT } from 'jose'

export interface Flood {
  /** 99th percentile of a successful check, in microseconds. */
  alone: number
  beside: number
  /** Tokens with forged issuers per second. */
  rate: number
  /** Calls of the realms function for them, and the duration. */
  calls: number
  seconds: number
  /** Growth of the resident set and of the core's memory during the flood, in bytes. */
  resident: number
  core: number
  /** Valid tokens that were refused. */
  refused: number
}

const { seconds, rate, realms } = await input<{ seconds: number; rate: number; realms: number }>()
const ORIGIN = 'https://origin.example'
const TICK_MS = 5

// Installed before the package creates its first instance.
const memories: WebAssembly.Memory[] = []
const { Instance } = WebAssembly
WebAssembly.Instance = new Proxy(Instance, {
  construct(target, parameters: ConstructorParameters<typeof Instance>) {
    const instance = new target(...parameters)
    const { memory } = instance.exports
    if (memory instanceof WebAssembly.Memory) memories.push(memory)
    return instance
  },
})
const { createGate } = await import('portcullis/edge')
const { createOrigin, generateFeedKey } = await import('portcullis/origin')
const { memoryStore } = await import('portcullis/origin/memory')

const key = await makeKey('ES256')
const { signingKey, publicKey } = await generateFeedKey()
const names = Array.from({ length: realms }, (_, number) => `tenant-${number}`)
const issuerOf = (name: string) => `https://${name}.issuer.example/`
const jwks = { keys: [key.jwk as never] }
const origin = await createOrigin({
  store: memoryStore(),
  signingKey,
  realms: names.map((name) => ({ name, issuer: issuerOf(name), audience: AUDIENCE, jwks })),
})
const feedOf = (name: string) => ({ url: `${ORIGIN}/feed/${name}`, keys: [publicKey] })
const known = new Map(names.map((name) => [issuerOf(name), name]))
let calls = 0
const gate = createGate({
  issuers: ['https://{tenant}.issuer.example/'],
  realms(issuer) {
    calls += 1
    const name = known.get(issuer)
    return name === undefined ? undefined : { name, issuer, audience: AUDIENCE, jwks, feed: feedOf(name) }
  },
  fetch: (url, init) => origin.fetch(new Request(url as string, init)),
  // The origin runs in this process and must not be measured.
  refreshAfterSeconds: 3600,
  waitAfterSeconds: 3600,
  maxStaleSeconds: 3600,
})
const good = await Promise.all(
  names.map((name) =>
    new SignJWT(claimsOf({ iss: issuerOf(name) }))
      .setProtectedHeader({ alg: 'ES256', typ: 'JWT', kid: key.jwk.kid ?? '' })
      .sign(key.privateKey),
  ),
)
for (const token of good) {
  const verdict = await gate.check(token)
  if (!verdict.ok) throw new Error(`a valid token was refused: ${verdict.reason}`)
}
const [header, , signature] = (good[0] ?? '').split('.')
const madeUp = () =>
  `${header}.${Buffer.from(JSON.stringify(claimsOf({ iss: issuerOf(randomUUID()) }))).toString('base64url')}.${signature}`
// Made in advance, so that making them is not measured.
const pool = Array.from({ length: seconds * rate }, madeUp)
let next = 0

let refused = 0
await measure(2, 0)
const alone = await measure(seconds / 2, 0)
// A first flood causes the one-time allocations, so that only growth is measured.
await measure(seconds / 2, rate)
const before = await sizes()
calls = 0
const startedAtMs = performance.now()
const flood = await measure(seconds, rate)
const lasted = (performance.now() - startedAtMs) / 1000
const after = await sizes()
answer({
  alone: percentile(alone.latencies),
  beside: percentile(flood.latencies),
  rate: flood.sent / lasted,
  calls,
  seconds: lasted,
  refused,
  resident: after.resident - before.resident,
  core: after.core - before.core,
} satisfies Flood)

async function measure(forSeconds: number, madeUpPerSecond: number): Promise<{ latencies: number[]; sent: number }> {
  const latencies: number[] = []
  const startMs = performance.now()
  let sent = 0
  while (performance.now() - startMs < forSeconds * 1000) {
    const due = ((performance.now() - startMs) / 1000) * madeUpPerSecond
    for (; sent < due; sent += 1) void gate.check(pool[(next = (next + 1) % pool.length)] ?? '')
    for (const token of good) {
      const at = performance.now()
      const verdict = await gate.check(token)
      latencies.push((performance.now() - at) * 1000)
      if (!verdict.ok) refused += 1
    }
    await pause(TICK_MS)
  }
  return { latencies, sent }
}

function percentile(latencies: number[]): number {
  return latencies.sort((one, other) => one - other)[Math.floor(latencies.length * 0.99)] ?? 0
}

async function sizes(): Promise<{ resident: number; core: number }> {
  await pause(1500)
  for (let times = 0; times < 3; times += 1) globalThis.gc?.()
  return {
    resident: process.memoryUsage().rss,
    core: memories.reduce((bytes, { buffer }) => bytes + buffer.byteLength, 0),
  }
}
