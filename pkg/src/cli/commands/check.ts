import { policyDigest } from '../../entry/origin/node.ts'
import { resolveOriginSettings } from '../../origin/settings.ts'
import { memoryStore } from '../../origin/store/memory.ts'
import type { Command } from '../command.ts'
import { CONFIG_OPTION, type Configuration, loadConfiguration } from '../configuration.ts'

export const check: Command = {
  name: 'check',
  summary: 'say what is wrong with a configuration, without running it',
  help: 'Reads the configuration with all its secrets and checks every option. Opens no store and no port.',
  options: { config: CONFIG_OPTION },
  positionals: [],
  example: `Example:

  $ portcullis check --config /etc/portcullis.json`,
  run: async ({ values, environment }) => checked(loadConfiguration(values, environment)),
}

/** Checks the options as a whole, too. */
function checked({ file, listen, origin }: Configuration): string {
  resolveOriginSettings({ ...origin, store: memoryStore() })
  const realms = origin.realms.map(({ name }) => name).join(', ')
  const edges = origin.edges?.length ?? 0
  const where = `${listen.hostname ?? '127.0.0.1'}, port ${listen.port}`
  const policies = origin.realms.map((realm) => `realm ${realm.name}: policy ${policyDigest(realm)}, which the gates' status() must show\n`)
  return `${file} is good: realms ${realms}; edges: ${edges}; it would listen on ${where}\n${policies.join('')}`
}
