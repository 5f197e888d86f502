import type { PortcullisError } from '../../errors.ts'
import type { OriginReport } from '../api.ts'

/**
 * Conditions of one connector that an operator should know: each is reported once when it begins and once when it is
 * over.
 */
export class Conditions {
  readonly #about: { realm: string; connector: string }
  readonly #onReport: (report: OriginReport) => void
  /** The codes and details of those that last, by name. */
  readonly #lasting = new Map<string, string>()

  constructor(about: { realm: string; connector: string }, onReport: (report: OriginReport) => void) {
    this.#about = about
    this.#onReport = onReport
  }

  /** Reports a condition, unless it lasts already with the same code and detail. */
  begin(condition: string, error: PortcullisError): void {
    const known = `${error.code} ${error.detail ?? ''}`
    if (this.#lasting.get(condition) === known) return
    this.#lasting.set(condition, known)
    this.#onReport({ kind: 'connector', ...this.#about, condition, error })
  }

  /** Reports something that happened and does not last. */
  report(condition: string, error: PortcullisError): void {
    this.#onReport({ kind: 'connector', ...this.#about, condition, error })
  }

  /** Reports that a condition is over, if it lasts. */
  end(condition: string): void {
    if (this.#lasting.delete(condition))
      this.#onReport({ kind: 'connector', ...this.#about, condition, error: undefined })
  }
}
