import { type Reason, statusOf } from '../reasons.ts'
import type { Refused } from '../types.ts'

/** Returns a refusal; `advice` is one sentence on what to do about it. */
export function refused(reason: Reason, advice?: string): Refused {
  const refusal: Refused = { ok: false, reason, status: statusOf(reason) }
  return advice === undefined ? refusal : { ...refusal, advice }
}
