import type { Recorded } from '../api.ts'
import type { ForwardedEvent, Forwarder, UpstreamMessage } from '../connectors/forwarder.ts'
import type { LedgerEvent } from '../core/ledger.ts'
import type { IssuerClock } from '../gate/issuer-clock.ts'
import type { StagedTime } from '../recording/committer.ts'
import type { OutboxEntry } from '../store/outbox.ts'

interface UpstreamOptions {
  /** Returns the forwarder of a realm; `undefined` if none of its connectors can act. */
  forwarder: (realm: string) => Forwarder | undefined
  issuerClocks: ReadonlyMap<string, IssuerClock>
  /** How far ahead of our clock a value that a caller chose may be. */
  skewSeconds: number
}

/** Forwards one event to the identity server. */
interface Forwarding {
  /** Returns the messages of its transaction, as `RecordOptions.outbox`. */
  outbox: (staged: StagedTime) => readonly OutboxEntry[]
  /** Waits for the event to be recorded, then sends its messages. */
  forwarded(recording: Promise<Recorded>): Promise<Recorded>
}

/**
 * Forwards recorded events to the realms' identity servers: each message is stored in the transaction of its event and
 * sent afterwards.
 */
export class Upstream {
  readonly #options: UpstreamOptions

  constructor(options: UpstreamOptions) {
    this.#options = options
  }

  forwarding(realm: string, about: Pick<ForwardedEvent, 'event' | 'action' | 'upstream'>): Forwarding {
    // The identity server knows the subjects of the first name.
    const isOfOtherName = 'issuer' in about.event && about.event.issuer !== undefined
    const forwarder = isOfOtherName ? undefined : this.#options.forwarder(realm)
    if (forwarder === undefined) return { outbox: () => [], forwarded: (recording) => recording }
    let message: UpstreamMessage | 'refused' | undefined
    return {
      outbox: (staged) => {
        message = forwarder.messageFor({ ...about, ...staged, until: this.#untilOf(realm, about.event, staged.now) })
        return message === undefined || message === 'refused' ? [] : [message.entry]
      },
      async forwarded(recording) {
        try {
          const recorded = await recording
          if (message === undefined) return recorded
          const outcome = message === 'refused' ? Promise.resolve(message) : forwarder.stored(message)
          return about.upstream === 'skip' ? recorded : { ...recorded, upstream: outcome }
        } catch (error) {
          if (message !== undefined && message !== 'refused') forwarder.withdrawn(message)
          throw error
        }
      },
    }
  }

  /**
   * Returns the unix seconds up to which an event refuses tokens. As in the ledger, a time further ahead than clocks
   * may differ counts as now.
   */
  #untilOf(realm: string, event: LedgerEvent, now: number): number {
    const { issuerClocks, skewSeconds } = this.#options
    const given =
      ('occurredAt' in event ? event.occurredAt : undefined) ?? ('notBefore' in event ? event.notBefore : undefined)
    if (given !== undefined && given <= now + skewSeconds) return Math.floor(given)
    return now + (issuerClocks.get(realm)?.reachSeconds ?? 0)
  }
}
