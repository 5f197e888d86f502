import type { CurrentState } from './current-state.ts'

/** How long a name stays valid: a client may be renamed. */
const MAX_AGE_MS = 60_000
const MAX_NAMES = 10_000

/**
 * Maps Keycloak's internal ids of clients to their client ids. Each is requested at most once a minute, even if it is
 * unknown.
 */
export class ClientNames {
  readonly #state: Pick<CurrentState, 'client'>
  readonly #nowMs: () => number
  /** Oldest first. */
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
    // A deleted client's last known name is still the one in its tokens.
    this.learn(uuid, name ?? known?.name)
    return name ?? known?.name
  }

  /** Remembers a name from an event. */
  learn(uuid: string, name: string | undefined): void {
    this.#known.delete(uuid)
    this.#known.set(uuid, { name, atMs: this.#nowMs() })
    const [oldest] = this.#known.keys()
    if (this.#known.size > MAX_NAMES && oldest !== undefined) this.#known.delete(oldest)
  }
}
