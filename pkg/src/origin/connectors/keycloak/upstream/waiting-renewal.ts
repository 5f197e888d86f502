import type { ConnectorHost } from '../../connector.ts'
import { recordRevocation, type Revocation } from '../../revocation.ts'
import { decodeMessage, type KeycloakMessage } from './upstream-message.ts'

/** An ended session is refused for 60 s beyond its time; it is renewed well before that. */
const SESSION_SECONDS = 40
const PAGE = 500

interface WaitingRenewalOptions {
  host: Pick<ConnectorHost, 'realm' | 'service' | 'store' | 'nowMs'>
  connector: string
  queue: string
}

/**
 * Records waiting acts again before their not-befores run out. While they wait, Keycloak still accepts refresh tokens
 * and issues new tokens for them.
 */
export class WaitingRenewal {
  readonly #options: WaitingRenewalOptions
  /** Unix seconds of the last record, keyed by entry id. */
  #renewedAt = new Map<number, number>()
  /** Users whose logout is being recorded again. */
  readonly #users = new Set<string>()

  constructor(options: WaitingRenewalOptions) {
    this.#options = options
  }

  /** Records the acts that are due. Rejects as the store and the verbs do. */
  async renew(): Promise<void> {
    const { host, queue } = this.#options
    const now = Math.floor(host.nowMs() / 1000)
    const renewedAt = new Map<number, number>()
    for (let after = 0; ; ) {
      const page = await host.store.outboxEntries({ realm: host.realm.name, queue, after, limit: PAGE })
      const due = page.filter(({ id, at, payload }) => {
        const last = this.#renewedAt.get(id) ?? at
        renewedAt.set(id, last)
        return now - last >= this.#intervalOf(decodeMessage(payload))
      })
      await Promise.all(due.map(({ payload }) => this.#record(decodeMessage(payload), 'renewal of a waiting act')))
      for (const { id } of due) renewedAt.set(id, now)
      const last = page.at(-1)
      if (last === undefined) break
      after = last.id
    }
    this.#renewedAt = renewedAt
  }

  /**
   * Records a completed act once more if a token issued while it waited would outlive it. `upTo` is in unix seconds.
   */
  async done(message: KeycloakMessage, upTo: number | 'now' | undefined): Promise<void> {
    const reach = message.until + (message.kind === 'session' ? SESSION_SECONDS : 0)
    const doneAt = upTo === 'now' ? Math.floor(this.#options.host.nowMs() / 1000) : (upTo ?? reach)
    // Without a time the ledger takes now, and allows for the lead of Keycloak's clock.
    if (doneAt > reach)
      await this.#record(message, 'an act was performed at the server', upTo === 'now' ? undefined : doneAt)
  }

  async #record(message: KeycloakMessage | undefined, because: string, occurredAt?: number): Promise<void> {
    const { host, connector } = this.#options
    const revocation = message && revocationOf(message)
    if (revocation === undefined) return
    if (revocation.kind === 'user') this.#users.add(revocation.sub)
    try {
      await recordRevocation(
        { host, connector },
        { ...revocation, because, ...(occurredAt === undefined ? {} : { occurredAt }) },
      )
    } finally {
      if (revocation.kind === 'user') this.#users.delete(revocation.sub)
    }
  }

  /** Whether a user's logout is being recorded again: the waiting act also writes its time. */
  isRecording(sub: string): boolean {
    return this.#users.has(sub)
  }

  #intervalOf(message: KeycloakMessage | undefined): number {
    return message?.kind === 'session'
      ? SESSION_SECONDS
      : Math.max(SESSION_SECONDS, Math.floor(this.#options.host.realm.maxLifetimeSeconds / 2))
  }
}

type Subject<R> = R extends Revocation ? Omit<R, 'because' | 'occurredAt'> : never

function revocationOf(message: KeycloakMessage): Subject<Revocation> | undefined {
  switch (message.kind) {
    case 'session':
      return { kind: 'session', sid: message.sid }
    case 'user':
      return { kind: 'user', sub: message.sub }
    case 'grant':
      return { kind: 'grant', sub: message.sub, client: message.client }
    case 'everybody':
      return { kind: 'realm' }
    case 'client':
      return isOfNow(message) ? { kind: 'client', client: message.client } : undefined
    case 'realm':
      return isOfNow(message) ? { kind: 'realm' } : undefined
    case 'lastLogoutTime':
      return undefined
  }
}

/**
 * Whether an act covers tokens issued until it was recorded. A not-before that was set to an earlier time must not
 * cover tokens issued since.
 */
function isOfNow({ until, recordedMs }: KeycloakMessage): boolean {
  return until >= Math.floor(recordedMs / 1000)
}
