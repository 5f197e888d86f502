// A load generator: every connection has requests of its own and sends them one after the other, over and over.

import autocannon from 'autocannon'
import { answer, input } from '../program.ts'

export interface Load {
  url: string
  connections: number
  /** How many answers are awaited in all. */
  amount: number
  /** Shared out among the connections in equal parts. */
  requests: { method: 'GET' | 'POST'; path: string; headers: Record<string, string>; body?: string }[]
}

export interface Throughput {
  requestsPerSecond: number
}

const { url, connections, amount, requests } = await input<Load>()
const share = Math.floor(requests.length / connections)
let next = 0
const startedAtMs = performance.now()
let answeredAtMs = startedAtMs
const result = await new Promise<autocannon.Result>((resolve, reject) => {
  const setupClient = (client: autocannon.Client): void => {
    client.setRequests(requests.slice(next, (next += share)))
  }
  const running = autocannon({ url, connections, amount, setupClient }, (error: unknown, ended) =>
    error ? reject(error) : resolve(ended),
  )
  // It looks only once a second whether it is done, so its own times are too coarse.
  running.on('response', () => (answeredAtMs = performance.now()))
})
if (result['2xx'] !== amount)
  throw new Error(`${amount - result['2xx']} of ${amount} requests were not answered with success`)
answer({ requestsPerSecond: (amount * 1000) / (answeredAtMs - startedAtMs) } satisfies Throughput)
