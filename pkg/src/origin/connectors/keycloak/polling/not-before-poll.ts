import type { ConnectorStore } from '../../../store/store.ts'
import type { Revocation } from '../../revocation.ts'
import type { RealmClient } from '../client/realm-client.ts'
import { JsonState } from './json-state.ts'

interface NotBeforePollOptions {
  client: RealmClient
  /** The origin's realm, whose state the store keeps. */
  realm: string
  /** The connector's name. */
  connector: string
  store: ConnectorStore
  record: (revocation: Revocation) => Promise<unknown>
  nowMs: () => number
}

/**
 * The greatest not-before that Keycloak can store, a signed 32-bit number of seconds. A greater value is in
 * milliseconds.
 */
const MAX_NOT_BEFORE = 2 ** 31 - 1

/**
 * Reads the realm's not-before from its public document, and records it when it changes. It is recorded once, so that a
 * later correction here is not undone. One that is ahead of our clock is recorded at each poll, because until then
 * Keycloak refuses even new tokens.
 */
export class NotBeforePoll {
  readonly #options: NotBeforePollOptions
  readonly #state: JsonState<number>
  /** The value recorded last; `undefined` if it has not been read from the store yet. */
  #known: number | undefined

  constructor(options: NotBeforePollOptions) {
    this.#options = options
    this.#state = new JsonState({ ...options, name: `${options.connector} not_before`, parse: secondsOf })
  }

  async poll(signal: AbortSignal): Promise<void> {
    const { client, record } = this.#options
    const seconds = await client.notBefore()
    this.#known ??= await this.#state.read()
    const isNew = seconds !== this.#known
    if (signal.aborted) return
    if (seconds > 0 && (isNew || this.#isAhead(seconds))) {
      await record({ kind: 'realm', occurredAt: seconds, because: 'not-before of the realm' })
    }
    // A not-before that moved back is remembered but undoes nothing: refused tokens stay refused.
    if (isNew) await this.#state.write(seconds)
    this.#known = seconds
  }

  #isAhead(seconds: number): boolean {
    return seconds <= MAX_NOT_BEFORE && seconds * 1000 > this.#options.nowMs()
  }
}

function secondsOf(stored: unknown): number | undefined {
  return typeof stored === 'number' ? stored : undefined
}
