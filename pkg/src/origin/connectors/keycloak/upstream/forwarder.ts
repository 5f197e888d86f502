import { PortcullisError } from '../../../../errors.ts'
import { pause } from '../../../../timing/deadline.ts'
import type { UpstreamOutcome } from '../../../api.ts'
import type { StoredOutboxEntry } from '../../../store/outbox.ts'
import type { ConnectorHost } from '../../connector.ts'
import type { ForwardedEvent, Forwarder, UpstreamMessage } from '../../forwarder.ts'
import type { AdminClient } from '../client/admin-client.ts'
import { failure, isFailure } from '../client/failure.ts'
import { writeLastLogoutTime } from './last-logout-time.ts'
import { type Manner, performAct } from './upstream-act.ts'
import { actOf, decodeMessage, encodeMessage, type KeycloakMessage } from './upstream-message.ts'
import { WaitingRenewal } from './waiting-renewal.ts'

interface KeycloakForwarderOptions {
  host: Pick<ConnectorHost, 'realm' | 'service' | 'store' | 'conditions' | 'metrics' | 'nowMs'>
  /** The connector's name, also that of its queue. */
  connector: string
  /** Uses the acting account. */
  admin: AdminClient
  /** How long a caller waits for the outcome. */
  timeoutMs: number
  lastLogoutTime: 'ignore' | 'write'
}

/** The maximum number of acts in progress at a time. */
const MAX_UNDER_WAY = 8
/** The pause before retrying failed messages, and before sending any message while Keycloak is unreachable. */
const RETRY_MS = 1_000
/** The pause while the queue is empty; a new message ends it. */
const IDLE_MS = 60_000
/** The longest time for which a failing message is held back while others succeed. */
const MAX_HELD_BACK_SECONDS = 4
/** How soon after its event an act may be performed `whole`; later it is performed `by_time`. */
const WHOLE_WITHIN_MS = 1_000
/** How often waiting acts are checked for renewal. */
const RENEWAL_INTERVAL_MS = 5_000
/** The number of entries read at a time while counting. */
const COUNT_PAGE = 1_000

/**
 * Performs at Keycloak the acts that were recorded here, from the outbox. An attempt is counted before it is sent, so
 * an act that a crash interrupts is repeated `by_time` and does not end later logins.
 */
export class KeycloakForwarder implements Forwarder {
  readonly #options: KeycloakForwarderOptions
  readonly #renewal: WaitingRenewal
  readonly #closing = new AbortController()
  readonly #outcomes = new WeakMap<UpstreamMessage, { key: string; outcome: Promise<UpstreamOutcome> }>()
  /** Waiting callers, keyed by their messages' `key`. */
  readonly #callers = new Map<string, (outcome: UpstreamOutcome) => void>()
  /** Keyed by entry id. */
  readonly #underWay = new Map<number, Promise<void>>()
  #wake = new AbortController()
  #startedMs = Number.POSITIVE_INFINITY
  #blockedUntilMs = 0
  #waiting = 0
  #running: Promise<unknown> | undefined

  constructor(options: KeycloakForwarderOptions) {
    const { host, connector } = options
    this.#options = options
    this.#renewal = new WaitingRenewal({ host, connector, queue: connector })
  }

  messageFor(forwarded: ForwardedEvent): UpstreamMessage | 'refused' | undefined {
    const act = this.#actFor(forwarded)
    if (act === undefined || act === 'refused') return act
    const { host, connector } = this.#options
    const message: KeycloakMessage = {
      ...act,
      key: crypto.randomUUID(),
      recordedMs: Math.floor(host.nowMs()),
      until: forwarded.until,
    }
    const stored: UpstreamMessage = { entry: { queue: connector, at: forwarded.now, payload: encodeMessage(message) } }
    const outcome = new Promise<UpstreamOutcome>((resolve) => this.#callers.set(message.key, resolve))
    this.#outcomes.set(stored, { key: message.key, outcome })
    return stored
  }

  async stored(message: UpstreamMessage): Promise<UpstreamOutcome> {
    const known = this.#outcomes.get(message)
    if (known === undefined) return 'queued'
    this.#count(1)
    if (this.#isBlocked) this.#settle(known.key, 'queued')
    this.#wake.abort()
    const late = new AbortController()
    const outcome = await Promise.race([
      known.outcome,
      pause(this.#options.timeoutMs, late.signal).then(() => 'queued' as const),
    ])
    late.abort()
    this.#callers.delete(known.key)
    return outcome
  }

  withdrawn(message: UpstreamMessage): void {
    this.#callers.delete(this.#outcomes.get(message)?.key ?? '')
  }

  /** Starts sending waiting messages. */
  start(): void {
    this.#startedMs = this.#options.host.nowMs()
    this.#running = Promise.all([this.#sending(), this.#renewing()])
  }

  /** Stops sending, and resolves when no act is in progress. Callers that still wait get `queued`. */
  async close(): Promise<void> {
    this.#closing.abort()
    this.#wake.abort()
    await this.#running
    await Promise.all(this.#underWay.values())
    for (const key of this.#callers.keys()) this.#settle(key, 'queued')
  }

  #actFor(forwarded: ForwardedEvent): ReturnType<typeof actOf> {
    const act = actOf(forwarded)
    if (forwarded.upstream === 'tell') return act
    // Keycloak has already performed it; only the attribute must follow the ledger.
    const isWritten = this.#options.lastLogoutTime === 'write' && forwarded.state === 'new'
    return isWritten && forwarded.event.kind === 'user' && !this.#renewal.isRecording(forwarded.event.subject)
      ? { kind: 'lastLogoutTime', sub: forwarded.event.subject }
      : undefined
  }

  async #sending(): Promise<void> {
    await this.#repeated(() => this.#recount())
    while (!this.#closing.signal.aborted) {
      this.#wake = new AbortController()
      if (!this.#isBlocked) await this.#tried(() => this.#begin())
      if (!this.#closing.signal.aborted) await pause(this.#pauseMs(), this.#wake.signal)
    }
  }

  #pauseMs(): number {
    if (this.#waiting === 0) return IDLE_MS
    return this.#isBlocked ? Math.max(1, this.#blockedUntilMs - this.#options.host.nowMs()) : RETRY_MS
  }

  async #renewing(): Promise<void> {
    while (!this.#closing.signal.aborted) {
      if (this.#waiting > 0) await this.#tried(() => this.#renewal.renew())
      await pause(RENEWAL_INTERVAL_MS, this.#closing.signal)
    }
  }

  /** Returns whether `work` succeeded. A failure of the store has already been reported; the caller retries. */
  async #tried(work: () => Promise<void>): Promise<'done' | 'failed'> {
    try {
      await work()
      return 'done'
    } catch {
      return 'failed'
    }
  }

  async #repeated(work: () => Promise<void>): Promise<void> {
    while (!this.#closing.signal.aborted && (await this.#tried(work)) === 'failed')
      await pause(RETRY_MS, this.#closing.signal)
  }

  /** Starts as many messages as may be in progress. */
  async #begin(): Promise<void> {
    const { host, connector } = this.#options
    const dueAt = Math.floor(host.nowMs() / 1000)
    const queue = { realm: host.realm.name, queue: connector }
    const due = await host.store.outboxEntries({ ...queue, dueAt, limit: 2 * MAX_UNDER_WAY })
    if (due.length === 0 && this.#waiting > 0 && (await host.store.outboxEntries({ ...queue, limit: 1 })).length === 0)
      this.#count(-this.#waiting)
    for (const entry of due) {
      if (this.#underWay.size >= MAX_UNDER_WAY) return
      if (this.#underWay.has(entry.id)) continue
      const delivery = this.#deliver(entry).finally(() => {
        this.#underWay.delete(entry.id)
        this.#wake.abort()
      })
      this.#underWay.set(entry.id, delivery)
    }
  }

  async #deliver(entry: StoredOutboxEntry): Promise<void> {
    const { host } = this.#options
    const message = decodeMessage(entry.payload)
    try {
      const manner = this.#mannerOf(entry, message)
      await host.store.postponeOutbox(
        entry.id,
        Math.floor(host.nowMs() / 1000) + Math.min(1 + entry.attempts, MAX_HELD_BACK_SECONDS),
      )
      if (message === undefined) throw unreadable()
      await this.#perform(message, manner)
      await this.#finish(entry, message, 'done')
    } catch (error) {
      await this.#failed(entry, message, error)
    }
  }

  /**
   * Returns how to perform an act. `whole` applies only to the first attempt, and only to events of this process: one
   * of an earlier process may be old.
   */
  #mannerOf({ attempts }: StoredOutboxEntry, message: KeycloakMessage | undefined): Manner {
    if (message === undefined || attempts > 0 || message.recordedMs < this.#startedMs) return 'by_time'
    const ageMs = this.#options.host.nowMs() - message.recordedMs
    const isOfNow = message.until >= Math.floor(message.recordedMs / 1000)
    return isOfNow && ageMs >= 0 && ageMs <= WHOLE_WITHIN_MS ? 'whole' : 'by_time'
  }

  async #perform(message: KeycloakMessage, manner: Manner): Promise<void> {
    const { admin, host } = this.#options
    if (message.kind !== 'lastLogoutTime') {
      const { upTo, lacking } = await performAct(admin, message, manner)
      await this.#renewal.done(message, upTo)
      if (lacking === undefined) host.conditions.end('forwarding_right')
      else host.conditions.begin('forwarding_right', lacking)
    }
    if (message.kind === 'user' || message.kind === 'lastLogoutTime') await this.#writeLastLogoutTime(message.sub)
  }

  async #writeLastLogoutTime(sub: string): Promise<void> {
    const { admin, host, lastLogoutTime } = this.#options
    if (lastLogoutTime === 'ignore') return
    try {
      await writeLastLogoutTime(admin, sub, host.service.userNotBefore(host.realm.name, sub))
      host.conditions.end('last_logout_time')
    } catch (error) {
      if (!isFailure(error, 'act_refused')) throw error
      host.conditions.begin('last_logout_time', error)
    }
  }

  async #finish(
    { id }: StoredOutboxEntry,
    message: KeycloakMessage | undefined,
    outcome: 'done' | 'refused',
  ): Promise<void> {
    const { host } = this.#options
    if (await host.store.acknowledgeOutbox(id)) this.#count(-1)
    if (message !== undefined) this.#settle(message.key, outcome)
    if (outcome === 'done') host.conditions.end('forwarding')
  }

  async #failed(entry: StoredOutboxEntry, message: KeycloakMessage | undefined, error: unknown): Promise<void> {
    if (this.#closing.signal.aborted) return
    const known = error instanceof PortcullisError && error.code === 'connector_failed' ? error : undefined
    if (known !== undefined) this.#options.host.conditions.begin('forwarding', known)
    if (known !== undefined && isFinal(known)) {
      await this.#tried(() => this.#finish(entry, message, 'refused'))
      return
    }
    // Any other failure may concern this message only.
    if (known === undefined || concernsAll(known)) this.#blockedUntilMs = this.#options.host.nowMs() + RETRY_MS
    if (message !== undefined) this.#settle(message.key, 'queued')
  }

  get #isBlocked(): boolean {
    return this.#options.host.nowMs() < this.#blockedUntilMs
  }

  #settle(key: string, outcome: UpstreamOutcome): void {
    this.#callers.get(key)?.(outcome)
    this.#callers.delete(key)
  }

  #count(change: number): void {
    this.#waiting = Math.max(0, this.#waiting + change)
    this.#options.host.metrics.waiting(this.#waiting)
  }

  /** Counts the messages left by an earlier process. */
  async #recount(): Promise<void> {
    const { host, connector } = this.#options
    let counted = 0
    for (let after = 0; ; ) {
      const page = await host.store.outboxEntries({
        realm: host.realm.name,
        queue: connector,
        after,
        limit: COUNT_PAGE,
      })
      counted += page.length
      const last = page.at(-1)
      if (last === undefined) break
      after = last.id
    }
    this.#waiting = 0
    this.#count(counted)
  }
}

/** Whether a retry would not help. */
function isFinal(error: PortcullisError): boolean {
  return isFailure(error, 'missing_right') || isFailure(error, 'act_refused')
}

/** Whether every message would fail for this reason. */
function concernsAll(error: PortcullisError): boolean {
  return (['unreachable', 'redirect', 'wrong_credentials', 'unknown_realm'] as const).some((detail) =>
    isFailure(error, detail),
  )
}

function unreadable(): PortcullisError {
  return failure(
    'act_refused',
    'a waiting act was written by another version of Portcullis and was dropped: perform it in Keycloak',
  )
}
