// The probe: five requests to which every environment must respond in the same way.

import { pause } from '../../www/demo/child.ts'
import type { Running, Scope } from './environment.ts'
import type { Stage } from './stage.ts'

export const STEPS = ['no token', 'garbage', 'good', 'missing scope', 'revoked'] as const

type Step = (typeof STEPS)[number]

/** A request of the probe, with the expected and the received status. */
export interface Answer {
  step: Step
  expected: number
  status: number
}

const REVOKED_WITHIN_MS = 5000
const ASK_TIMEOUT_MS = 20_000

/** Sends the requests in order. A wrong response does not end the probe. */
export async function probe(running: Running, stage: Stage): Promise<Answer[]> {
  const token = await stage.token()
  const ask = (token: string | undefined, scope: Scope = 'read') => within(running.ask(token, scope))
  const answers: Answer[] = [
    { step: 'no token', expected: 401, status: await ask(undefined) },
    { step: 'garbage', expected: 401, status: await ask('garbage') },
    { step: 'good', expected: 200, status: await ask(token) },
    { step: 'missing scope', expected: 403, status: await ask(token, 'write') },
  ]
  await (running.revoke ?? stage.revoke)(token)
  let status = await ask(token)
  for (const end = Date.now() + REVOKED_WITHIN_MS; status === 200 && Date.now() < end; status = await ask(token))
    await pause(100)
  // Another token must still be accepted: a gate that has lost its state would refuse all tokens.
  const other = await ask(await stage.token())
  if (status === 401 && other !== 200) throw new Error(`an unrevoked token gets ${other} after the revocation`)
  return [...answers, { step: 'revoked', expected: 401, status }]
}

export function isRight({ expected, status }: Answer): boolean {
  return expected === status
}

async function within(answer: Promise<number>): Promise<number> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no response within ${ASK_TIMEOUT_MS / 1000} s`)), ASK_TIMEOUT_MS)
  })
  try {
    return await Promise.race([answer, late])
  } finally {
    clearTimeout(timer)
  }
}
