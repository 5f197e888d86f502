import { within } from '../timing/deadline.ts'
import type { StoredTokens, TokenStorage } from './types.ts'

/**
 * Maximum wait for the page's storage. It is short because it delays the first request of a page, and because tokens
 * that are loaded later are still used.
 */
const STORAGE_WAIT_MS = 1_000

/**
 * Wraps the page's storage, which may be missing, slow, failing or unresponsive. Its calls never reject, and their wait
 * is bounded.
 */
export class PageStorage {
  readonly #storage: TokenStorage | undefined
  /** Number of overdue calls. While it is not 0, other calls are not awaited. */
  #late = 0

  constructor(storage: TokenStorage | undefined) {
    this.#storage = storage
  }

  /** Calls `take` with the stored value, even if it arrives late. */
  async load(take: (stored: unknown) => void): Promise<void> {
    if (this.#late === 0) await this.#bounded(async (storage) => take(await storage.load()))
  }

  /** Saves the tokens. A full or denied storage is not an error: the tokens stay in memory. */
  async save(tokens: StoredTokens): Promise<void> {
    await this.#bounded((storage) => storage.save(tokens))
  }

  async #bounded(act: (storage: TokenStorage) => unknown): Promise<void> {
    const storage = this.#storage
    if (storage === undefined) return
    const call = (async () => act(storage))()
    if ((await within(call, this.#late > 0 ? 0 : STORAGE_WAIT_MS)) !== 'late') return
    this.#late += 1
    const answered = (): void => {
      this.#late -= 1
    }
    call.then(answered, answered)
  }
}
