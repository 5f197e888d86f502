import type { JWK } from '../../types.ts'
import type { LedgerCore, LedgerEvent, LedgerFacts } from './ledger.ts'
import { coreGeneration, guarded, isCurrent, lostCore } from './module.ts'
import type { TokenSubject } from './ledger.ts'

/**
 * A ledger that is not asked any more once a call into the core has ended in a trap: what that leaves in memory is in no defined
 * state. Every method throws `fault` then; where the ledger was last is still known.
 */
export class GuardedLedger implements LedgerCore {
  readonly #ledger: LedgerCore
  readonly #generation = coreGeneration()
  #sequence: number

  constructor(ledger: LedgerCore) {
    this.#ledger = ledger
    this.#sequence = ledger.sequence
  }

  restorePage(sequences: Float64Array, lengths: Uint32Array, contents: Uint8Array): void {
    this.#call(() => this.#ledger.restorePage(sequences, lengths, contents))
  }

  restoreHead(sequence: number, chain: Uint8Array): void {
    this.#call(() => this.#ledger.restoreHead(sequence, chain))
  }

  stage(event: LedgerEvent, now: number, issuerLeadSeconds?: number): ReturnType<LedgerCore['stage']> {
    return this.#call(() => this.#ledger.stage(event, now, issuerLeadSeconds))
  }

  commit(): void {
    this.#call(() => this.#ledger.commit())
  }

  abort(): void {
    this.#call(() => this.#ledger.abort())
  }

  manifest(now: number): Uint8Array {
    return this.#call(() => this.#ledger.manifest(now))
  }

  section(sha256: string): Uint8Array | undefined {
    return this.#call(() => this.#ledger.section(sha256))
  }

  delta(after: number, now: number): Uint8Array {
    return this.#call(() => this.#ledger.delta(after, now))
  }

  sharedStretch(after: number): Float64Array {
    return this.#call(() => this.#ledger.sharedStretch(after))
  }

  deltaOver(start: number, after: number, until: number, now: number): Uint8Array {
    return this.#call(() => this.#ledger.deltaOver(start, after, until, now))
  }

  get settledSince(): number {
    return this.#call(() => this.#ledger.settledSince)
  }

  get widestStart(): number {
    return this.#call(() => this.#ledger.widestStart)
  }

  prune(now: number): number {
    return this.#call(() => this.#ledger.prune(now))
  }

  get sequence(): number {
    if (isCurrent(this.#generation)) this.#sequence = this.#call(() => this.#ledger.sequence)
    return this.#sequence
  }

  head(): { sequence: number; chain: string } {
    return this.#call(() => this.#ledger.head())
  }

  chainAt(sequence: number): string | undefined {
    return this.#call(() => this.#ledger.chainAt(sequence))
  }

  setSigningKey(jwk: JWK): void {
    this.#call(() => this.#ledger.setSigningKey(jwk))
  }

  refuses(subject: TokenSubject): string | undefined {
    return this.#call(() => this.#ledger.refuses(subject))
  }

  userNotBefore(subject: string): number {
    return this.#call(() => this.#ledger.userNotBefore(subject))
  }

  minimumVersion(subject: string): number {
    return this.#call(() => this.#ledger.minimumVersion(subject))
  }

  jwks(): string | undefined {
    return this.#call(() => this.#ledger.jwks())
  }

  bans(thumbprint: string): boolean {
    return this.#call(() => this.#ledger.bans(thumbprint))
  }

  facts(): LedgerFacts {
    return this.#call(() => this.#ledger.facts())
  }

  /** Never throws. */
  free(): void {
    if (!isCurrent(this.#generation)) return
    try {
      this.#call(() => this.#ledger.free())
    } catch {
      // It has been reported, and the memory is gone with the instance.
    }
  }

  #call<T>(operation: () => T): T {
    if (!isCurrent(this.#generation)) throw lostCore()
    return guarded(operation)
  }
}
