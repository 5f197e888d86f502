import { issuerNames } from '../../issuer-names.ts'
import { resolveKeycloakSettings } from '../../origin/connectors/keycloak/options.ts'
import type { OriginRealm } from '../../origin/options.ts'
import type { ConnectorFile } from '../configuration.ts'
import type { Finding, Findings } from './finding.ts'
import { checkGateStatus } from './gate-status.ts'
import { checkIssuer } from './issuer.ts'
import { checkKeycloak } from './keycloak/realm.ts'
import type { Rehearsal } from './rehearsal.ts'
import { checkRunningOrigin, type RunningOriginCheck } from './running-origin.ts'

/** The servers of an online check, and how to reach them. */
export interface OnlineCheck {
  readonly connectors: readonly ConnectorFile[]
  readonly realms: readonly (OriginRealm & { readonly maxLifetimeSeconds: number })[]
  readonly plainHttp: 'loopback' | 'anywhere'
  readonly administrator: { readonly name: string; readonly password: string } | undefined
  readonly rehearsal: Rehearsal
  readonly origin: Omit<RunningOriginCheck, 'realms'>
  /** A file or URL with a gate's status. */
  readonly gate: string | undefined
}

/**
 * Returns findings about every issuer, connector, the running origin and a gate, by contacting them. Throws
 * `invalid_option` or `UsageError`.
 */
export async function checkOnline(check: OnlineCheck): Promise<Findings[]> {
  const { connectors, realms, plainHttp, rehearsal, gate } = check
  const issuers = realms.map(async (realm, index): Promise<Findings> => {
    const findings = await checkIssuer({
      realm,
      option: `options.realms[${index}]`,
      plainHttp,
      fetchKeys: rehearsal.fetchKeys,
      reports: rehearsal.reports,
    })
    return { issuer: issuerNames(realm).id, realm: realm.name, findings }
  })
  const all: Findings[] = await Promise.all(issuers)
  for (const connector of connectors)
    all.push({
      connector: connector.kind,
      realm: connector.realm,
      findings: await CHECKS[connector.kind](connector, check),
    })
  all.push(await checkRunningOrigin({ ...check.origin, realms: realms.map(({ name }) => name) }))
  if (gate !== undefined) all.push(...(await checkGateStatus({ source: gate, realms, plainHttp })))
  return all
}

const CHECKS: Readonly<
  Record<ConnectorFile['kind'], (connector: ConnectorFile, check: OnlineCheck) => Promise<Finding[]>>
> = {
  keycloak: async ({ kind: _kind, ...options }, { realms, plainHttp, administrator }) => {
    const connector = resolveKeycloakSettings(options)
    const realm = realms.find(({ name }) => name === connector.originRealm)
    return realm === undefined ? [] : checkKeycloak({ connector, realm, plainHttp, administrator })
  },
}
