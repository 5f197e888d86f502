// A load generator: every connection has its own requests and sends them one after the other, repeatedly.

import autocannon from 'autocannon'
import { answer, input } from '../program.ts'

export interface Load {
  url: string
  connections: number
  /** Total number of responses to wait for and to time. */
  amount: number
  /** Number of warm-up responses before that, because this process is new. */
  before?: number
  /** Divided among the connections in equal parts. */
  requests: { method: 'GET' | 'POST'; path: string; headers: Record<string, string>; body?: string }[]
}

export interface Throughput {
  requestsPerSecond: number
}

const { url, connections, amount, before = 0, requests } = await input<Load>()
const share = Math.floor(requests.length / connections)
let next = 0
let answers = 0
let startedAtMs = performance.now()
let answeredAtMs = startedAtMs
const result = await new Promise<autocannon.Result>((resolve, reject) => {
  const setupClient = (client: autocannon.Client): void => {
    client.setRequests(requests.slice(next, (next += share)))
  }
  const running = autocannon({ url, connections, amount: before + amount, setupClient }, (error: unknown, ended) =>
    error ? reject(error) : resolve(ended),
  )
  // autocannon checks only once a second whether it is done, so its own times are too coarse.
  running.on('response', () => {
    answeredAtMs = performance.now()
    if ((answers += 1) === before) startedAtMs = answeredAtMs
  })
})
if (result['2xx'] !== before + amount)
  throw new Error(`${before + amount - result['2xx']} of ${before + amount} requests failed`)
answer({ requestsPerSecond: (amount * 1000) / (answeredAtMs - startedAtMs) } satisfies Throughput)
