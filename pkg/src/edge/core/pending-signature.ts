import type { HostOutcome } from '../../core/host-signatures.ts'
import type { SignatureHandle } from '../../core/token-buffer.ts'

/**
 * Number of times a token goes to the host before it gets `no_feed`: its handle may expire, for example if the core was
 * rebuilt meanwhile.
 */
export const MAX_SIGNATURE_ROUNDS = 3

/**
 * A token whose signature the host verifies, or that waits for a slot there. Its outcome is passed to `afterSignature`
 * once.
 */
export class PendingSignature {
  readonly token: string
  /** Its handle in the core; `undefined` while it waits for a slot. */
  readonly handle: SignatureHandle | undefined
  readonly outcome: Promise<HostOutcome>
  /** Number of times the token has gone to the host. */
  readonly round: number

  constructor(token: string, handle: SignatureHandle | undefined, outcome: Promise<HostOutcome>, round: number) {
    this.token = token
    this.handle = handle
    this.outcome = outcome
    this.round = round
  }
}
