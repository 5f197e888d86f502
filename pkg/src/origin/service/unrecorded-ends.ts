import type { EndedClientSession } from '../connectors/revocation-endpoint.ts'
import { sha256 } from '../same-secret.ts'

/**
 * The maximum number of ends kept while the store fails; above it the oldest is dropped, and only the server's own
 * events report it.
 */
const MAX_ENDS = 1_000

/**
 * Session parts that an identity server has ended at a client's request, until they are recorded here. If the store
 * fails, the client must retry, and by then the server no longer knows the token. Only digests of tokens are stored.
 */
export class UnrecordedEnds {
  /** Oldest first. */
  readonly #ends = new Map<string, EndedClientSession>()

  /** Returns the unrecorded end for a token of the realm; `undefined` if none is waiting. */
  async of(realm: string, token: string): Promise<EndedClientSession | undefined> {
    return this.#ends.size === 0 ? undefined : this.#ends.get(await keyOf(realm, token))
  }

  /** Records an end, and keeps it if that fails. Resolves and rejects as `record` does. */
  async recorded<R>(realm: string, token: string, end: EndedClientSession, record: () => Promise<R>): Promise<R> {
    const key = await keyOf(realm, token)
    this.#ends.delete(key)
    try {
      return await record()
    } catch (error) {
      this.#ends.set(key, end)
      const [oldest] = this.#ends.keys()
      if (this.#ends.size > MAX_ENDS && oldest !== undefined) this.#ends.delete(oldest)
      throw error
    }
  }
}

async function keyOf(realm: string, token: string): Promise<string> {
  return String.fromCharCode(...(await sha256(`${realm} ${token}`)))
}
