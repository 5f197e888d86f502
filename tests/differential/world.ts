// A realm with its origin, feed and gate, under a clock that the test controls.

import assert from 'node:assert/strict'
import { createGate, type Gate } from 'portcullis/edge'
import type { PortcullisError, RealmOptions, UncheckedRealmOptions } from 'portcullis'
import { createOrigin, generateFeedKey, type Origin } from 'portcullis/origin'
import { memoryStore } from 'portcullis/origin/memory'
import { chooseAct, type Revocable } from './acts.ts'
import { jwksOf, type PublishedKey } from './keys.ts'
import type { Policy } from './policy.ts'
import type { Random } from './random.ts'
import { Revocations } from './revocations.ts'

const FEED = 'https://origin.example/feed/a'
/** The time at which the first world begins; later ones begin later, because no clock may go back. */
const BEGIN = 1_900_000_000

/** A clock that is advanced explicitly. It replaces `Date.now`. */
export class StoppedClock {
  #seconds = BEGIN
  readonly #host = Date.now

  constructor() {
    Date.now = () => this.#seconds * 1_000
  }

  get now(): number {
    return this.#seconds
  }

  advance(seconds: number): void {
    this.#seconds += seconds
  }

  restore(): void {
    Date.now = this.#host
  }
}

export class World {
  readonly policy: Policy
  readonly keys: readonly PublishedKey[]
  readonly revocations: Revocations
  readonly gate: Gate
  /** The acts so far, for the message of a failure. */
  readonly acts: string[] = []
  readonly #origin: Origin | undefined
  readonly #clock: StoppedClock
  readonly #reports: string[]
  #loadedAt: number | undefined

  private constructor(
    policy: Policy,
    keys: readonly PublishedKey[],
    clock: StoppedClock,
    origin: Origin | undefined,
    gate: Gate,
    reports: string[],
  ) {
    this.policy = policy
    this.keys = keys
    this.revocations = new Revocations(policy)
    this.#clock = clock
    this.#origin = origin
    this.gate = gate
    this.#reports = reports
  }

  static async open(policy: Policy, keys: readonly PublishedKey[], clock: StoppedClock): Promise<World> {
    const { skewSeconds, leewaySeconds, maxSessionSeconds, ...ofRealm } = policy.origin
    const { signingKey, publicKey } = await generateFeedKey()
    const jwks = jwksOf(keys)
    const reports: string[] = []
    const origin =
      policy.revocation === 'unchecked'
        ? undefined
        : await createOrigin({
            store: memoryStore(),
            signingKey,
            skewSeconds,
            leewaySeconds,
            realms: [
              {
                ...policy.options,
                jwks,
                ...ofRealm,
                maxLifetimeSeconds: policy.lifetimeOfOrigin,
                ...(policy.compare === 'authTime' ? { maxSessionSeconds } : {}),
              },
            ],
            // A caller's not-before too far in the future is reported as `clock`, as intended.
            onReport: ({ kind, error }) =>
              void (error === undefined || kind === 'clock' || reports.push(error.message)),
          })
    const feed = { url: FEED, keys: [publicKey] }
    const realm = (
      origin === undefined
        ? { ...policy.options, jwks, revocation: 'unchecked' }
        : { ...policy.options, ...(policy.keysInFeed ? {} : { jwks }), feed }
    ) as RealmOptions | UncheckedRealmOptions
    const gate = createGate({
      realms: [realm],
      ...policy.gate,
      fetch: async (input, init) => (origin as Origin).fetch(new Request(input, init)),
      onReport: ({ kind, error }) => void (kind === 'options' || reports.push(error.message)),
    })
    return new World(policy, keys, clock, origin, gate, reports)
  }

  /** The age of the gate's state; `undefined` if it has no state. */
  get stateAge(): number | undefined {
    return this.#loadedAt === undefined ? undefined : this.#clock.now - this.#loadedAt
  }

  get sequence(): number {
    return this.#origin?.status()[0]?.sequence ?? 0
  }

  /** Refreshes the gate's state. */
  async refresh(): Promise<void> {
    if (this.#origin === undefined) return
    await this.gate.refresh()
    assert.equal(this.gate.status()[0]?.sequence, this.sequence)
    assert.equal(this.gate.status()[0]?.ageSeconds, 0)
    this.#loadedAt = this.#clock.now
  }

  /** Asserts that neither side has reported anything. */
  assertNoReports(): void {
    assert.deepEqual(this.#reports, [])
  }

  /**
   * Records a random act at the origin and in the model. Returns the member of `tokens` that it revokes by id, if any.
   */
  async revoke(random: Random, tokens: readonly Revocable[]): Promise<string | undefined> {
    if (this.#origin === undefined) return undefined
    const { policy, keys } = this
    const { now } = this.#clock
    const past = tokens.filter(({ issuedAt }) => issuedAt <= now)
    const act = chooseAct(random, { now, policy, keys, tokens: past, isBanned: (key) => this.revocations.bans(key) })
    this.acts.push(act.name)
    await act.atOrigin(this.#origin)
    act.inModel(this.revocations)
    return act.token
  }

  /** Presents a token to the origin for revocation. Returns the code of the refusal, if any. */
  async present(text: string): Promise<string | undefined> {
    try {
      await this.#origin?.revokeToken(text)
      return undefined
    } catch (error) {
      return (error as PortcullisError).code
    }
  }

  async close(): Promise<void> {
    this.gate.close()
    await this.#origin?.close()
  }
}
