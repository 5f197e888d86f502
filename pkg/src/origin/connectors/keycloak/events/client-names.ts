import type { CurrentState } from './current-state.ts'

/** How long a name is used: a client may be renamed. */
const MAX_AGE_MS = 60_000
const MAX_NAMES = 10_000

/**
 * The client ids of clients, by Keycloak's internal ids. Each is asked for at most once a minute, also one that is
 * unknown.
 */
export class ClientNames {
  readonly #state: Pick<CurrentState, 'client'>
  readonly #nowMs: () => number
  /** The oldest first. */
  readonly #known = new Map<string, { name: string | undefined; atMs: number }>()

  constructor({ state, nowMs }: { state: Pick<CurrentState, 'client'>; nowMs: () => number }) {
    this.#state = state
    this.#nowMs = nowMs
  }

  /** Returns `undefined` for a deleted client. Rejects with `connector_failed`. */
  async nameOf(uuid: string): Promise<string | undefined> {
    const known = this.#known.get(uuid)
    if (known !== undefined && this.#nowMs() - known.atMs < MAX_AGE_MS) return known.name
    const name = (await this.#state.client(uuid))?.clientId
    // The name of a client that is gone is still the one in its tokens.
    this.learn(uuid, name ?? known?.name)
    return name ?? known?.name
  }

  /** Takes a name from an event. */
  learn(uuid: string, name: string | undefined): void {
    this.#known.delete(uuid)
    this.#known.set(uuid, { name, atMs: this.#nowMs() })
    const [oldest] = this.#known.keys()
    if (this.#known.size > MAX_NAMES && oldest !== undefined) this.#known.delete(oldest)
  }
}
