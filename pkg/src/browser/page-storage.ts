import { within } from '../deadline.ts'
import type { StoredTokens, TokenStorage } from './types.ts'

/**
 * How long a storage of the page is waited for. IndexedDB answers within 100 ms on a slow phone; what takes longer must not keep
 * a page from its first request. Tokens that are loaded later are taken all the same.
 */
const STORAGE_WAIT_MS = 1_000

/** The storage of the page: it may be missing, slow, fail, or never answer. Nothing here rejects or waits without end. */
export class PageStorage {
  readonly #storage: TokenStorage | undefined
  /** Calls that have not answered in time. While there are any, no other one is waited for. */
  #late = 0

  constructor(storage: TokenStorage | undefined) {
    this.#storage = storage
  }

  /** `take` gets what is stored, late as it may be. */
  async load(take: (stored: unknown) => void): Promise<void> {
    if (this.#late === 0) await this.#bounded(async (storage) => take(await storage.load()))
  }

  /** One that is full or denies it is no failure: memory has the tokens. */
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
