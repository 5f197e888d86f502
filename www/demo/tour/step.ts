// A step of the tour, and checks of its results.

import type { Child } from '../child.ts'
import type { Answer, Client, Refusal } from '../client.ts'
import type { Place } from '../settings.ts'

/** A step of the tour. `run` returns a sentence with the result, and throws if it is not the expected one. */
export interface Step {
  title: string
  run: () => Promise<string>
}

/** Processes and clients that the steps use. */
export interface Stage {
  place: Place
  client: Client
  origin: Child
  edge: Child
  /** The in-house issuer's key, to sign tokens with. */
  inhouseKey: Uint8Array
  /** A fresh access token of the administrator. */
  admin(): Promise<string>
}

export function accepted(answer: Answer): string {
  expect(answer.status === 200, `the edge returned ${answer.status} ${JSON.stringify(answer.body)}, not 200`)
  return 'the edge returned 200'
}

export function refused(answer: Answer): string {
  expect(answer.status === 401, `the edge returned ${answer.status} ${JSON.stringify(answer.body)}, not 401`)
  expect(
    answer.challenge?.includes('error="invalid_token"') ?? false,
    'the challenge does not have the error invalid_token',
  )
  return `the edge returned 401 (${String(answer.body['error_description'])})`
}

/** Requires a refusal whose error description contains `description`. */
export function refusedFor(answer: Answer, description: string): string {
  const told = refused(answer)
  expect(told.includes(description), `it was refused for a different reason: ${told}`)
  return told
}

export function timed({ answer, milliseconds }: Refusal): string {
  return `${refused(answer)}, ${milliseconds.toFixed(1)} ms after the origin's response`
}

export function answered(answer: Answer, status: number): void {
  expect(answer.status === status, `the origin returned ${answer.status} ${JSON.stringify(answer.body)}, not ${status}`)
}

export function expect(condition: boolean, otherwise: string): asserts condition {
  if (!condition) throw new Error(otherwise)
}
