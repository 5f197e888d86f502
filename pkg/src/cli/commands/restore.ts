import { restoreSqlite } from '../../origin/store/sqlite/index.ts'
import type { Command } from '../command.ts'
import { CONFIG_OPTION, type Configuration, loadConfiguration } from '../configuration.ts'
import { UsageError } from '../usage.ts'

export const restore: Command = {
  name: 'restore',
  summary: 'replace the store by a backup',
  help: `Stop the origin first. The store starts a new incarnation, so that edges which have seen more follow it; the
old file is kept beside it. Revocations recorded after the backup are lost: see the last line it prints.`,
  options: {
    config: CONFIG_OPTION,
    incarnation: {
      value: 'N',
      help: 'the new incarnation; default: one more than in the backup and the old file',
    },
  },
  positionals: ['COPY'],
  example: `Example:

  $ portcullis restore /var/backups/portcullis-monday.db`,
  run: async ({ values, environment, positionals: [copy = ''] }) =>
    restoreStore(loadConfiguration(values, environment), copy, wholeNumber(values['incarnation'])),
}

/** Replaces the store's file by a copy of the backup. */
async function restoreStore({ store }: Configuration, copy: string, incarnation: number | undefined): Promise<string> {
  const restored = await restoreSqlite({
    ...store,
    backup: copy,
    ...(incarnation === undefined ? {} : { incarnation }),
  })
  const realms = restored.realms.join(', ')
  return `${store.path} is restored as incarnation ${restored.incarnation}, with the realms ${realms}.
${restored.kept === undefined ? '' : `The old file is kept as ${restored.kept}.\n`}
Revocations recorded after the backup are lost. Unless that does not matter, start the origin and send
POST /admin/realms/REALM/logout-all for each realm: that refuses every token issued until then.
`
}

function wholeNumber(given: string | undefined): number | undefined {
  if (given === undefined) return undefined
  if (!/^\d{1,6}$/.test(given)) throw new UsageError('--incarnation must be a whole number')
  return Number(given)
}
