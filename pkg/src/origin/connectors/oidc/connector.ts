import { issuerNames } from '../../../issuer-names.ts'
import type { Connection, Connector, ConnectorHost } from '../connector.ts'
import { MessageIntake } from '../message-intake.ts'
import { VerificationBudget } from '../verification-budget.ts'
import { backchannelLogout } from './backchannel-logout.ts'
import { type OidcConnectorOptions, resolveOidcConnectorSettings } from './options.ts'

/** The connector's name in the audit log. */
const CONNECTOR = 'oidc'

/**
 * Connects a realm to any issuer with OpenID Connect Back-Channel Logout 1.0: `createOrigin({ connectors:
 * [oidcConnector({ realm: 'acme' })] })`. The issuer's logout tokens arrive at `POST
 * /realms/{realm}/backchannel-logout`, and are verified with the realm's keys. Nothing is polled. Throws
 * `invalid_option`.
 */
export function oidcConnector(options: OidcConnectorOptions): Connector {
  const settings = resolveOidcConnectorSettings(options)
  return { name: CONNECTOR, realm: settings.realm, connect: (host) => connect(host, settings) }
}

function connect(host: ConnectorHost, settings: Required<OidcConnectorOptions>): Connection {
  const {
    logoutTokenAudience: audience,
    untypedLogoutTokens: olderTokens,
    logoutTokenScope: scope,
    maxVerificationsPerSecond,
  } = settings
  const intake = new MessageIntake({
    host,
    connector: CONNECTOR,
    budget: new VerificationBudget(maxVerificationsPerSecond),
  })
  const issuers = issuerNames(host.realm).names
  return {
    receivers: { backchannelLogout: backchannelLogout(intake, { issuers, audience, olderTokens, scope }) },
    start: () => undefined,
    close: () => Promise.resolve(),
  }
}
