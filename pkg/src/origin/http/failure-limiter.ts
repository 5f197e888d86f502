import { networkOf } from '../../http/network-of-address.ts'
import { type Rate, TokenBucket } from '../../timing/token-bucket.ts'

/** An address may fail as fast as with so many accounts at their limit: people behind one NAT, not a list of names. */
const ACCOUNTS_PER_ADDRESS = 5
/** Networks remembered at the most; then the one that failed longest ago is forgotten. */
const MAX_NETWORKS = 10_000
/** Targets remembered of one network at the most; then the one with the fewest failures that count is forgotten. */
const MAX_TARGETS_PER_NETWORK = 1_000
/**
 * Targets remembered of all networks together: at 135 characters a name some 8 MB. Filling it takes 40 networks at
 * their limit, whose own guesses outnumber those gained by an eviction.
 */
const MAX_TARGETS = 20_000
const WINDOW_MS = 60_000

/**
 * The target that a failure counts against: the account whose secret was tried, or the route where a bearer token was
 * refused. A route's failures do not count against the address: a token cannot be guessed, and must not block logins.
 */
export interface Target {
  kind: 'account' | 'route'
  name: string
}

/**
 * Counts failures by network (`networkOf`) and target, and by network over all of its accounts, so that guessing is
 * slow and no user is locked out by another's failures. Successes cost nothing. An allowance grows back evenly over a
 * minute. Where the host knows no address, only targets are counted: one client must not lock out all the others.
 */
export class FailureLimiter {
  readonly #ofTarget: Rate
  readonly #ofAddress: Rate
  readonly #nowMs: () => number
  /** In the order of their last failure. */
  readonly #networks = new Map<string, Network>()
  #targets = 0

  constructor(maxFailuresPerMinute: number, nowMs: () => number = () => performance.now()) {
    this.#ofTarget = perMinute(maxFailuresPerMinute)
    this.#ofAddress = perMinute(ACCOUNTS_PER_ADDRESS * maxFailuresPerMinute)
    this.#nowMs = nowMs
  }

  /** Whole seconds after which this address may try this target again; `undefined`: now. */
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

  /** Forgets the networks that failed longest ago, but not `current`, until the rest is within the limits. */
  #forget(current: string): void {
    for (const [name, { targets }] of this.#networks) {
      if ((this.#networks.size <= MAX_NETWORKS && this.#targets <= MAX_TARGETS) || name === current) return
      this.#networks.delete(name)
      this.#targets -= targets.size
    }
  }

  /**
   * Drops the targets whose failures no longer count or, where there are none, the one with the fewest: a client that
   * makes up names does not make a name with more failures than those forgotten. Returns how many.
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
  /** Failures with all accounts together. */
  accounts: TokenBucket
  targets: Map<string, TokenBucket>
}

function perMinute(failures: number): Rate {
  return { size: failures, refillMs: WINDOW_MS / failures }
}

function keyOf({ kind, name }: Target): string {
  return `${kind}:${name}`
}
