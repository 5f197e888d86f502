import { PortcullisError } from '../errors.ts'
import type { Reporter } from './report.ts'

/** How often messages of no realm here are reported. */
const STRAY_EVERY_MS = 60_000

/** The reports of a gate that concern all its realms, or a realm once. */
export class GateReports {
  readonly #report: Reporter
  readonly #realms: readonly string[]
  readonly #undecided = new Set<string>()
  #strayAtMs = -Infinity

  /** `realms`: the names of the gate's realms. */
  constructor(report: Reporter, realms: readonly string[]) {
    this.#report = report
    this.#realms = realms
  }

  /** The core has failed. */
  fault(cause: unknown): void {
    const message = 'the core failed: it is made anew, and the state is loaded again; if memory ran out, give this host more, or the caches less'
    const error = new PortcullisError('fault', message, { detail: 'core_failed', cause })
    for (const realm of this.#realms) this.#report('fault', realm, error)
  }

  /** The clock has gone back. */
  clockWentBack(): void {
    const message = 'the clock of this host went back: tokens are judged by its latest time until it is there again; check its NTP'
    const error = new PortcullisError('fault', message, { detail: 'clock_went_back' })
    for (const realm of this.#realms) this.#report('clock', realm, error)
  }

  /** Neither the core nor the host can verify some signatures of a realm. Reported once for each realm. */
  undecided(realm: string): void {
    if (this.#undecided.has(realm)) return
    this.#undecided.add(realm)
    const message =
      'a signature could be checked neither by this module nor by the host, so the token was refused: the realm has a key that this ' +
      "host's cryptography cannot use (or its tokens name none of several keys); the full module, portcullis/edge, checks every algorithm itself"
    this.#report('jwks', realm, new PortcullisError('invalid_jwks', message, { detail: 'undecided' }))
  }

  /** A push was of no realm here. Reported at a bounded rate: any sender can cause it. */
  strayPush(error: PortcullisError): void {
    const nowMs = Date.now()
    if (Math.abs(nowMs - this.#strayAtMs) < STRAY_EVERY_MS) return
    this.#strayAtMs = nowMs
    for (const realm of this.#realms) this.#report('feed', realm, error)
  }
}
