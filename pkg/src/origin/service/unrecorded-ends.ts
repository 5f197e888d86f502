import type { EndedClientSession } from '../connectors/revocation-endpoint.ts'
import { sha256 } from '../same-secret.ts'

/**
 * Ends that are kept, while the store fails; then the oldest is forgotten, and only the server's own events tell of it.
 */
const MAX_ENDS = 1_000

/**
 * Parts of sessions that an identity server has ended at a client's request, until they are recorded here. When the
 * store fails, the client is told to ask again, and by then the server does not know the token any more. Of tokens
 * digests are kept.
 */
export class UnrecordedEnds {
  /** The oldest first. */
  readonly #ends = new Map<string, EndedClientSession>()

  /** The end that a token of the realm stands for; `undefined`: none waits. */
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
