import { networkOf } from '../../http/network-of-address.ts'
import { type Rate, TokenBucket } from '../../timing/token-bucket.ts'

/**
 * An address may fail as often as this number of accounts at their limit: enough for people behind one NAT, not for a
 * list of names.
 */
const ACCOUNTS_PER_ADDRESS = 5
/** The maximum number of networks remembered; above it, the one that failed longest ago is evicted. */
const MAX_NETWORKS = 10_000
/** The maximum number of targets remembered per network; above it, the one with the fewest failures is evicted. */
const MAX_TARGETS_PER_NETWORK = 1_000
/**
 * The maximum number of targets remembered for all networks together: about 8 MB at 135 characters a name. Filling it
 * takes 40 networks at their limit, whose own guesses outnumber those gained by an eviction.
 */
const MAX_TARGETS = 20_000
const WINDOW_MS = 60_000

/**
 * The target of a failure: the account whose secret was tried, or the route that refused a bearer token. A route's
 * failures do not count against the address: a token cannot be guessed, and must not block logins.
 */
export interface Target {
  kind: 'account' | 'route'
  name: string
}

/**
 * Counts failures per network (`networkOf`) and target, and per network over all of its accounts. Guessing is therefore
 * slow, and no user is locked out by another's failures. Successes cost nothing. An allowance refills evenly over a
 * minute. If the host knows no address, only targets are counted, so that one client cannot lock out all others.
 */
export class FailureLimiter {
  readonly #ofTarget: Rate
  readonly #ofAddress: Rate
  readonly #nowMs: () => number
  /** In order of their last failure. */
  readonly #networks = new Map<string, Network>()
  #targets = 0

  constructor(maxFailuresPerMinute: number, nowMs: () => number = () => performance.now()) {
    this.#ofTarget = perMinute(maxFailuresPerMinute)
    this.#ofAddress = perMinute(ACCOUNTS_PER_ADDRESS * maxFailuresPerMinute)
    this.#nowMs = nowMs
  }

  /** Whole seconds until this address may try this target again; `undefined` if it may try now. */
  retryAfterSeconds(address: string | undefined, target: Target): number | undefined {
    const name = networkOf(address)
    const network = this.#networks.get(name)
    if (network === undefined) return undefined
    const now = this.#nowMs()
    const ofTarget = network.targets.get(keyOf(target))?.waitMs(now) ?? 0
    const ofNetwork = target.kind === 'account' && name !== '' ? network.accounts.waitMs(now) : 0
    const waitMs = Math.max(ofTarget, ofNetwork)
    return waitMs === 0 ? undefined : Math.ceil(waitMs / 1000)
  }

  failed(address: string | undefined, target: Target): void {
    const name = networkOf(address)
    const now = this.#nowMs()
    const network = this.#networks.get(name) ?? {
      accounts: new TokenBucket(this.#ofAddress),
      targets: new Map<string, TokenBucket>(),
    }
    this.#networks.delete(name)
    this.#networks.set(name, network)
    if (target.kind === 'account') network.accounts.spend(now)
    this.#bucketOf(network, keyOf(target), now).spend(now)
    this.#forget(name)
  }

  /** Evicts a target if the table is full. */
  #bucketOf({ targets }: Network, key: string, now: number): TokenBucket {
    const known = targets.get(key)
    if (known !== undefined) return known
    if (targets.size >= MAX_TARGETS_PER_NETWORK) this.#targets -= this.#dropLeast(targets, now)
    const bucket = new TokenBucket(this.#ofTarget)
    targets.set(key, bucket)
    this.#targets += 1
    return bucket
  }

  /** Evicts the networks that failed longest ago, except `current`, until the rest is within the limits. */
  #forget(current: string): void {
    for (const [name, { targets }] of this.#networks) {
      if ((this.#networks.size <= MAX_NETWORKS && this.#targets <= MAX_TARGETS) || name === current) return
      this.#networks.delete(name)
      this.#targets -= targets.size
    }
  }

  /**
   * Drops the targets whose failures no longer count or, if all still count, the one with the fewest. A client that
   * makes up names therefore cannot evict a name with more failures. Returns the number dropped.
   */
  #dropLeast(targets: Map<string, TokenBucket>, nowMs: number): number {
    const before = targets.size
    let least: { key: string; left: number } | undefined
    for (const [key, bucket] of targets) {
      const left = bucket.left(nowMs)
      if (left === this.#ofTarget.size) targets.delete(key)
      else if (least === undefined || left > least.left) least = { key, left }
    }
    if (targets.size === before && least !== undefined) targets.delete(least.key)
    return before - targets.size
  }
}

interface Network {
  /** Failures over all accounts. */
  accounts: TokenBucket
  targets: Map<string, TokenBucket>
}

function perMinute(failures: number): Rate {
  return { size: failures, refillMs: WINDOW_MS / failures }
}

function keyOf({ kind, name }: Target): string {
  return `${kind}:${name}`
}
