// The page's gate: judges the token again whenever the feed or the clock has advanced.

import type { Check, Gate, Report, Status, Verdict } from 'portcullis/edge'
import type { Demo } from '../parts/api.ts'

/** The gate's verdict on the token in the field; no verdict if the field is empty. */
export interface Judgement {
  token: string
  verdict: Verdict | undefined
  checks: Check[]
}

export interface LiveStatus {
  /** `undefined` until the gate is first polled. */
  state: Status | undefined
  /** Why the feed is currently not received; `undefined` while it is. */
  problem: string | undefined
}

interface LiveGate {
  /** Returns the checks in the order in which they run, all of them not reached. */
  plan(): Promise<Check[]>
  /** Judges this token from now on; an empty string stands for no token. */
  judge(token: string): void
  onJudgement(listener: (judgement: Judgement) => void): void
  onStatus(listener: (status: LiveStatus) => void): void
  start(): void
}

/** Polling interval of the gate's state; short enough that a push seems immediate. */
const LOOK_EVERY_MS = 50
/** Expiry and age change with the clock. */
const JUDGE_EVERY_MS = 1000
/** A feed older than this is not live: the origin sends a statement every second. */
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
    // A newer token is being judged; its verdict counts.
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
      // A failure of the first refresh is reported; the stream keeps retrying.
      void gate.refresh().catch(() => undefined)
      look()
      setInterval(look, LOOK_EVERY_MS)
    },
  }
}

/** An empty field is not a malformed token: no check is reached. */
async function explain(gate: Gate, token: string): Promise<Check[]> {
  const checks = await gate.explain(token)
  return token === '' ? checks.map(({ check }) => ({ check, outcome: 'not_reached' })) : checks
}
