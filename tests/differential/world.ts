// A realm with its origin, its feed and a gate, in a time of the test's own, and revocations at random, each of which the model hears of too.

import assert from 'node:assert/strict'
import { createGate, type Gate } from 'portcullis/edge'
import type { PortcullisError, RealmOptions, UncheckedRealmOptions } from 'portcullis'
import { createOrigin, generateFeedKey, type Origin } from 'portcullis/origin'
import { memoryStore } from 'portcullis/origin/memory'
import { jwksOf, type PublishedKey } from './keys.ts'
import type { Policy } from './policy.ts'
import type { Random } from './random.ts'
import { type EventTime, Revocations } from './revocations.ts'
import { CLIENTS, SESSIONS, USERS } from './tokens.ts'

const FEED = 'https://origin.example/feed/a'
/** The time at which the first world begins; later ones begin later, since no clock goes back. */
const BEGIN = 1_900_000_000

/** A clock that stands still until it is moved. It replaces `Date.now`. */
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
  /** What was done, for a reader of a failure. */
  readonly acts: string[] = []
  readonly #origin: Origin | undefined
  readonly #clock: StoppedClock
  readonly #reports: string[]
  #loadedAt: number | undefined

  private constructor(policy: Policy, keys: readonly PublishedKey[], clock: StoppedClock, origin: Origin | undefined, gate: Gate, reports: string[]) {
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
    const origin = policy.revocation === 'unchecked' ? undefined : await createOrigin({
      store: memoryStore(),
      signingKey,
      skewSeconds,
      leewaySeconds,
      realms: [{
        ...policy.options,
        jwks,
        ...ofRealm,
        maxLifetimeSeconds: policy.lifetimeOfOrigin,
        ...(policy.compare === 'authTime' ? { maxSessionSeconds } : {}),
      }],
      // A not-before of the caller's that lies too far ahead is reported as `clock`, as it should be.
      onReport: ({ kind, error }) => void (error === undefined || kind === 'clock' || reports.push(error.message)),
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

  /** The age of the gate's state; `undefined`: it has none. */
  get stateAge(): number | undefined {
    return this.#loadedAt === undefined ? undefined : this.#clock.now - this.#loadedAt
  }

  get sequence(): number {
    return this.#origin?.status()[0]?.sequence ?? 0
  }

  /** Brings the gate up to date. */
  async refresh(): Promise<void> {
    if (this.#origin === undefined) return
    await this.gate.refresh()
    assert.equal(this.gate.status()[0]?.sequence, this.sequence)
    assert.equal(this.gate.status()[0]?.ageSeconds, 0)
    this.#loadedAt = this.#clock.now
  }

  /** Asserts that neither side has anything to complain of. */
  assertNoReports(): void {
    assert.deepEqual(this.#reports, [])
  }

  /** Records something at random, at the origin and in the model. Returns the one of `tokens` that is revoked by its id, if one is. */
  async revoke(random: Random, tokens: readonly Revocable[]): Promise<string | undefined> {
    if (this.#origin === undefined) return undefined
    const act = chooseAct(random, this.#clock.now, this.policy, this.keys, (key) => this.revocations.bans(key), tokens.filter(({ issuedAt }) => issuedAt <= this.#clock.now))
    this.acts.push(act.name)
    await act.atOrigin(this.#origin)
    act.inModel(this.revocations)
    return act.token
  }

  /** Presents a token to the origin to have it revoked. Returns the code of its refusal. */
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

/** A token that may be revoked by its id. */
export interface Revocable {
  issuer: string
  id: string
  text: string
  thumbprint: string
  issuedAt: number
  expiresAt: number
}

interface Act {
  name: string
  /** The token that it revokes by its id. */
  token?: string
  atOrigin(origin: Origin): Promise<unknown>
  inModel(revocations: Revocations): void
}

function chooseAct(
  random: Random,
  now: number,
  policy: Policy,
  keys: readonly PublishedKey[],
  isBanned: (thumbprint: string) => boolean,
  tokens: readonly Revocable[],
): Act {
  const issuer = random.pick(policy.issuers)
  const of = policy.separate ? { issuer } : {}
  const [user, session, client] = [random.pick(USERS), random.pick(SESSIONS), random.pick(CLIENTS)]
  const { thumbprint } = random.pick(keys).key
  const at = now - random.pick([0, 1, random.below(30), random.below(Math.min(policy.lifetimeOfOrigin, 600) >> 1)])
  // An event has a time of its own, or happens now.
  const dated: EventTime = random.chance(0.6) ? { occurredAt: at } : {}
  // A caller may choose one as well, even one a little ahead.
  const timed: EventTime = random.weighted([[2, dated], [2, { notBefore: at }], [1, { notBefore: now + random.between(1, policy.origin.skewSeconds + 2) }]])
  const corrected = random.pick([0, at])
  const reason = 'a mistake'
  const act = (name: string, atOrigin: Act['atOrigin'], inModel: Act['inModel']): Act => ({ name, atOrigin, inModel })
  const time = JSON.stringify({ now, ...of })
  const kinds: readonly (readonly [number, () => Act])[] = [
    [tokens.length > 0 ? 10 : 0, () => revokeOne(random.pick(tokens), random, policy, isBanned)],
    [3, () => act(`endSession ${session} ${JSON.stringify(dated)} ${time}`, (o) => o.endSession('a', session, { ...dated, ...of }), (m) => m.endSession(issuer, session, now, dated))],
    [4, () => act(`endClientSession ${session} ${client} ${JSON.stringify(dated)} ${time}`, (o) => o.endClientSession('a', session, client, { ...dated, ...of }), (m) => m.endClientSession(issuer, session, client, now, dated))],
    [3, () => act(`logoutUser ${user.slice(0, 20)} ${JSON.stringify(dated)} ${time}`, (o) => o.logoutUser('a', user, { ...dated, ...of }), (m) => m.logoutUser(issuer, user, now, dated))],
    [4, () => act(`endGrant ${user.slice(0, 20)} ${client} ${JSON.stringify(timed)} ${time}`, (o) => o.endGrant('a', user, client, { ...timed, ...of }), (m) => m.endGrant(issuer, user, client, now, timed))],
    [1, () => {
      const { notBefore, ...others } = timed
      return act(`setClientNotBefore ${client} ${JSON.stringify(timed)} ${time}`, (o) => o.setClientNotBefore('a', client, notBefore, others), (m) => m.setClientNotBefore(client, now, timed))
    }],
    [0.2, () => {
      const { notBefore, ...others } = timed
      return act(`setRealmNotBefore ${JSON.stringify(timed)} ${time}`, (o) => o.setRealmNotBefore('a', notBefore, others), (m) => m.setRealmNotBefore(now, timed))
    }],
    [0.2, () => act(`logoutRealm ${JSON.stringify(dated)} ${time}`, (o) => o.logoutRealm('a', dated), (m) => m.setRealmNotBefore(now, dated))],
    [1, () => act(`raiseKeyNotBefore ${thumbprint} ${JSON.stringify(timed)} ${time}`, (o) => o.raiseKeyNotBefore('a', thumbprint, timed), (m) => m.raiseKeyNotBefore(thumbprint, now, timed))],
    [0.7, () => act(`banKey ${thumbprint} ${time}`, (o) => o.banKey('a', thumbprint, { force: true }), (m) => m.banKey(thumbprint))],
    [1, () => act(`lift ban ${thumbprint} ${time}`, (o) => o.correct('a', { kind: 'keyBanned', thumbprint }, { reason }), (m) => m.liftBan(thumbprint))],
    [2, () => {
      const version = random.between(1, 3)
      return act(`raiseTokenVersion ${user.slice(0, 20)} ${version} ${time}`, (o) => o.raiseTokenVersion('a', user, version, of), (m) => m.raiseTokenVersion(issuer, user, version))
    }],
    [1, () => act(`correct user ${user.slice(0, 20)} ${corrected} ${time}`, (o) => o.correct('a', { kind: 'user', subject: user, ...not(corrected) }, { reason, ...of }), (m) => m.correctUser(issuer, user, corrected))],
    [1, () => act(`correct session ${session} ${corrected} ${time}`, (o) => o.correct('a', { kind: 'session', session, ...not(corrected) }, { reason, ...of }), (m) => m.correctSession(issuer, session, corrected))],
    [1, () => act(`correct grant ${user.slice(0, 20)} ${client} ${corrected} ${time}`, (o) => o.correct('a', { kind: 'grant', subject: user, client, ...not(corrected) }, { reason, ...of }), (m) => m.correctGrant(issuer, user, client, corrected))],
    [1, () => act(`correct client ${client} ${corrected} ${time}`, (o) => o.correct('a', { kind: 'client', client, ...not(corrected) }, { reason }), (m) => m.correctClient(client, corrected))],
    [2, () => act(`correct realm ${corrected} ${time}`, (o) => o.correct('a', { kind: 'realm', ...not(corrected) }, { reason }), (m) => m.correctRealm(corrected))],
    [1, () => act(`correct version ${user.slice(0, 20)} ${time}`, (o) => o.correct('a', { kind: 'tokenVersion', subject: user, minimum: 0 }, { reason, ...of }), (m) => m.correctVersion(issuer, user, 0))],
  ]
  return random.weighted(kinds)()
}

function not(notBefore: number): { notBefore?: number } {
  return notBefore === 0 ? {} : { notBefore }
}

/** Revokes a token by itself, or by its id with more or less said about it. */
function revokeOne(token: Revocable, random: Random, policy: Policy, isBanned: (thumbprint: string) => boolean): Act {
  const { issuer, id, text, thumbprint, issuedAt, expiresAt } = token
  const of = policy.separate ? { issuer } : {}
  const [how, atOrigin] = random.pick<readonly [string, Act['atOrigin']]>([
    // A token of a banned key is not identified any more.
    isBanned(thumbprint) ? ['id', (origin) => origin.revokeTokenId('a', id, of)] : ['token', (origin) => origin.revokeToken(text)],
    ['id', (origin) => origin.revokeTokenId('a', id, of)],
    ['id and times', (origin) => origin.revokeTokenId('a', id, { expiresAt, issuedAt, ...of })],
  ])
  return { name: `revoke ${id} by ${how}`, token: text, atOrigin, inModel: (model) => model.revokeToken(issuer, id) }
}
