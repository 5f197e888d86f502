import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { backUp } from '../../origin/store/sqlite/backup.ts'
import { openDatabase } from '../../origin/store/sqlite/index.ts'
import type { Command } from '../command.ts'
import { CONFIG_OPTION, type Configuration, loadConfiguration } from '../configuration.ts'
import { UsageError } from '../usage.ts'

export const backup: Command = {
  name: 'backup',
  summary: 'copy the store while an origin runs',
  help: 'Writes one consistent file, which must not exist yet. It contains everything in the store: keep it equally safe.',
  options: { config: CONFIG_OPTION },
  positionals: ['COPY'],
  example: `Example:

  $ portcullis backup /var/backups/portcullis-monday.db`,
  run: async ({ values, environment, positionals: [copy = ''] }) =>
    copyStore(loadConfiguration(values, environment), copy),
}

/** Copies the store's file, even while an origin uses it. */
async function copyStore({ store }: Configuration, copy: string): Promise<string> {
  if (!existsSync(store.path)) throw new UsageError(`${store.path}: the store does not exist yet`)
  const { path, ...driver } = store
  const database = openDatabase(path, driver)
  try {
    await backUp(database, copy)
  } finally {
    database.close()
  }
  return `${resolve(copy)} contains everything in ${path}: keep it equally safe.\n`
}
