import { resolveKeycloakSettings } from '../../origin/connectors/keycloak/options.ts'
import type { OriginRealm } from '../../origin/options.ts'
import type { ConnectorFile } from '../configuration.ts'
import type { ConnectorFindings, Finding } from './finding.ts'
import { checkKeycloak } from './keycloak/realm.ts'

/** The parts of a configuration that a check of its connectors needs. */
export interface OnlineCheck {
  readonly connectors: readonly ConnectorFile[]
  readonly realms: readonly (OriginRealm & { readonly maxLifetimeSeconds: number })[]
  readonly plainHttp: 'loopback' | 'anywhere'
  readonly administrator: { readonly name: string; readonly password: string } | undefined
}

/** The findings of each connector, by asking its identity server. Throws `invalid_option`. */
export async function checkOnline(check: OnlineCheck): Promise<ConnectorFindings[]> {
  const all: ConnectorFindings[] = []
  for (const connector of check.connectors) all.push({ connector: connector.kind, realm: connector.realm, findings: await CHECKS[connector.kind](connector, check) })
  return all
}

const CHECKS: Readonly<Record<ConnectorFile['kind'], (connector: ConnectorFile, check: OnlineCheck) => Promise<Finding[]>>> = {
  keycloak: async ({ kind: _kind, ...options }, { realms, plainHttp, administrator }) => {
    const connector = resolveKeycloakSettings(options)
    const realm = realms.find(({ name }) => name === connector.originRealm)
    return realm === undefined ? [] : checkKeycloak({ connector, realm, plainHttp, administrator })
  },
}
