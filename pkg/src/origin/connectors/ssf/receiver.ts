import { PortcullisError } from '../../../errors.ts'
import { sameSecret } from '../../same-secret.ts'
import type { Conditions } from '../conditions.ts'
import type { MessageIntake } from '../message-intake.ts'
import { MessageRefused } from '../message-refused.ts'
import { judgeSecurityEvent, type SecurityEventSettings } from './events.ts'

interface SecurityEventReceiverOptions {
  intake: MessageIntake
  conditions: Conditions
  settings: SecurityEventSettings
  /** The whole value of the `Authorization` header with which the stream was created. Secret. */
  authorization: string
}

/**
 * Returns the receiver of security event tokens (RFC 8417) by push (RFC 8935). It supports `session-revoked` and
 * `credential-change` (CAEP 1.0 §3.1, §3.3) and `verification` (OpenID Shared Signals Framework 1.0 §8.1.4). Events of
 * other types are acknowledged, revoke nothing and are reported as `connector_incomplete`. Rejects with
 * `MessageRefused`, or as the origin's verbs do.
 */
export function securityEventReceiver(
  options: SecurityEventReceiverOptions,
): (token: string, authorization: string | undefined) => Promise<void> {
  const { intake, conditions, settings, authorization: expected } = options
  return async (token, authorization = '') => {
    if (!(await sameSecret(authorization, expected))) {
      throw new MessageRefused('unauthenticated', 'the Authorization header is not the one of the stream')
    }
    const { message } = await intake.take(token, (unverified, now) => judgeSecurityEvent(unverified, settings, now))
    if (message.types === 'unknown') conditions.begin('events', unknownType())
  }
}

function unknownType(): PortcullisError {
  return new PortcullisError(
    'connector_incomplete',
    'the stream delivers security events of an unsupported type, which revoke nothing: request only session-revoked and credential-change',
    { detail: 'unknown_event' },
  )
}
