import { isObject } from '../../../../options.ts'
import type { ConnectorStore } from '../../../store/store.ts'
import { JsonState } from './json-state.ts'
import { type SeenEvent, SeenEvents } from './seen-events.ts'

/** How far one kind of event has been read, in unix milliseconds of Keycloak's clock. */
export interface Progress {
  /** Where reading started. */
  startMs: number
  /** The latest time of an event that was read, but never later than Keycloak's clock; absent if none was read. */
  newestMs?: number
  /** Everything that was visible by this time has been read. */
  readUntilMs: number
}

/** The time from which newer events are read. */
export function positionOf({ startMs, newestMs = startMs }: Progress): number {
  return newestMs
}

/** How far `readUntilMs` must advance to be stored on its own, so that a gap of minutes is still detected. */
const SAVE_AFTER_MS = 30_000

/** The position in one kind of event, kept in the store with the ids that were applied. */
export class EventCursor {
  readonly #state: JsonState<Progress>
  readonly #seen: SeenEvents
  #saved: Progress | undefined

  constructor(options: { store: ConnectorStore; realm: string; name: string }) {
    this.#state = new JsonState({ ...options, parse: progressOf })
    this.#seen = new SeenEvents({ ...options, name: `${options.name} seen` })
  }

  /** Returns the stored progress, or `undefined` if nothing is stored yet. */
  async load(): Promise<Progress | undefined> {
    await this.#seen.load()
    this.#saved = await this.#state.read()
    return this.#saved
  }

  hasSeen(id: string): boolean {
    return this.#seen.has(id)
  }

  /** Stores the ids of applied events, then the progress; forgets ids of events before `keepFromMs`. */
  async advance(progress: Progress, applied: readonly SeenEvent[], keepFromMs: number): Promise<void> {
    await this.#seen.add(applied, keepFromMs)
    const saved = this.#saved
    if (
      saved !== undefined &&
      positionOf(saved) === positionOf(progress) &&
      progress.readUntilMs - saved.readUntilMs < SAVE_AFTER_MS
    )
      return
    await this.#state.write(progress)
    this.#saved = progress
  }
}

function progressOf(stored: unknown): Progress | undefined {
  if (!isObject(stored)) return undefined
  const { startMs, newestMs, readUntilMs } = stored
  if (!isTime(startMs) || !isTime(readUntilMs)) return undefined
  return { startMs, readUntilMs, ...(isTime(newestMs) ? { newestMs } : {}) }
}

/** Whether a value is a time in whole unix milliseconds. */
export function isTime(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}
