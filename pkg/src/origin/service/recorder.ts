import type { Act, AuditAction, DatedAct, Recorded } from '../api.ts'
import { leastMinor } from '../core/event-forms.ts'
import type { LedgerEvent } from '../core/ledger.ts'
import type { IssuerClock } from '../gate/issuer-clock.ts'
import type { Committer } from '../recording/committer.ts'
import type { SubjectIssuers } from './subject-issuers.ts'
import type { Upstream } from './upstream.ts'

interface RecorderOptions {
  committer: Committer
  issuers: SubjectIssuers
  issuerClocks: ReadonlyMap<string, IssuerClock>
  /** Forwards events to identity servers. */
  upstream: Upstream
}

/** A line of the audit log, without the act. */
export interface Line {
  action: AuditAction
  subject?: string | undefined
  detail?: string
}

/** Returns the `detail` of a line about one client of its subject, a user or a session. */
export function ofClient(client: string): string {
  return `client ${client}`
}

/** Returns the client in the `detail` of a line; `undefined` if it names none. */
export function clientOf(detail: string | undefined): string | undefined {
  return detail === undefined ? undefined : /^(?:[a-z]+_[a-z]+ )?(?:issuer \S+ )?client (.*)$/s.exec(detail)?.[1]
}

/** Returns the `detail` of a line about a subject of one of the issuer's names. */
function ofIssuer(issuer: string, detail: string | undefined): string {
  const name = `issuer ${issuer.replaceAll(/\s/g, encodeURIComponent)}`
  return detail === undefined ? name : `${name} ${detail}`
}

/** Records the events of verbs, each with its audit log line in the same transaction. */
export class Recorder {
  readonly #options: RecorderOptions

  constructor(options: RecorderOptions) {
    this.#options = options
  }

  /**
   * Records an event, under the act's issuer name if the event belongs to one name. `act.occurredAt` must have been
   * checked; if the event takes no time, the issuer's clock still learns from it. Rejects as `Committer.record` and
   * `SubjectIssuers.ofEvent`.
   */
  async record(
    realm: string,
    about: LedgerEvent,
    line: Line,
    act: DatedAct = {},
    guard?: () => void,
  ): Promise<Recorded> {
    const { committer, issuers, issuerClocks, upstream } = this.#options
    const event = { ...about, ...issuers.ofEvent(realm, about, act.issuer) }
    const { outbox, forwarded } = upstream.forwarding(realm, {
      event,
      action: line.action,
      upstream: act.upstream ?? 'tell',
    })
    const recorded = await forwarded(
      committer.record(realm, event, {
        audit: auditOf(line, act, issuers.shown(realm, act.issuer)),
        outbox,
        ...(guard === undefined ? {} : { guard }),
      }),
    )
    if (act.occurredAt !== undefined && !('occurredAt' in event)) issuerClocks.get(realm)?.learn(act.occurredAt)
    const least = leastMinor(event.kind)
    return least === 0 ? recorded : { ...recorded, leastMinor: least }
  }

  /** Returns the result of a verb with nothing to record. Throws `unknown_realm` or `closed`. */
  inForce(realm: string): Recorded {
    return this.#options.committer.inForce(realm)
  }
}

function auditOf(
  { action, subject, detail: about }: Line,
  { occurredAt: _occurredAt, upstream: _upstream, issuer: _issuer, ...act }: DatedAct,
  issuer: string | undefined,
): Act & Omit<Line, 'subject'> & { subject?: string } {
  const detail = issuer === undefined ? about : ofIssuer(issuer, about)
  return { ...act, action, ...(subject === undefined ? {} : { subject }), ...(detail === undefined ? {} : { detail }) }
}
