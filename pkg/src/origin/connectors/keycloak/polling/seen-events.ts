import { isObject } from '../../../../options.ts'
import type { ConnectorStore } from '../../../store/store.ts'
import { JsonState } from './json-state.ts'

/** An event that was applied. */
export interface SeenEvent {
  id: string
  /** Unix milliseconds. */
  time: number
}

/** Ids that were added consecutively. */
interface Chunk<Ids = Set<string>> {
  /** The number of the chunk; modulo `MAX_CHUNKS` it is its slot in the store. */
  serial: number
  /** The latest time of its events. */
  latest: number
  ids: Ids
}

/** The number of ids in one state of the store: less than 150 KiB with ids of `MAX_ID_LENGTH`. */
const CHUNK_IDS = 2_000
/** Above this number of chunks the oldest is forgotten. Its events are then applied again if they are reread. */
const MAX_CHUNKS = 64
const MAX_ID_LENGTH = 64

/**
 * The ids of applied events, kept for as long as the events are reread. They are in the store, so that a restart does
 * not reapply an event that an administrator has since corrected.
 */
export class SeenEvents {
  readonly #slots: readonly JsonState<Chunk<string[]>>[]
  /** Oldest first. */
  #chunks: Chunk[] = []
  readonly #unsaved = new Set<Chunk>()
  #serial = 0

  constructor(options: { store: ConnectorStore; realm: string; name: string }) {
    const slots = Array.from({ length: MAX_CHUNKS }, (_, slot) => ({
      ...options,
      name: `${options.name} ${slot}`,
      parse: chunkOf,
    }))
    this.#slots = slots.map((slot) => new JsonState(slot))
  }

  async load(): Promise<void> {
    const chunks: Chunk[] = []
    for (const slot of this.#slots) {
      const stored = await slot.read()
      if (stored !== undefined) chunks.push({ ...stored, ids: new Set(stored.ids) })
    }
    this.#chunks = chunks.sort((a, b) => a.serial - b.serial)
    this.#serial = this.#chunks.at(-1)?.serial ?? 0
  }

  has(id: string): boolean {
    return this.#chunks.some(({ ids }) => ids.has(id))
  }

  /**
   * Adds events, and forgets those before `keepFromMs`. They are durable when it resolves. Rejects as the store does;
   * then the events count as seen, and the next call stores them.
   */
  async add(events: readonly SeenEvent[], keepFromMs: number): Promise<void> {
    this.#chunks = this.#chunks.filter(({ latest }) => latest >= keepFromMs)
    for (const { id, time } of events) {
      const chunk = this.#open()
      chunk.ids.add(id)
      chunk.latest = Math.max(chunk.latest, time)
      this.#unsaved.add(chunk)
    }
    for (const chunk of this.#unsaved) {
      await this.#slots[chunk.serial % MAX_CHUNKS]?.write({ ...chunk, ids: [...chunk.ids] })
      this.#unsaved.delete(chunk)
    }
  }

  /** Returns the chunk for the next id. */
  #open(): Chunk {
    const last = this.#chunks.at(-1)
    if (last !== undefined && last.ids.size < CHUNK_IDS) return last
    this.#serial += 1
    const chunk: Chunk = { serial: this.#serial, latest: 0, ids: new Set() }
    this.#chunks.push(chunk)
    if (this.#chunks.length > MAX_CHUNKS) this.#chunks.shift()
    return chunk
  }
}

/** Returns the id of an event, if it has one by which it can be recognised. */
export function eventId(event: unknown): string | undefined {
  const id = isObject(event) ? event['id'] : undefined
  return isId(id) ? id : undefined
}

function chunkOf(stored: unknown): Chunk<string[]> | undefined {
  if (!isObject(stored)) return undefined
  const { serial, latest, ids } = stored
  const isWhole = Number.isSafeInteger(serial) && Number.isSafeInteger(latest) && Array.isArray(ids)
  return isWhole
    ? { serial: serial as number, latest: latest as number, ids: (ids as unknown[]).filter(isId) }
    : undefined
}

function isId(value: unknown): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= MAX_ID_LENGTH
}
