import { PortcullisError } from '../../errors.ts'
import type { ConnectorHost } from './connector.ts'
import type { UnverifiedToken } from './issuer-tokens.ts'
import type { Timeliness } from './message-times.ts'
import { RecentMessages } from './recent-messages.ts'
import { recordRevocation, type Revocation } from './revocation.ts'
import type { VerificationBudget } from './verification-budget.ts'

/** The content of a message; trustworthy only once its signature has been verified. */
export interface JudgedMessage {
  /** The issuer name that the message states, to which its subjects belong. Default: none stated. */
  readonly issuer?: string
  /** Its id, unique among the messages of this issuer. */
  readonly id: string
  readonly timeliness: Timeliness
  readonly revocations: readonly Revocation[]
}

/** A message whose effect is durable: recorded now, or by an earlier copy. */
interface TakenMessage<M extends JudgedMessage> {
  readonly message: M
  readonly outcome: 'recorded' | 'repeated'
}

/**
 * Judges the content of a message. It is called before the signature is checked, so that forged messages cost little.
 * It must depend only on the message and the time, and change nothing. Throws `MessageRefused`.
 */
type Judge<M extends JudgedMessage> = (token: UnverifiedToken, nowSeconds: number) => M

interface MessageIntakeOptions {
  host: Pick<ConnectorHost, 'realm' | 'service' | 'tokens' | 'conditions' | 'nowMs'>
  /** The connector's name, for the audit log. */
  connector: string
  budget: VerificationBudget
}

/**
 * Processes messages signed by the realm's issuer: form, content, signature, record. The only fetch on the way is one
 * of the issuer's keys, for an unknown key.
 */
export class MessageIntake {
  readonly #options: MessageIntakeOptions
  readonly #recent = new RecentMessages()

  constructor(options: MessageIntakeOptions) {
    this.#options = options
  }

  /**
   * Resolves once the content of the message is durable. A replayed message is not recorded again. Rejects with
   * `MessageRefused`, or as the origin's verbs do.
   */
  async take<M extends JudgedMessage>(token: string, judge: Judge<M>): Promise<TakenMessage<M>> {
    const message = await this.#verified(token, judge)
    this.#watchClock(message.timeliness)
    const { host, connector } = this.#options
    const id = `${message.issuer ?? ''} ${message.id}`
    if (this.#recent.has(id)) return { message, outcome: 'repeated' }
    const recorder = { host, connector }
    await Promise.all(
      message.revocations.map((revocation) => recordRevocation(recorder, { ...revocation, ...issuerOf(message) })),
    )
    this.#recent.add(id)
    return { message, outcome: 'recorded' }
  }

  /** Returns the judged message after verifying its signature. */
  async #verified<M extends JudgedMessage>(token: string, judge: Judge<M>): Promise<M> {
    const { host, budget } = this.#options
    const unverified = host.tokens.read(token)
    const message = judge(unverified, host.nowMs() / 1000)
    await host.tokens.verify(unverified, () => budget.take())
    return message
  }

  #watchClock(timeliness: Timeliness): void {
    const { conditions, realm } = this.#options.host
    switch (timeliness) {
      case 'prompt':
        return conditions.end('clock')
      case 'ahead':
        return conditions.begin(
          'clock',
          clockDiffers('message_ahead', `realm ${realm.name}: a message of the issuer is dated in the future`),
        )
      case 'expired':
        return conditions.begin(
          'clock',
          clockDiffers('message_expired', `realm ${realm.name}: a message of the issuer had expired when it arrived`),
        )
      case 'old':
        return
    }
  }
}

function issuerOf({ issuer }: JudgedMessage): Pick<Revocation, 'issuer'> {
  return issuer === undefined ? {} : { issuer }
}

function clockDiffers(detail: string, what: string): PortcullisError {
  return new PortcullisError('clock_differs', `${what}: it was recorded anyway, but check NTP on both machines`, {
    detail,
  })
}
