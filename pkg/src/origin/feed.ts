import { PortcullisError } from '../errors.ts'
import type { Clock } from './clock.ts'
import { coreCode, type LedgerCore } from './core.ts'

/** Deltas kept for readers that ask for the same one: a commit makes many edges ask at once. */
const MAX_CACHED_DELTAS = 64
/** A larger delta counts as pruned: edges take no larger message, and a manifest then costs less. */
const MAX_DELTA_BYTES = 4 * 1024 * 1024
/** Long polls and streams of one realm at a time; more are turned away. */
export const MAX_READERS = 10_000

export interface Manifest {
  bytes: Uint8Array
  sequence: number
  /** A strong validator (RFC 9110 §8.8.3), quoted. */
  etag: string
}

/** Hears every delta as it is committed, and heartbeats. */
export type FeedListener = (bytes: Uint8Array, sequence: number) => void

/** What one realm publishes: signed statements of committed rows, and who waits for the next one. */
export class RealmFeed {
  readonly name: string
  readonly #ledger: LedgerCore
  readonly #clock: Clock
  readonly #renewSeconds: number
  readonly #listeners = new Set<FeedListener>()
  readonly #deltas = new Map<number, Uint8Array>()
  #deltasAt = { sequence: -1, now: 0 }
  #manifest: { bytes: Uint8Array; sequence: number; issuedAt: number; etag: Promise<string> } | undefined
  #closed = false

  /** A manifest is signed anew when the head has moved or `renewSeconds` have passed. */
  constructor(name: string, ledger: LedgerCore, clock: Clock, renewSeconds: number) {
    this.name = name
    this.#ledger = ledger
    this.#clock = clock
    this.#renewSeconds = renewSeconds
  }

  head(): { sequence: number; chain: string } {
    return this.#ledger.head()
  }

  get listeners(): number {
    return this.#listeners.size
  }

  manifestBytes(): Uint8Array {
    return this.#current().bytes
  }

  async manifest(): Promise<Manifest> {
    const { bytes, sequence, etag } = this.#current()
    return { bytes, sequence, etag: await etag }
  }

  /** `sha256` is 64 lower-case hexadecimal digits. */
  section(sha256: string): Uint8Array | undefined {
    return this.#ledger.section(sha256)
  }

  /** From `after` or before it to the head; a heartbeat at the head. Throws `feed_refused` with detail `pruned` or `ahead`. */
  delta(after: number): Uint8Array {
    const now = this.#clock()
    const { sequence } = this.head()
    if (this.#deltasAt.sequence !== sequence || this.#deltasAt.now !== now) {
      this.#deltas.clear()
      this.#deltasAt = { sequence, now }
    }
    const cached = this.#deltas.get(after)
    if (cached !== undefined) return cached
    const bytes = this.#sign(after, now)
    if (this.#deltas.size < MAX_CACHED_DELTAS) this.#deltas.set(after, bytes)
    return bytes
  }

  /** What brings an edge that is at `after` to the head: a delta, or the manifest when the delta is no longer there. */
  statement(after: number | undefined): Uint8Array {
    if (after === undefined) return this.manifestBytes()
    try {
      return this.delta(after)
    } catch (error) {
      if (error instanceof PortcullisError && error.detail === 'pruned') return this.manifestBytes()
      throw error
    }
  }

  /** Returns what ends the subscription, or `undefined` when there are too many. */
  subscribe(listener: FeedListener): (() => void) | undefined {
    if (this.#closed || this.#listeners.size >= MAX_READERS) return undefined
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /** Tells everybody of what was committed after `after`. */
  publish(after: number): void {
    if (this.#listeners.size === 0) return
    const bytes = this.statement(after)
    const { sequence } = this.head()
    for (const listener of [...this.#listeners]) listener(bytes, sequence)
  }

  heartbeat(): void {
    this.publish(this.head().sequence)
  }

  /** Resolves when the head is beyond `after`, after `waitMs`, or when `signal` aborts. Answers false when too many wait. */
  waitBeyond(after: number, waitMs: number, signal: AbortSignal): Promise<boolean> {
    if (this.head().sequence > after || waitMs === 0 || signal.aborted) return Promise.resolve(true)
    return new Promise((resolve) => {
      const end = (): void => {
        clearTimeout(timer)
        signal.removeEventListener('abort', end)
        unsubscribe?.()
        resolve(true)
      }
      const unsubscribe = this.subscribe((_, sequence) => {
        if (sequence > after || this.#closed) end()
      })
      if (unsubscribe === undefined) return resolve(this.#closed)
      const timer = setTimeout(end, waitMs)
      signal.addEventListener('abort', end)
    })
  }

  /** Ends what waits and takes no more. */
  close(): void {
    this.#closed = true
    for (const listener of [...this.#listeners]) listener(new Uint8Array(), this.head().sequence)
    this.#listeners.clear()
  }

  get closed(): boolean {
    return this.#closed
  }

  #current(): { bytes: Uint8Array; sequence: number; etag: Promise<string> } {
    const now = this.#clock()
    const { sequence } = this.head()
    const known = this.#manifest
    if (known !== undefined && known.sequence === sequence && now < known.issuedAt + this.#renewSeconds) return known
    const bytes = this.#ledger.manifest(now)
    this.#manifest = { bytes, sequence, issuedAt: now, etag: etagOf(bytes) }
    return this.#manifest
  }

  #sign(after: number, now: number): Uint8Array {
    try {
      const bytes = this.#ledger.delta(after, now)
      if (bytes.byteLength <= MAX_DELTA_BYTES) return bytes
    } catch (cause) {
      if (coreCode(cause) === 'ahead') throw new PortcullisError('feed_refused', 'this origin is not as far as that', { detail: 'ahead' })
      if (coreCode(cause) !== 'pruned') throw cause
    }
    throw new PortcullisError('feed_refused', 'the changes since then are gone: take the manifest', { detail: 'pruned' })
  }
}

/** Half of a SHA-256 in hexadecimal: equal only for equal bytes. */
async function etagOf(bytes: Uint8Array): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>))
  return `"${Array.from(digest.subarray(0, 16), (byte) => byte.toString(16).padStart(2, '0')).join('')}"`
}
