import { issuerNames } from '../../../issuer-names.ts'
import type { ConnectorHost, Receivers } from '../connector.ts'
import { MessageIntake } from '../message-intake.ts'
import { backchannelLogout } from '../oidc/backchannel-logout.ts'
import { securityEventReceiver } from '../ssf/receiver.ts'
import { VerificationBudget } from '../verification-budget.ts'
import { logoutAction, pushNotBeforeAction } from './admin-actions.ts'
import type { KeycloakSettings } from './options.ts'

/** The connector's name in the audit log. */
export const CONNECTOR = 'keycloak'

/**
 * Returns the receivers of Keycloak's messages, which share one verification budget. `onPush` reads the realm's
 * not-before, and must not throw.
 */
export function keycloakReceivers(host: ConnectorHost, settings: KeycloakSettings, onPush: () => void): Receivers {
  const budget = new VerificationBudget(settings.maxVerificationsPerSecond)
  const intake = (): MessageIntake => new MessageIntake({ host, connector: CONNECTOR, budget })
  const issuers = issuerNames(host.realm).names
  const {
    logoutTokenAudience: audience,
    logoutTokenScope: scope,
    olderLogoutTokens: olderTokens,
    securityEvents,
  } = settings
  return {
    backchannelLogout: backchannelLogout(intake(), { issuers, audience, olderTokens, scope }),
    kLogout: logoutAction(intake(), { audience, scope }),
    kPushNotBefore: pushNotBeforeAction(intake(), { audience, scope }, onPush),
    ...(securityEvents === undefined ? {} : { securityEvent: securityEvent(securityEvents) }),
  }

  function securityEvent({
    authorization,
    audience: stream,
  }: NonNullable<KeycloakSettings['securityEvents']>): NonNullable<Receivers['securityEvent']> {
    const { passwordReset, passwordChanged } = settings
    return securityEventReceiver({
      intake: intake(),
      conditions: host.conditions,
      settings: { issuers, audience: stream, passwordReset, passwordChanged },
      authorization,
    })
  }
}
