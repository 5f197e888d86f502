import { policyDigest } from '../../entry/origin/node.ts'
import { resolveOriginSettings } from '../../origin/settings.ts'
import { memoryStore } from '../../origin/store/memory.ts'
import { type ConnectorFindings, findingsText, type GateFindings } from '../check/finding.ts'
import { checkGateStatus } from '../check/gate-status.ts'
import { checkOnline } from '../check/online.ts'
import type { Command, CommandInput } from '../command.ts'
import { CONFIG_OPTION, type Configuration, loadConfiguration } from '../configuration.ts'
import { connectorOf } from '../connectors.ts'
import { ADMIN_PASSWORD } from '../keycloak/admin-api.ts'
import { CheckFailed, UsageError } from '../usage.ts'

export const check: Command = {
  name: 'check',
  summary: 'say what is wrong with a configuration, without running it',
  help: `Reads the configuration with all its secrets and checks every option. Opens no store and no port. With --online
it also asks the identity server of each connector, and changes nothing there, and compares the status of a gate; it ends
with 1 if revocations would be lost or good tokens refused.`,
  options: {
    config: CONFIG_OPTION,
    online: { help: 'also check the identity servers of the connectors, and a gate' },
    status: { value: 'SOURCE', help: 'with --online: the gate, by a file or URL with what its status() returns' },
    admin: { value: 'NAME', help: `with ${ADMIN_PASSWORD}: the administrator who reads what service accounts may not; default: admin` },
    json: { help: 'with --online: print the findings as JSON' },
  },
  positionals: [],
  example: `Example:

  $ portcullis check --config /etc/portcullis.json
  $ portcullis check --online
  $ portcullis check --online --status https://api.example.com/gate-status`,
  run: async (input) => {
    const configuration = loadConfiguration(input.values, input.environment)
    const text = checked(configuration)
    if (!input.flags.has('online')) {
      if (input.values['status'] !== undefined) throw new UsageError('--status needs --online')
      return text
    }
    const findings = await online(configuration, input)
    const output = input.flags.has('json') ? `${JSON.stringify(findings, null, 2)}\n` : `${text}${findings.map(findingsText).join('')}`
    if (findings.some((each) => each.findings.some(({ level }) => level === 'failure'))) throw new CheckFailed(output)
    return output
  },
}

/** Checks the options as a whole, too. */
function checked({ file, listen, origin, connectors }: Configuration): string {
  resolveOriginSettings({ ...origin, connectors: connectors.map(connectorOf), store: memoryStore() })
  const realms = origin.realms.map(({ name }) => name).join(', ')
  const edges = origin.edges?.length ?? 0
  const where = `${listen.hostname ?? '127.0.0.1'}, port ${listen.port}`
  const policies = origin.realms.map((realm) => `realm ${realm.name}: policy ${policyDigest(realm)}, which the gates' status() must show\n`)
  return `${file} is good: realms ${realms}; edges: ${edges}; it would listen on ${where}\n${policies.join('')}`
}

async function online({ file, origin, connectors }: Configuration, { values, environment }: CommandInput): Promise<(ConnectorFindings | GateFindings)[]> {
  const source = values['status']
  if (connectors.length === 0 && source === undefined) {
    throw new UsageError(`${file} has no connectors to check: portcullis init writes one; --status names a gate to check`)
  }
  const { realms, plainHttp } = resolveOriginSettings({ ...origin, store: memoryStore() })
  const password = environment[ADMIN_PASSWORD] ?? ''
  const administrator = password === '' ? undefined : { name: values['admin'] ?? 'admin', password }
  const gate = source === undefined ? [] : await checkGateStatus({ source, realms, plainHttp })
  return [...(await checkOnline({ connectors, realms, plainHttp, administrator })), ...gate]
}
