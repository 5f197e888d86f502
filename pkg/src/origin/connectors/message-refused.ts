import type { UnverifiedReason } from './issuer-tokens.ts'

/** Why a receiver refused a message. */
export type RefusalReason =
  | UnverifiedReason
  | 'wrong_type'
  | 'wrong_issuer'
  | 'wrong_audience'
  | 'expired'
  | 'issued_in_future'
  | 'missing_claim'
  | 'forbidden_claim'
  | 'invalid_claim'
  | 'unauthenticated'
  | 'too_busy'

/** A message that a receiver refuses. Its text names a rule and repeats nothing of the message. */
export class MessageRefused extends Error {
  override readonly name = 'MessageRefused'
  readonly reason: RefusalReason

  constructor(reason: RefusalReason, sentence: string) {
    super(sentence)
    this.reason = reason
  }
}
