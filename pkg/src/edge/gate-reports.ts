import { PortcullisError } from '../errors.ts'
import { keysSkipped } from '../jwks/skipped-keys.ts'
import type { Report, SkippedKey } from '../types.ts'
import type { CoreState } from './core/state.ts'
import type { Reporter } from './report.ts'

/** Minimum interval between reports of messages that belong to no realm here. */
const STRAY_EVERY_MS = 60_000

/** The reports of a gate that concern all its realms or a change in one of them. */
export class GateReports {
  readonly #report: Reporter
  readonly #realms: readonly string[]
  readonly #undecided = new Set<string>()
  readonly #policies = new Map<string, string>()
  readonly #skippedKeys = new Map<string, string>()
  #strayAtMs = -Infinity

  /** `realms`: the names of the gate's realms, or `*` if they are a function. */
  constructor(report: Reporter, realms: readonly string[]) {
    this.#report = report
    this.#realms = realms
  }

  /** Reports an option that concerns no single realm, once, under the first one. */
  options(error: PortcullisError): void {
    for (const realm of this.#realms.slice(0, 1)) this.#report('options', realm, error)
  }

  /** Reports that the core has failed. */
  fault(cause: unknown): void {
    const message = 'the core failed and is rebuilt: if memory ran out, raise its limit or reduce the caches'
    this.#reportForAll('fault', new PortcullisError('fault', message, { detail: 'core_failed', cause }))
  }

  /** Reports that the clock has gone back. */
  clockWentBack(): void {
    const message = 'the clock went back: tokens are checked against its latest time until it catches up; check NTP'
    this.#reportForAll('clock', new PortcullisError('fault', message, { detail: 'clock_went_back' }))
  }

  /** Reports that neither the core nor the host can verify some signatures of a realm. Once for each realm. */
  undecided(realm: string): void {
    if (this.#undecided.has(realm)) return
    this.#undecided.add(realm)
    const message =
      'a token was refused because neither this module nor the host can verify its signature: the host does not support its key ' +
      '(or the token names none of several keys); the full module, portcullis/edge, verifies every algorithm'
    this.#report('jwks', realm, new PortcullisError('invalid_jwks', message, { detail: 'undecided' }))
  }

  /**
   * Reports how a realm's policy compares with the origin's, if that has changed. Only names of options are included.
   */
  policy(
    realm: string,
    { policy, policyDifferences }: Pick<CoreState, 'policy' | 'policyDifferences'>,
    isAccepted: boolean,
  ): void {
    const now = `${policy} ${policyDifferences.join()}`
    if (this.#policies.get(realm) === now) return
    this.#policies.set(realm, now)
    const error = policyError(policy, policyDifferences, isAccepted)
    if (error !== undefined) this.#report('options', realm, error)
  }

  /** Reports the skipped keys of a realm's set when the list has changed. */
  skippedKeys(realm: string, skipped: readonly SkippedKey[]): void {
    const now = skipped.length === 0 ? undefined : JSON.stringify(skipped)
    if (this.#skippedKeys.get(realm) === now) return
    this.#skippedKeys.delete(realm)
    if (now === undefined) return
    this.#skippedKeys.set(realm, now)
    this.#report('jwks', realm, keysSkipped(skipped))
  }

  /** Reports that the function `realms` has failed. */
  realms(error: PortcullisError): void {
    this.options(error)
  }

  /**
   * Forgets what was reported about a realm that is no longer loaded, so that it is reported again if the realm
   * returns.
   */
  forget(realm: string): void {
    this.#undecided.delete(realm)
    this.#policies.delete(realm)
    this.#skippedKeys.delete(realm)
  }

  /** Reports a push that belongs to no realm here. The rate is bounded, because any sender can cause it. */
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

function policyError(
  agreement: CoreState['policy'],
  differences: readonly string[],
  isAccepted: boolean,
): PortcullisError | undefined {
  switch (agreement) {
    case 'same':
      return undefined
    case 'differs': {
      const effect = isAccepted
        ? 'tokens are still accepted (acceptDifferingPolicy), but some revocations may not be found'
        : 'every token is refused (no_feed) until both have the same options'
      return new PortcullisError(
        'policy_differs',
        `gate and origin differ in ${differences.join(', ') || 'an option that one of them does not know'}: ${effect}`,
        { detail: agreement },
      )
    }
    case 'not_stated':
    case 'other_version': {
      const older =
        agreement === 'not_stated'
          ? 'the origin does not publish its policy: its version is older'
          : 'gate and origin publish their policies in different versions: one of them is older'
      const message = `${older}. Upgrade it, and until then compare the policy in gate.status() and origin.status()`
      return new PortcullisError('policy_unknown', message, { detail: agreement })
    }
  }
}
