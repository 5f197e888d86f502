import type { PortcullisError } from '../../errors.ts'
import type { OriginReport } from '../api.ts'

/**
 * The conditions of one connector that an operator should know. Each is reported once when it begins and once when it
 * ends.
 */
export class Conditions {
  readonly #about: { realm: string; connector: string }
  readonly #onReport: (report: OriginReport) => void
  /** The codes and details of the conditions in effect, by name. */
  readonly #lasting = new Map<string, string>()

  constructor(about: { realm: string; connector: string }, onReport: (report: OriginReport) => void) {
    this.#about = about
    this.#onReport = onReport
  }

  /** Reports a condition, unless it is already in effect with the same code and detail. */
  begin(condition: string, error: PortcullisError): void {
    const known = `${error.code} ${error.detail ?? ''}`
    if (this.#lasting.get(condition) === known) return
    this.#lasting.set(condition, known)
    this.#onReport({ kind: 'connector', ...this.#about, condition, error })
  }

  /** Reports an event that has no duration. */
  report(condition: string, error: PortcullisError): void {
    this.#onReport({ kind: 'connector', ...this.#about, condition, error })
  }

  /** Reports the end of a condition, if it is in effect. */
  end(condition: string): void {
    if (this.#lasting.delete(condition))
      this.#onReport({ kind: 'connector', ...this.#about, condition, error: undefined })
  }
}
