import type { Conditions } from '../../conditions.ts'
import { type CompletenessOptions, type Finding, findIncomplete, incomplete } from './completeness.ts'

/** How often the realm's configuration is read again; administrators change it by hand. */
const EVERY_MS = 300_000
/** How soon it is read again after a failure. The pollers report the failure, because they use the same server. */
const RETRY_MS = 10_000

/** Reports findings when they first appear or change, and once when none are left. */
export class CompletenessWatch {
  readonly #options: CompletenessOptions & { conditions: Conditions; nowMs: () => number }
  #dueAtMs = -Infinity

  constructor(options: CompletenessOptions & { conditions: Conditions; nowMs: () => number }) {
    this.#options = options
  }

  /** Checks if it is due. Never rejects. */
  async tend(): Promise<void> {
    const { nowMs } = this.#options
    if (nowMs() < this.#dueAtMs) return
    this.#dueAtMs = nowMs() + RETRY_MS
    const findings = await findIncomplete(this.#options).catch(() => undefined)
    if (findings === undefined) return
    this.#dueAtMs = nowMs() + EVERY_MS
    this.#report(findings)
  }

  #report(findings: readonly Finding[]): void {
    const { conditions } = this.#options
    if (findings.length === 0) conditions.end('incomplete')
    else conditions.begin('incomplete', incomplete(findings))
  }
}
