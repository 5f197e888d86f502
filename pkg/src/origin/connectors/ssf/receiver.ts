import { PortcullisError } from '../../../errors.ts'
import { sameSecret } from '../../same-secret.ts'
import type { Conditions } from '../conditions.ts'
import type { MessageIntake } from '../message-intake.ts'
import { MessageRefused } from '../message-refused.ts'
import { judgeSecurityEvent, type SecurityEventSettings } from './events.ts'

export interface SecurityEventReceiverOptions {
  intake: MessageIntake
  conditions: Conditions
  settings: SecurityEventSettings
  /** The whole value of the `Authorization` header that the stream was made with. Secret. */
  authorization: string
}

/**
 * Takes security event tokens (RFC 8417) by push (RFC 8935). Understood are `session-revoked` and `credential-change`
 * (CAEP 1.0 §3.1, §3.3) and `verification` (OpenID Shared Signals Framework 1.0 §8.1.4); events of another type are
 * acknowledged, revoke nothing and are reported as `connector_incomplete`. Rejects with `MessageRefused`, or as the
 * origin's verbs.
 */
export function securityEventReceiver(
  options: SecurityEventReceiverOptions,
): (token: string, authorization: string | undefined) => Promise<void> {
  const { intake, conditions, settings, authorization: expected } = options
  return async (token, authorization = '') => {
    if (!(await sameSecret(authorization, expected))) {
      throw new MessageRefused('unauthenticated', 'the Authorization header is not that of the stream')
    }
    const { message } = await intake.take(token, (unverified, now) => judgeSecurityEvent(unverified, settings, now))
    if (message.types === 'unknown') conditions.begin('events', unknownType())
  }
}

function unknownType(): PortcullisError {
  return new PortcullisError(
    'connector_incomplete',
    'the stream of security events has some of a type that is not understood here: they revoke nothing, so ask for session-revoked and credential-change only',
    { detail: 'unknown_event' },
  )
}
