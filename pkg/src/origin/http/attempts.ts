import type { FailureLimiter, Target } from './failure-limiter.ts'
import { Problem, tooManyFailures } from './problem.ts'

/** Counts the failures of one request's client. */
export class Attempts {
  readonly #failures: FailureLimiter
  readonly #address: string | undefined
  #account: Target | undefined

  constructor(failures: FailureLimiter, address: string | undefined) {
    this.#failures = failures
    this.#address = address
  }

  /** States whose secret is about to be tried. Throws a `Problem` (429) after too many failures. */
  attempt(account: string): void {
    this.#account = { kind: 'account', name: account }
    this.#admit(this.#account)
  }

  /**
   * Counts a failure against the named account, else against `route`. For a route only failures are refused, so a valid
   * token is accepted despite failures from the same address. `route` is `undefined` if no credential was presented.
   */
  async counting(respond: () => Promise<Response>, route: string | undefined): Promise<Response> {
    try {
      return await respond()
    } catch (error) {
      if (error instanceof Problem && error.isFailure) this.#failed(route)
      throw error
    }
  }

  #failed(route: string | undefined): void {
    const target = this.#account ?? (route === undefined ? undefined : { kind: 'route' as const, name: route })
    if (target === undefined) return
    if (target.kind === 'route') this.#admit(target)
    this.#failures.failed(this.#address, target)
  }

  #admit(target: Target): void {
    const seconds = this.#failures.retryAfterSeconds(this.#address, target)
    if (seconds !== undefined) throw tooManyFailures(seconds)
  }
}
