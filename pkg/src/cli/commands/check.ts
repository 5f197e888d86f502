import { type OriginReport, policyDigest } from '../../entry/origin/node.ts'
import { resolveOriginSettings } from '../../origin/settings.ts'
import { memoryStore } from '../../origin/store/memory.ts'
import { type Findings, findingsText } from '../check/finding.ts'
import { urlOfListener } from '../check/running-origin.ts'
import { checkOnline, type OnlineCheck } from '../check/online.ts'
import { rehearse, type Rehearsal } from '../check/rehearsal.ts'
import type { Command, CommandInput } from '../command.ts'
import { CONFIG_OPTION, type Configuration, loadConfiguration } from '../configuration.ts'
import { ADMIN_PASSWORD } from '../keycloak/admin-api.ts'
import { CheckFailed, UsageError } from '../usage.ts'

const ONLINE_OPTIONS = ['origin', 'status'] as const

export const check: Command = {
  name: 'check',
  summary: 'find errors in a configuration without running it',
  help: `Reads the configuration with all its secrets and builds all that 'serve' builds: it refuses what 'serve' refuses, with the same
message. It does not listen, sends nothing, and creates and changes no file. With --online it also asks: each issuer, for
its metadata and keys; the identity server of each connector; the origin that runs (/healthz); and compares the status of a
gate. It changes nothing there, and ends with 1 if revocations would be lost or good tokens refused.`,
  options: {
    config: CONFIG_OPTION,
    online: { help: 'also ask issuers, identity servers of connectors, the running origin, and a gate' },
    origin: { value: 'URL', help: 'with --online: the URL of the running origin; default: the configured address' },
    status: { value: 'SOURCE', help: "with --online: a file or URL with the result of a gate's status()" },
    admin: {
      value: 'NAME',
      help: `with ${ADMIN_PASSWORD}: the administrator who reads what service accounts may not read; default: admin`,
    },
    json: { help: 'with --online: print the findings as JSON' },
  },
  positionals: [],
  example: `Example:

  $ portcullis check --config /etc/portcullis.json
  $ portcullis check --online
  $ portcullis check --online --status https://api.example.com/gate-status`,
  run: async (input) => {
    const configuration = loadConfiguration(input.values, input.environment)
    const rehearsal = await rehearse(configuration)
    try {
      const text = summaryOf(configuration, rehearsal)
      if (!input.flags.has('online')) {
        const offline = ONLINE_OPTIONS.find((name) => input.values[name] !== undefined)
        if (offline !== undefined) throw new UsageError(`--${offline} needs --online`)
        return text
      }
      const findings = await online(configuration, rehearsal, input)
      const output = input.flags.has('json')
        ? `${JSON.stringify(findings, null, 2)}\n`
        : `${text}${findings.map(findingsText).join('')}`
      if (findings.some((each) => each.findings.some(({ level }) => level === 'failure'))) throw new CheckFailed(output)
      return output
    } finally {
      await rehearsal.origin.close()
    }
  },
}

function summaryOf({ file, listen, origin }: Configuration, rehearsal: Rehearsal): string {
  const realms = origin.realms.map(({ name }) => name).join(', ')
  const edges = origin.edges?.length ?? 0
  const where = `${listen.hostname ?? '127.0.0.1'}, port ${listen.port}`
  const policies = origin.realms.map(
    (realm) => `realm ${realm.name}: policy ${policyDigest(realm)}, which the gates' status() must show\n`,
  )
  return `${file} is valid: realms ${realms}; edges: ${edges}; it would listen on ${where}\n${useNote(rehearsal)}${policies.join('')}${rehearsal.reports.map(reportLine).join('')}`
}

function useNote({ storeUse, addressUse }: Rehearsal): string {
  if (storeUse === 'free') return ''
  return `an origin has the store open now${addressUse === 'in_use' ? ', and a server listens on the port' : ''}: serve can start once it has stopped\n`
}

/** Returns the line for a condition that the origin would report. */
function reportLine({ kind, realm, error }: OriginReport): string {
  const where = realm === undefined ? '' : `realm ${realm}: `
  return error === undefined ? '' : `warning: ${where}${kind}: ${error.message}\n`
}

async function online(
  { listen, origin, connectors }: Configuration,
  rehearsal: Rehearsal,
  { values, environment }: CommandInput,
): Promise<Findings[]> {
  const { realms, plainHttp } = resolveOriginSettings({ ...origin, store: memoryStore() })
  const password = environment[ADMIN_PASSWORD] ?? ''
  const administrator = password === '' ? undefined : { name: values['admin'] ?? 'admin', password }
  return checkOnline({
    connectors,
    realms,
    plainHttp,
    administrator,
    rehearsal,
    origin: runningOrigin(listen, values['origin']),
    gate: values['status'],
  })
}

function runningOrigin(listen: Configuration['listen'], given: string | undefined): OnlineCheck['origin'] {
  if (given === undefined) return { url: urlOfListener(listen), option: 'options.listen' }
  const url = URL.canParse(given) ? new URL(given) : undefined
  if (
    url === undefined ||
    !/^https?:$/.test(url.protocol) ||
    url.username + url.password + url.search + url.hash !== ''
  ) {
    throw new UsageError('--origin must be an http: or https: URL without user name, query and fragment')
  }
  return { url, option: '--origin' }
}
