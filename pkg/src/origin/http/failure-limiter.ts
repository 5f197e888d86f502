import { networkOf } from '../../http/network-of-address.ts'

/** An address may fail as fast as with so many accounts at their limit: people behind one NAT, not a list of names. */
const ACCOUNTS_PER_ADDRESS = 5
/** Networks remembered at the most; then the one that failed longest ago is forgotten. */
const MAX_NETWORKS = 10_000
/** Targets remembered of one network at the most; then the one with the fewest failures that count is forgotten. */
const MAX_TARGETS_PER_NETWORK = 1_000
/**
 * Targets remembered of all networks together: at 135 characters a name some 8 MB. Filling it takes 40 networks at their
 * limit, which may guess more often by themselves than by what is then forgotten of one.
 */
const MAX_TARGETS = 20_000
const WINDOW_MS = 60_000

/**
 * The target that a failure counts against: the account whose secret was tried, or the route where a bearer token was refused. A
 * route's failures do not count against the address: a token cannot be guessed, and must not keep anybody from logging in.
 */
export interface Target {
  kind: 'account' | 'route'
  name: string
}

/**
 * Counts failures by network (`networkOf`) and target, and by network over all of its accounts, so that guessing is slow
 * and nobody is locked out by what others do. Successes cost nothing. An allowance grows back evenly over a minute. Where
 * the host knows no address, only targets are counted: one client must not lock out all the others.
 */
export class FailureLimiter {
  readonly #maxFailuresPerMinute: number
  readonly #nowMs: () => number
  /** In the order of their last failure. */
  readonly #networks = new Map<string, Network>()
  #targets = 0

  constructor(maxFailuresPerMinute: number, nowMs: () => number = () => performance.now()) {
    this.#maxFailuresPerMinute = maxFailuresPerMinute
    this.#nowMs = nowMs
  }

  /** Whole seconds after which this address may try this target again; `undefined`: now. */
  retryAfterSeconds(address: string | undefined, target: Target): number | undefined {
    const name = networkOf(address)
    const network = this.#networks.get(name)
    if (network === undefined) return undefined
    const now = this.#nowMs()
    const ofTarget = network.targets.get(keyOf(target))?.retryAfterMs(now) ?? 0
    const ofNetwork = target.kind === 'account' && name !== '' ? network.accounts.retryAfterMs(now) : 0
    const waitMs = Math.max(ofTarget, ofNetwork)
    return waitMs === 0 ? undefined : Math.ceil(waitMs / 1000)
  }

  failed(address: string | undefined, target: Target): void {
    const name = networkOf(address)
    const now = this.#nowMs()
    const network = this.#networks.get(name) ?? {
      accounts: new Count(ACCOUNTS_PER_ADDRESS * this.#maxFailuresPerMinute),
      targets: new Map<string, Count>(),
    }
    this.#networks.delete(name)
    this.#networks.set(name, network)
    if (target.kind === 'account') network.accounts.add(now)
    this.#countOf(network, keyOf(target), now).add(now)
    this.#forget(name)
  }

  /** Evicts a target if the table is full. */
  #countOf({ targets }: Network, key: string, now: number): Count {
    const known = targets.get(key)
    if (known !== undefined) return known
    if (targets.size >= MAX_TARGETS_PER_NETWORK) this.#targets -= dropLeast(targets, now)
    const count = new Count(this.#maxFailuresPerMinute)
    targets.set(key, count)
    this.#targets += 1
    return count
  }

  /** Forgets the networks that failed longest ago, but not `current`, until the rest is within the limits. */
  #forget(current: string): void {
    for (const [name, { targets }] of this.#networks) {
      if ((this.#networks.size <= MAX_NETWORKS && this.#targets <= MAX_TARGETS) || name === current) return
      this.#networks.delete(name)
      this.#targets -= targets.size
    }
  }
}

interface Network {
  /** Failures with all accounts together. */
  accounts: Count
  targets: Map<string, Count>
}

/** Failures, of which so many a minute cease to count. */
class Count {
  readonly #maxPerMinute: number
  #failures = 0
  #atMs = 0

  constructor(maxPerMinute: number) {
    this.#maxPerMinute = maxPerMinute
  }

  /** How many still count. */
  at(nowMs: number): number {
    return Math.max(0, this.#failures - ((nowMs - this.#atMs) / WINDOW_MS) * this.#maxPerMinute)
  }

  add(nowMs: number): void {
    this.#failures = this.at(nowMs) + 1
    this.#atMs = nowMs
  }

  /** 0: one more failure is within the limit. */
  retryAfterMs(nowMs: number): number {
    const excess = this.at(nowMs) - this.#maxPerMinute + 1
    return excess <= 0 ? 0 : (excess * WINDOW_MS) / this.#maxPerMinute
  }
}

/**
 * Drops the targets whose failures no longer count or, where there are none, the one with the fewest: whoever makes up
 * names does not make a name with more failures than those forgotten. Returns how many.
 */
function dropLeast(targets: Map<string, Count>, nowMs: number): number {
  const before = targets.size
  let least: { key: string; failures: number } | undefined
  for (const [key, count] of targets) {
    const failures = count.at(nowMs)
    if (failures === 0) targets.delete(key)
    else if (least === undefined || failures < least.failures) least = { key, failures }
  }
  if (targets.size === before && least !== undefined) targets.delete(least.key)
  return before - targets.size
}

function keyOf({ kind, name }: Target): string {
  return `${kind}:${name}`
}
