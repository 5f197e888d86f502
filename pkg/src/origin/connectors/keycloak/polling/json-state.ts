import { PortcullisError } from '../../../../errors.ts'
import type { ConnectorStore } from '../../../store/store.ts'

interface JsonStateOptions<T> {
  store: ConnectorStore
  /** The origin's realm. */
  realm: string
  name: string
  /** Parses the stored value; returns `undefined` for an unknown form, which counts as not stored. */
  parse: (stored: unknown) => T | undefined
}

/** One value in the store, as JSON. It has one reader and writer, and no copy is kept in memory. */
export class JsonState<T> {
  readonly #options: JsonStateOptions<T>
  /** The stored version; `undefined` if unknown. */
  #version: number | undefined

  constructor(options: JsonStateOptions<T>) {
    this.#options = options
  }

  async read(): Promise<T | undefined> {
    const { store, realm, name, parse } = this.#options
    const stored = await store.readState(realm, name)
    this.#version = stored?.version ?? 0
    return stored === undefined ? undefined : parse(jsonOf(stored.value))
  }

  /** The value is durable when it resolves. Rejects as the store does, or with `fault` if another writer was faster. */
  async write(value: T): Promise<void> {
    const { store, realm, name } = this.#options
    if (this.#version === undefined) await this.read()
    this.#version = await store.writeState(
      realm,
      name,
      new TextEncoder().encode(JSON.stringify(value)),
      this.#version ?? 0,
    )
    if (this.#version === undefined)
      throw new PortcullisError('fault', `the state '${name}' has another writer: one store serves one origin`)
  }
}

function jsonOf(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes)) as unknown
  } catch {
    return undefined
  }
}
