import type { TestContext } from 'node:test'

/** Replaces globals that a page has and Node lacks. Pages of one test share it, as tabs do. */
export class TestPage {
  readonly events: EventTarget = new EventTarget()
  readonly local: TestStorage = new TestStorage()
  readonly session: TestStorage = new TestStorage()
  /** URLs to which the page navigated. */
  readonly went: string[] = []
  /** Names of deleted caches. */
  readonly deletedCaches: string[] = []

  /** Installs the page until the test ends. */
  static install(t: TestContext, options: { locks?: 'web' | 'none' } = {}): TestPage {
    const page = new TestPage()
    const location = {
      href: 'https://app.example/inbox?x=1',
      origin: 'https://app.example',
      assign: (url: string) => void page.went.push(url),
    }
    const globals: Record<string, unknown> = {
      location,
      localStorage: withItems(page.local),
      sessionStorage: page.session,
      caches: { delete: async (name: string) => page.deletedCaches.push(name) > 0 },
      addEventListener: page.events.addEventListener.bind(page.events),
      removeEventListener: page.events.removeEventListener.bind(page.events),
      navigator: { onLine: true, ...(options.locks === 'web' ? { locks: new TestLocks() } : {}) },
    }
    for (const [name, value] of Object.entries(globals)) replace(t, name, value)
    return page
  }

  dispatch(name: string, members: object = {}): void {
    this.events.dispatchEvent(Object.assign(new Event(name), members))
  }
}

/** Sets a global for one test. */
export function replace(t: TestContext, name: string, value: unknown): void {
  const before = Object.getOwnPropertyDescriptor(globalThis, name)
  Object.defineProperty(globalThis, name, { value, configurable: true, writable: true })
  t.after(() => {
    if (before === undefined) Reflect.deleteProperty(globalThis, name)
    else Object.defineProperty(globalThis, name, before)
  })
}

class TestStorage {
  readonly items: Map<string, string> = new Map<string, string>()
  /** `full`: writes fail; `denied`: every access fails. */
  state: 'well' | 'full' | 'denied' = 'well'

  keys(): string[] {
    this.#admit()
    return [...this.items.keys()]
  }

  getItem(key: string): string | null {
    this.#admit()
    return this.items.get(key) ?? null
  }

  setItem(key: string, value: string): void {
    this.#admit()
    if (this.state === 'full') throw new DOMException('no room', 'QuotaExceededError')
    this.items.set(key, value)
  }

  removeItem(key: string): void {
    this.#admit()
    this.items.delete(key)
  }

  #admit(): void {
    if (this.state === 'denied') throw new DOMException('no', 'SecurityError')
  }
}

/** Exposes items as members, as a page's storage does. */
function withItems(storage: TestStorage): object {
  return new Proxy(storage, {
    ownKeys: () => storage.keys(),
    getOwnPropertyDescriptor: (_, key) => ({
      value: storage.getItem(String(key)),
      enumerable: true,
      configurable: true,
    }),
    get(_, name) {
      const member: unknown = Reflect.get(storage, name)
      return typeof member === 'function' ? member.bind(storage) : (member ?? storage.getItem(String(name)))
    },
  })
}

/** Exclusive locks, in order of request (Web Locks §4). */
class TestLocks {
  readonly #last = new Map<string, Promise<unknown>>()

  /** Queues a request. One that is aborted before its turn is skipped; afterwards the signal has no effect. */
  request<T>(
    name: string,
    { signal = new AbortController().signal }: { signal?: AbortSignal },
    work: () => Promise<T>,
  ): Promise<T> {
    const before = this.#last.get(name) ?? Promise.resolve()
    const aborted = new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
    const held = before.then(() => {
      signal.throwIfAborted()
      return work()
    })
    this.#last.set(
      name,
      held.catch(() => undefined),
    )
    let began = false
    void before.then(() => (began = !signal.aborted))
    return Promise.race([held, aborted.catch((error: unknown) => (began ? held : Promise.reject(error)))])
  }
}
