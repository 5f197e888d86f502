// The gate of this page: it judges the same token anew whenever the feed or the clock has moved on.

import type { Check, Gate, Report, Status, Verdict } from 'portcullis/edge'
import type { Demo } from '../parts/api.ts'

/** The gate's verdict on the token in the field; without one there is no verdict. */
export interface Judgement {
  token: string
  verdict: Verdict | undefined
  checks: Check[]
}

export interface LiveStatus {
  /** `undefined` before the first look at the gate. */
  state: Status | undefined
  /** Why the feed is not received at the moment; `undefined` while it is. */
  problem: string | undefined
}

export interface LiveGate {
  /** The checks in the order they run, none of them reached. */
  plan(): Promise<Check[]>
  /** Judges this token from now on; an empty one is none. */
  judge(token: string): void
  onJudgement(listener: (judgement: Judgement) => void): void
  onStatus(listener: (status: LiveStatus) => void): void
  start(): void
}

/** How often the gate's state is looked at: soon enough that a push seems immediate. */
const LOOK_EVERY_MS = 50
/** Expiry and age move with the clock. */
const JUDGE_EVERY_MS = 1000
/** Older than this the feed is not live: the origin speaks every second. */
const LIVE_SECONDS = 5

/** Fetches the gate's code and module, and opens it. Only the feed is requested afterwards. */
export async function openLiveGate(demo: Demo): Promise<LiveGate> {
  const { createGate } = await import('portcullis/edge')
  let report: Report | undefined
  const gate: Gate = createGate({
    realms: [
      {
        name: demo.realm,
        issuer: demo.issuer,
        audience: 'api',
        feed: { url: `${location.origin}/feed/${demo.realm}`, keys: demo.feedKeys, mode: 'stream' },
      },
    ],
    onReport: (given) => {
      report = given
    },
  })
  const judgements: ((judgement: Judgement) => void)[] = []
  const statuses: ((status: LiveStatus) => void)[] = []
  let current = ''
  let turn = 0
  let judgedAtMs = -Infinity
  let sequence: number | undefined

  async function run(): Promise<void> {
    const token = current
    turn += 1
    const mine = turn
    judgedAtMs = performance.now()
    const checks = await explain(gate, token)
    // Something newer is being judged; its answer counts.
    if (mine !== turn) return
    const verdict = token === '' ? undefined : gate.checkSync(token)
    for (const listener of judgements) listener({ token, verdict, checks })
  }

  function look(): void {
    const [state] = gate.status()
    const heard = state?.ageSeconds !== undefined && state.ageSeconds <= LIVE_SECONDS
    if (heard) report = undefined
    for (const listener of statuses) listener({ state, problem: heard ? undefined : report?.error.message })
    if (state?.sequence !== sequence || performance.now() - judgedAtMs > JUDGE_EVERY_MS) {
      sequence = state?.sequence
      void run()
    }
  }

  return {
    plan: () => explain(gate, ''),
    judge(token) {
      current = token
      void run()
    },
    onJudgement: (listener) => void judgements.push(listener),
    onStatus: (listener) => void statuses.push(listener),
    start() {
      // A failure of the first refresh is reported; the stream goes on trying.
      void gate.refresh().catch(() => undefined)
      look()
      setInterval(look, LOOK_EVERY_MS)
    },
  }
}

/** No token at all is no malformed one: then nothing is reached. */
async function explain(gate: Gate, token: string): Promise<Check[]> {
  const checks = await gate.explain(token)
  return token === '' ? checks.map(({ check }) => ({ check, outcome: 'not_reached' })) : checks
}
