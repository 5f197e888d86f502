import { PortcullisError } from '../../../../errors.ts'
import type { Conditions } from '../../conditions.ts'
import type { ConnectorHost } from '../../connector.ts'
import { recordRevocation, type Revocation } from '../../revocation.ts'
import { isFailure } from '../client/failure.ts'
import { readAdminEvent } from './admin-events.ts'
import type { KeycloakEvent } from './events.ts'
import { type Consequence, consequenceOf, type EventNote, type MappingContext } from './mapping.ts'
import { readUserEvent } from './user-events.ts'

interface EventRecorderOptions extends MappingContext {
  host: Pick<ConnectorHost, 'realm' | 'service'>
  /** The connector's name. */
  connector: string
  conditions: Conditions
}

/**
 * How many times Keycloak is asked about an event before it is skipped, such as one of a user whose directory is down.
 */
const MAX_ATTEMPTS = 10

/** Records the effects of events. */
export class EventRecorder {
  readonly #options: EventRecorderOptions
  /** Attempts so far at events that wait for a response, by id. */
  readonly #attempts = new Map<string, number>()

  constructor(options: EventRecorderOptions) {
    this.#options = options
  }

  /**
   * Processes user events, given as JSON from Keycloak. Resolves when their effects are durable. Rejects as the store
   * does, or with `connector_failed`.
   */
  userEvents(events: readonly unknown[]): Promise<void> {
    return this.#record(events.map(readUserEvent))
  }

  /** Processes admin events in the same way. */
  adminEvents(events: readonly unknown[]): Promise<void> {
    return this.#record(events.map(readAdminEvent))
  }

  /** Judges events in order, because one may rename a client that the next one names. Their commits are shared. */
  async #record(events: readonly (KeycloakEvent | undefined)[]): Promise<void> {
    const consequences: Consequence[] = []
    let failed: { error: unknown } | undefined
    for (const event of events) {
      try {
        consequences.push(await this.#judge(event))
      } catch (error) {
        failed ??= { error }
        if (!isAnswer(error)) break
      }
    }
    const settled = await Promise.allSettled(consequences.flatMap((each) => this.#carryOut(each)))
    failed =
      settled.flatMap((each) => (each.status === 'rejected' ? [{ error: each.reason as unknown }] : [])).at(0) ?? failed
    if (failed !== undefined) throw failed.error
    this.#attempts.clear()
  }

  /** Reports and skips an unreadable event: a poll that failed on it would never get past it. */
  async #judge(event: KeycloakEvent | undefined): Promise<Consequence> {
    if (event === undefined) return { revocations: [], note: { kind: 'unreadable' } }
    try {
      return await consequenceOf(event, this.#options)
    } catch (error) {
      if (!(error instanceof PortcullisError) || !this.#isFinal(event, error)) throw error
      this.#options.conditions.begin('event_details', error)
      return { revocations: [] }
    }
  }

  #isFinal({ id }: KeycloakEvent, error: PortcullisError): boolean {
    if (isFailure(error, 'missing_right')) return true
    if (!isAnswer(error)) return false
    const attempts = (this.#attempts.get(id) ?? 0) + 1
    this.#attempts.set(id, attempts)
    return attempts >= MAX_ATTEMPTS
  }

  #carryOut({ revocations, note }: Consequence): Promise<void>[] {
    return [
      ...revocations.map((revocation) => this.#revoke(revocation)),
      ...(note === undefined ? [] : [this.#note(note)]),
    ]
  }

  /**
   * Records a revocation. If the ledger refuses it, for example because it holds too many clients, it is reported and
   * skipped.
   */
  async #revoke(revocation: Revocation): Promise<void> {
    const { host, connector, conditions } = this.#options
    try {
      await recordRevocation({ host, connector }, revocation)
    } catch (error) {
      if (!(error instanceof PortcullisError) || error.code !== 'invalid_event') throw error
      const { detail, message } = error
      conditions.begin(
        'refused_event',
        new PortcullisError('connector_incomplete', message, {
          cause: error,
          ...(detail === undefined ? {} : { detail }),
        }),
      )
    }
  }

  async #note(note: EventNote): Promise<void> {
    const { host, connector, settings, conditions } = this.#options
    switch (note.kind) {
      case 'impersonated': {
        const line = { action: 'impersonated', subject: note.sub, detail: `session ${note.sid}` } as const
        await host.service.audit.note({ realm: settings.originRealm, actor: `connector:${connector}`, ...line })
        const sentence = `an administrator of Keycloak began a session in a user's name${settings.impersonation === 'refuse' ? ', which was ended here' : ''}`
        return conditions.report(
          'impersonation',
          new PortcullisError('impersonated', sentence, { detail: settings.impersonation }),
        )
      }
      case 'unreadable': {
        const sentence =
          'an event did not say what it ends, and was skipped: check whether this version of Keycloak is supported'
        return conditions.begin(
          'unreadable_event',
          new PortcullisError('connector_incomplete', sentence, { detail: 'unreadable_event' }),
        )
      }
      case 'nameless_client': {
        const sentence =
          'a client was deleted whose name is not known here, and the realm stores no details of admin events: switch on Include representation (Realm settings > Events)'
        return conditions.begin(
          'client_names',
          new PortcullisError('connector_incomplete', sentence, { detail: 'nameless_client' }),
        )
      }
    }
  }
}

/** Whether Keycloak responded in a way that concerns one user or client and says nothing about the next. */
function isAnswer(error: unknown): boolean {
  return isFailure(error, 'server_error') || isFailure(error, 'not_json') || isFailure(error, 'too_large')
}
