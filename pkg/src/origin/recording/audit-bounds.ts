import type { AuditAction, AuditEntry } from '../store/audit-entry.ts'
import { networkOf } from '../../http/network-of-address.ts'
import { type Rate, TokenBucket } from '../../timing/token-bucket.ts'

/** How many lines of one kind are written, per realm and per network. Further ones are only counted. */
interface Bounds {
  realm: Rate
  network: Rate
  /** Whether lines without an address count as one network, or only against the realm. */
  withoutAddress: 'one_network' | 'realm_only'
}

/** Refusals: any client can cause them, without a credential. */
const REFUSALS: Bounds = {
  realm: { size: 600, refillMs: 1_000 },
  network: { size: 100, refillMs: 6_000 },
  withoutAddress: 'one_network',
}
/**
 * Acts of users, clients and token holders. A realm's limit exceeds a burst of ten thousand logins, a network's that of
 * an office arriving at nine. With lines of maximum length one network writes 0.5 MB at once and 60 MB a day. Only the
 * realm's limit applies to an issuer that notes no addresses.
 */
const OWN_ACTS: Bounds = {
  realm: { size: 10_000, refillMs: 200 },
  network: { size: 300, refillMs: 2_000 },
  withoutAddress: 'realm_only',
}
/** The maximum number of networks remembered for each kind; the one that was counted longest ago is evicted. */
const MAX_NETWORKS = 1_000

const REFUSED: readonly AuditAction[] = ['refused', 'login_refused', 'refresh_refused']

/** Whether the actor is a token's holder, a user or a client: one login suffices to repeat such an act endlessly. */
function isOwnAct({ actor }: Pick<AuditEntry, 'actor'>): boolean {
  return actor !== undefined && /^(?:user|client|token):/.test(actor)
}

/**
 * Whether an act that changes nothing is omitted: an own act, or one that a connector had already learnt of in another
 * way.
 */
export function isRepeatedSilently(entry: Pick<AuditEntry, 'actor'>): boolean {
  return isOwnAct(entry) || entry.actor?.startsWith('connector:') === true
}

/** Lines that were counted instead of written. */
interface LeftOut {
  realm: string
  action: AuditAction
  count: number
}

interface AuditBoundsOptions {
  realms: readonly string[]
  /** Monotonic milliseconds. */
  nowMs?: () => number
}

/**
 * Decides which lines are written to the audit log, so that they cannot fill the disk. Acts of administrators and of
 * the application are always written.
 */
export class AuditBounds {
  readonly #refusals: LineCounter
  readonly #ownActs: LineCounter

  constructor({ realms, nowMs = () => performance.now() }: AuditBoundsOptions) {
    this.#refusals = new LineCounter(REFUSALS, realms, nowMs)
    this.#ownActs = new LineCounter(OWN_ACTS, realms, nowMs)
  }

  /** Whether to write the line; if not, it has been counted. */
  admits(entry: Omit<AuditEntry, 'at'>): boolean {
    // All refusals of a realm are summarised in one line.
    if (REFUSED.includes(entry.action)) return this.#refusals.admits(entry, 'refused')
    return !isOwnAct(entry) || this.#ownActs.admits(entry, entry.action)
  }

  /** Returns the counts of lines omitted since the last call. */
  takeLeftOut(): LeftOut[] {
    return [...this.#refusals.takeLeftOut(), ...this.#ownActs.takeLeftOut()]
  }

  /** Adds back a count that could not be written. */
  putBack({ realm, action, count }: LeftOut): void {
    const counter = REFUSED.includes(action) ? this.#refusals : this.#ownActs
    counter.leaveOut(realm, action, count)
  }
}

class LineCounter {
  readonly #bounds: Bounds
  readonly #nowMs: () => number
  readonly #realms: ReadonlyMap<string, { allowance: TokenBucket; leftOut: Map<AuditAction, number> }>
  readonly #networks = new Map<string, TokenBucket>()

  constructor(bounds: Bounds, realms: readonly string[], nowMs: () => number) {
    this.#bounds = bounds
    this.#nowMs = nowMs
    this.#realms = new Map(
      realms.map((realm) => [realm, { allowance: new TokenBucket(bounds.realm), leftOut: new Map() }]),
    )
  }

  /** `action` is the action under which an omitted line is counted. */
  admits({ realm, address }: Omit<AuditEntry, 'at'>, action: AuditAction): boolean {
    const known = this.#realms.get(realm)
    // The committer refuses an unknown realm.
    if (known === undefined) return true
    const now = this.#nowMs()
    if (this.#admitsNetwork(address, now) && known.allowance.take(now)) return true
    this.leaveOut(realm, action, 1)
    return false
  }

  #admitsNetwork(address: string | undefined, now: number): boolean {
    if (address === undefined && this.#bounds.withoutAddress === 'realm_only') return true
    return this.#network(networkOf(address)).take(now)
  }

  leaveOut(realm: string, action: AuditAction, count: number): void {
    const leftOut = this.#realms.get(realm)?.leftOut
    leftOut?.set(action, (leftOut.get(action) ?? 0) + count)
  }

  takeLeftOut(): LeftOut[] {
    return [...this.#realms].flatMap(([realm, { leftOut }]) => {
      const taken = [...leftOut].map(([action, count]) => ({ realm, action, count }))
      leftOut.clear()
      return taken
    })
  }

  #network(network: string): TokenBucket {
    const allowance = this.#networks.get(network) ?? new TokenBucket(this.#bounds.network)
    this.#networks.delete(network)
    this.#networks.set(network, allowance)
    if (this.#networks.size > MAX_NETWORKS) this.#networks.delete(this.#networks.keys().next().value ?? '')
    return allowance
  }
}
