import { PortcullisError } from '../../errors.ts'
import type { Clock } from '../clock.ts'
import { sameSecret } from '../same-secret.ts'
import type { EdgeOptions } from '../options.ts'
import type { EdgeStatus, OriginReport, Recorded } from '../api.ts'

/**
 * The maximum number of revocations that wait for edges at a time; further ones return the current acknowledgements.
 */
const MAX_WAITING = 10_000

/** The part of a realm's feed with which acknowledgements are compared. */
export interface Published {
  head(): { sequence: number; chain: string }
  /** Returns the chain at a sequence; `undefined` if it is no longer known. */
  chainAt(sequence: number): string | undefined
}

/** The state that an edge claims to enforce. */
interface Acknowledgement {
  sequence: number
  chain: string
  /** When the enforced statement was signed, in unix seconds. */
  issuedAt?: number
  /** The minor version of the wire format that the edge supports. */
  minor: number
}

/** The outcome of an acknowledgement. `forgotten`: it is too old to be compared, and does not count. */
type Acknowledged = 'recorded' | 'forgotten' | Contradiction
/** A claim about something that this ledger never published. */
type Contradiction = 'ahead' | 'other_chain' | 'from_future'

/** Conditions of an edge that are reported. */
type Trouble = Contradiction | 'silent' | 'unheard'

/** One edge's known progress in one realm. */
interface Progress {
  sequence?: number
  acknowledgedAt?: number
  /**
   * The time of the newest statement that it is known to have enforced. The edge was alive then, even if its message is
   * replayed later.
   */
  heardAt?: number
  pushedSequence?: number
  minor?: number
  contradiction?: Contradiction
  reported?: Trouble
}

interface EdgeRegistryOptions {
  edges: readonly EdgeOptions[]
  /** Keyed by realm name. */
  realms: ReadonlyMap<string, Published>
  silentAfterSeconds: number
  skewSeconds: number
  clock: Clock
  onReport: (report: OriginReport) => void
}

/** The configured edges, and how far each one is. Only acknowledgements count: an accepted push proves nothing. */
export class EdgeRegistry {
  readonly #options: EdgeRegistryOptions
  readonly #startedAt: number
  readonly #progress = new Map<string, Progress>()
  readonly #listeners = new Set<() => void>()
  #closed = false

  constructor(options: EdgeRegistryOptions) {
    this.#options = options
    this.#startedAt = options.clock()
  }

  /** The number of configured edges. */
  get total(): number {
    return this.#options.edges.length
  }

  /** Whether the edge is known and this is its secret. Takes equally long for unknown edges. */
  async authenticate(name: string, secret: string): Promise<boolean> {
    const expected = this.#options.edges.find((edge) => edge.name === name)?.ackSecret
    const same = await sameSecret(secret, expected ?? '')
    return same && expected !== undefined
  }

  /**
   * Records that an edge enforces everything up to a sequence. An old acknowledgement changes nothing, and without a
   * newer statement it is not a sign of life. One for a position that was never published is reported and refused, but
   * publishing continues. Continuing cannot mislead that edge: nothing we sign at or below its sequence has its chain,
   * so nothing renews its state, which becomes stale and refuses all tokens. Stopping for all edges would deny the next
   * revocation to those that are not ahead, and would let anyone with one edge's secret silence the origin.
   */
  acknowledge(realm: string, name: string, given: Acknowledgement): Acknowledged {
    const now = this.#options.clock()
    const progress = this.#of(realm, name)
    const verdict = this.#compare(realm, given, now)
    if (verdict === 'forgotten') return verdict
    if (verdict !== 'recorded') {
      progress.contradiction = verdict
      this.#report(realm, name, progress)
      return verdict
    }
    if (!isOlder(given, progress)) progress.minor = given.minor
    const advanced = progress.sequence === undefined || given.sequence > progress.sequence
    if (advanced) progress.sequence = given.sequence
    const heardAt = given.issuedAt === undefined ? (advanced ? now : undefined) : Math.min(given.issuedAt, now)
    if (heardAt !== undefined && heardAt > (progress.heardAt ?? -1)) {
      progress.heardAt = heardAt
      progress.acknowledgedAt = now
      // The edge has advanced, so the condition is over. A replayed message does not prove that.
      delete progress.contradiction
    }
    this.#report(realm, name, progress)
    for (const listener of [...this.#listeners]) listener()
    return verdict
  }

  pushed(realm: string, name: string, sequence: number): void {
    this.#of(realm, name).pushedSequence = sequence
  }

  /**
   * Returns the minor version that an edge supports, by its last acknowledgement; `undefined` if it stated none or it
   * proved wrong.
   */
  minorOf(realm: string, name: string): number | undefined {
    return this.#of(realm, name).minor
  }

  /** Forgets an edge's minor version after it has refused that form; unknown until it acknowledges again. */
  refusedMinor(realm: string, name: string): void {
    delete this.#of(realm, name).minor
  }

  /** Returns how far every edge is. */
  status(realm: string): EdgeStatus[] {
    const head = this.#published(realm).head().sequence
    return this.#options.edges.map(({ name }) => {
      const progress = this.#of(realm, name)
      const { sequence, acknowledgedAt, pushedSequence, minor } = progress
      const behindBy = sequence === undefined ? undefined : head - sequence
      const state =
        behindBy === undefined ? 'unheard' : this.#isSilent(progress) ? 'silent' : behindBy === 0 ? 'current' : 'behind'
      return { name, sequence, acknowledgedAt, pushedSequence, state, behindBy, minor }
    })
  }

  /**
   * Returns the edges that have not shown that they enforce an event and everything before it, or have fallen silent
   * since. Readers of forms below `leastMinor` do not receive the event, so their acknowledgements do not count.
   */
  missing(realm: string, sequence: number, leastMinor = 0): string[] {
    const isMissing = (progress: Progress): boolean =>
      progress.sequence === undefined ||
      progress.sequence < sequence ||
      (progress.minor ?? 0) < leastMinor ||
      this.#isSilent(progress)
    return this.#options.edges.filter(({ name }) => isMissing(this.#of(realm, name))).map(({ name }) => name)
  }

  /**
   * Resolves when every edge that could still acknowledge has done so, after `timeoutMs`, when `signal` aborts or when
   * the registry is closed.
   */
  async enforced(
    { realm, sequence, leastMinor }: Omit<Recorded, 'changed'>,
    timeoutMs: number,
    signal?: AbortSignal,
  ): Promise<void> {
    const mute = new Set(this.#options.edges.filter(({ ackSecret }) => ackSecret === undefined).map(({ name }) => name))
    const done = (): boolean =>
      this.#closed ||
      signal?.aborted === true ||
      this.missing(realm, sequence, leastMinor).every((name) => mute.has(name))
    if (timeoutMs === 0 || done() || this.#listeners.size >= MAX_WAITING) return
    await new Promise<void>((resolve) => {
      const end = (): void => {
        clearTimeout(timer)
        this.#listeners.delete(look)
        signal?.removeEventListener('abort', end)
        resolve()
      }
      const look = (): void => (done() ? end() : undefined)
      const timer = setTimeout(end, timeoutMs)
      this.#listeners.add(look)
      signal?.addEventListener('abort', end)
    })
  }

  /** Reports the edges that have fallen silent. */
  watch(): void {
    const { edges, realms } = this.#options
    for (const realm of realms.keys()) {
      for (const { name, ackSecret } of edges) {
        if (ackSecret !== undefined) this.#report(realm, name, this.#of(realm, name))
      }
    }
  }

  /** Ends all waits. */
  close(): void {
    this.#closed = true
    for (const listener of [...this.#listeners]) listener()
  }

  #compare(
    realm: string,
    { sequence, chain, issuedAt }: Acknowledgement,
    now: number,
  ): 'recorded' | 'forgotten' | Contradiction {
    const published = this.#published(realm)
    if (sequence > published.head().sequence) return 'ahead'
    const expected = published.chainAt(sequence)
    if (expected === undefined) return 'forgotten'
    if (expected !== chain) return 'other_chain'
    return issuedAt !== undefined && issuedAt > now + this.#options.skewSeconds ? 'from_future' : 'recorded'
  }

  /** Whether its last sign of life, or otherwise the start of the origin, is too long ago. */
  #isSilent({ heardAt }: Progress): boolean {
    return this.#options.clock() - (heardAt ?? this.#startedAt) > this.#options.silentAfterSeconds
  }

  #published(realm: string): Published {
    const published = this.#options.realms.get(realm)
    if (published === undefined) throw new PortcullisError('unknown_realm', 'unknown realm')
    return published
  }

  #of(realm: string, name: string): Progress {
    const key = JSON.stringify([realm, name])
    const known = this.#progress.get(key)
    if (known !== undefined) return known
    const progress: Progress = {}
    this.#progress.set(key, progress)
    return progress
  }

  /** Reports a condition of an edge once when it begins and once when it ends. */
  #report(realm: string, edge: string, progress: Progress): void {
    const silence = this.#isSilent(progress) ? (progress.heardAt === undefined ? 'unheard' : 'silent') : undefined
    const trouble = progress.contradiction ?? silence
    if (trouble === progress.reported || (isContradiction(trouble) && isContradiction(progress.reported))) return
    if (trouble === undefined) delete progress.reported
    else progress.reported = trouble
    this.#options.onReport({
      kind: 'acknowledgement',
      realm,
      edge,
      error: trouble === undefined ? undefined : errorOf(trouble),
    })
  }
}

/** Whether the edge has since stated something newer: a repeated acknowledgement changes nothing. */
function isOlder({ sequence, issuedAt }: Acknowledgement, progress: Progress): boolean {
  return sequence < (progress.sequence ?? 0) || (issuedAt !== undefined && issuedAt < (progress.heardAt ?? 0))
}

function isContradiction(trouble: Trouble | undefined): boolean {
  return trouble !== undefined && trouble !== 'silent' && trouble !== 'unheard'
}

function errorOf(trouble: Trouble): PortcullisError {
  switch (trouble) {
    case 'ahead':
      return new PortcullisError(
        'acknowledged_ahead',
        'the edge is ahead of this ledger: if a backup was restored, restart the origin with incarnation raised by one',
        { detail: trouble },
      )
    case 'other_chain':
      return new PortcullisError(
        'acknowledged_ahead',
        'the edge holds another history at the same sequence: give each origin a signing key of its own; ' +
          'if a backup was restored, raise incarnation by one',
        { detail: trouble },
      )
    case 'from_future':
      return new PortcullisError(
        'acknowledged_ahead',
        'the edge has a statement with a time in the future: check the clock of the origin',
        {
          detail: trouble,
        },
      )
    case 'silent':
      return new PortcullisError(
        'edge_silent',
        'the edge has acknowledged nothing newer for silentAfterSeconds: check whether it is running',
        {
          detail: trouble,
        },
      )
    case 'unheard':
      return new PortcullisError(
        'edge_silent',
        'the edge has acknowledged nothing since the origin started: check whether it is running and has feed.acknowledge set',
        { detail: trouble },
      )
  }
}
