// A strict project: a verdict's members can be read only after `ok`, and neither variant has members of the other.

import type { Accepted, Gate, Refused, Verdict } from 'portcullis/edge'

declare const gate: Gate
declare const verdict: Verdict

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
export const precise: [Same<Verdict, Accepted | Refused>, Same<Parameters<Gate['challenge']>, [refused: Refused]>] = [
  true,
  true,
]

export function unread(): void {
  // @ts-expect-error not known yet
  void verdict.claims
  // @ts-expect-error not known yet
  void verdict.reason
  // @ts-expect-error may have been accepted
  gate.challenge(verdict)
  if (!verdict.ok) return
  // @ts-expect-error an accepted token has no reason
  void verdict.reason
  // @ts-expect-error nor can it be refused
  gate.challenge(verdict)
  // @ts-expect-error may be absent
  verdict.claims.sub.length
}
