import { Ledger } from '../../../wasm/origin/core.js'
import { PortcullisError } from '../../errors.ts'
import type { JWK } from '../../types.ts'
import type {
  LedgerCore,
  LedgerEvent,
  LedgerStats,
  LedgerOptions,
  SignedDelta,
  StagedEvent,
  TokenSubject,
} from './ledger.ts'
import type { Minor } from './minor.ts'
import { coreGeneration, guarded, isCurrent, lostCore, mustBeUsable, refusalOf } from './module.ts'

/** Creates a realm's ledger. Throws `fault`, or `invalid_option` with the core's message on its options. */
export function createLedger(realm: string, options: LedgerOptions): LedgerCore {
  mustBeUsable()
  try {
    return guarded(() => new GuardedLedger(new Ledger(options) as LedgerCore))
  } catch (cause) {
    if (cause instanceof PortcullisError) throw cause
    throw new PortcullisError('invalid_option', `realm ${realm}: the ledger was refused: ${refusalOf(cause)}`, {
      cause,
    })
  }
}

/** Stages an event as `LedgerCore.stage` does, and copies its row out of the core. */
export function stageEvent(
  ledger: LedgerCore,
  event: LedgerEvent,
  now: number,
  issuerLeadSeconds = 0,
): StagedEvent | undefined {
  const staged = ledger.stage(event, now, issuerLeadSeconds)
  return staged === undefined ? undefined : guarded(() => copied(staged, event))
}

function copied(staged: NonNullable<ReturnType<LedgerCore['stage']>>, event: LedgerEvent): StagedEvent {
  const { sequence, keepUntil, payload, chain } = staged
  // Each member is a call into the core. Most events state no time, and then there is nothing to report.
  const taken = 'occurredAt' in event || 'notBefore' in event ? staged.timeTaken : undefined
  const time = taken === undefined ? undefined : { taken, aheadBySeconds: staged.aheadBySeconds }
  staged.free()
  const row = keepUntil === undefined ? { sequence, payload, chain } : { sequence, keepUntil, payload, chain }
  return time === undefined ? { row } : { row, time }
}

/**
 * A ledger that is no longer called after a call into the core has ended in a trap, which leaves memory in an undefined
 * state. Every method then throws `fault`; the last head remains known.
 */
class GuardedLedger implements LedgerCore {
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

  manifest(now: number, minor: Minor = 0): Uint8Array {
    return this.#call(() => this.#ledger.manifest(now, minor))
  }

  section(sha256: string): Uint8Array | undefined {
    return this.#call(() => this.#ledger.section(sha256))
  }

  signedDelta(after: number, now: number, minor: Minor = 0): SignedDelta {
    return this.#call(() => this.#ledger.signedDelta(after, now, minor))
  }

  sharedStretch(after: number): Float64Array {
    return this.#call(() => this.#ledger.sharedStretch(after))
  }

  signedDeltaOver(start: number, after: number, until: number, now: number, minor: Minor = 0): SignedDelta {
    return this.#call(() => this.#ledger.signedDeltaOver(start, after, until, now, minor))
  }

  get exactMinor(): number {
    return this.#call(() => this.#ledger.exactMinor)
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

  userNotBefore(subject: string, issuer?: string): number {
    return this.#call(() => this.#ledger.userNotBefore(subject, issuer))
  }

  grantNotBefore(subject: string, client: string, issuer?: string): number {
    return this.#call(() => this.#ledger.grantNotBefore(subject, client, issuer))
  }

  keyNotBefore(thumbprint: string): number {
    return this.#call(() => this.#ledger.keyNotBefore(thumbprint))
  }

  minimumVersion(subject: string, issuer?: string): number {
    return this.#call(() => this.#ledger.minimumVersion(subject, issuer))
  }

  jwks(): string | undefined {
    return this.#call(() => this.#ledger.jwks())
  }

  bans(thumbprint: string): boolean {
    return this.#call(() => this.#ledger.bans(thumbprint))
  }

  stats(): LedgerStats {
    return this.#call(() => this.#ledger.stats())
  }

  /** Never throws. */
  free(): void {
    if (!isCurrent(this.#generation)) return
    try {
      this.#call(() => this.#ledger.free())
    } catch {
      // The failure has been reported, and the memory is gone with the instance.
    }
  }

  #call<T>(operation: () => T): T {
    if (!isCurrent(this.#generation)) throw lostCore()
    return guarded(operation)
  }
}
