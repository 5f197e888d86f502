import { PortcullisError } from '../errors.ts'
import type { Report } from '../types.ts'
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
    const message = 'the core failed and is rebuilt: if memory ran out, raise its limit or reduce the caches'
    this.#reportForAll('fault', new PortcullisError('fault', message, { detail: 'core_failed', cause }))
  }

  /** The clock has gone back. */
  clockWentBack(): void {
    const message = 'the clock went back: tokens are checked against its latest time until it catches up; check NTP'
    this.#reportForAll('clock', new PortcullisError('fault', message, { detail: 'clock_went_back' }))
  }

  /** Neither the core nor the host can verify some signatures of a realm. Reported once for each realm. */
  undecided(realm: string): void {
    if (this.#undecided.has(realm)) return
    this.#undecided.add(realm)
    const message =
      'a token was refused because neither this module nor the host can verify its signature: the host does not support its key ' +
      '(or the token names none of several keys); the full module, portcullis/edge, verifies every algorithm'
    this.#report('jwks', realm, new PortcullisError('invalid_jwks', message, { detail: 'undecided' }))
  }

  /** A push was of no realm here. Reported at a bounded rate: any sender can cause it. */
  strayPush(error: PortcullisError): void {
    const nowMs = Date.now()
    if (Math.abs(nowMs - this.#strayAtMs) < STRAY_EVERY_MS) return
    this.#strayAtMs = nowMs
    this.#reportForAll('feed', error)
  }

  #reportForAll(kind: Report['kind'], error: PortcullisError): void {
    for (const realm of this.#realms) this.#report(kind, realm, error)
  }
}
