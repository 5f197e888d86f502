import { PortcullisError } from '../errors.ts'
import { sameSecret } from './secret.ts'
import type { EdgeOptions, EdgeStatus, OriginReport } from './types.ts'

/** What one edge is known to have of one realm. */
interface Progress {
  sequence: number | undefined
  acknowledgedAt: number | undefined
  pushedSequence: number | undefined
}

/** What became of an acknowledgement. */
export type Acknowledged = 'recorded' | 'ahead' | 'other_chain'

/** The edges known by name, and how far each one is. */
export class EdgeBook {
  readonly #edges: readonly EdgeOptions[]
  readonly #progress = new Map<string, Progress>()
  readonly #onReport: (report: OriginReport) => void
  readonly #reported = new Set<string>()

  constructor(edges: readonly EdgeOptions[], onReport: (report: OriginReport) => void) {
    this.#edges = edges
    this.#onReport = onReport
  }

  /** Whether the edge is known and this is its secret. Takes as long for unknown ones. */
  async authenticate(name: string, secret: string): Promise<boolean> {
    const expected = this.#edges.find((edge) => edge.name === name)?.ackSecret
    const same = await sameSecret(secret, expected ?? '')
    return same && expected !== undefined
  }

  /**
   * Remembers that an edge enforces everything up to `sequence`. What the ledger never published is reported and refused
   * instead; publishing goes on. That edge cannot be misled by it: nothing we sign at or below its sequence has its chain, so
   * nothing renews its state, which grows stale and refuses everybody. To stop for all would leave the edges that are not ahead
   * without the next revocation, and would let whoever has one edge's secret silence the origin.
   */
  acknowledge(
    realm: string,
    name: string,
    at: { sequence: number; chain: string },
    head: { sequence: number; chain: string },
    now: number,
  ): Acknowledged {
    const verdict =
      at.sequence > head.sequence ? 'ahead' : at.sequence === head.sequence && at.chain !== head.chain ? 'other_chain' : 'recorded'
    this.#report(realm, name, verdict)
    if (verdict !== 'recorded') return verdict
    const progress = this.#of(realm, name)
    if (progress.sequence === undefined || at.sequence >= progress.sequence) {
      progress.sequence = at.sequence
      progress.acknowledgedAt = now
    }
    return verdict
  }

  pushed(realm: string, name: string, sequence: number): void {
    this.#of(realm, name).pushedSequence = sequence
  }

  status(realm: string): EdgeStatus[] {
    return this.#edges.map(({ name }) => ({ name, ...this.#of(realm, name) }))
  }

  #of(realm: string, name: string): Progress {
    const key = JSON.stringify([realm, name])
    const known = this.#progress.get(key)
    if (known !== undefined) return known
    const progress: Progress = { sequence: undefined, acknowledgedAt: undefined, pushedSequence: undefined }
    this.#progress.set(key, progress)
    return progress
  }

  /** Once when an edge contradicts the ledger and once when it no longer does. */
  #report(realm: string, edge: string, verdict: Acknowledged): void {
    const key = JSON.stringify([realm, edge])
    if (this.#reported.has(key) === (verdict !== 'recorded')) return
    if (verdict === 'recorded') {
      this.#reported.delete(key)
      this.#onReport({ kind: 'acknowledgement', realm, edge, error: undefined })
      return
    }
    this.#reported.add(key)
    const message =
      verdict === 'ahead'
        ? 'the edge is ahead of this ledger: if a backup was restored, restart the origin with incarnation raised by one'
        : 'the edge holds another history at the same sequence: give each origin a signing key of its own; if a backup was restored, raise incarnation by one'
    this.#onReport({ kind: 'acknowledgement', realm, edge, error: new PortcullisError('acknowledged_ahead', message, { detail: verdict }) })
  }
}
