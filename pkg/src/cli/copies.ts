import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { backUp } from '../origin/store/sqlite/backup.ts'
import { openDatabase, restoreSqlite } from '../origin/store/sqlite/index.ts'
import type { Configuration } from './configuration.ts'
import { UsageError } from './usage.ts'

/** Copies the store's file while an origin may be running on it. */
export async function backup({ store }: Configuration, copy: string): Promise<string> {
  if (!existsSync(store.path)) throw new UsageError(`${store.path}: there is no store yet`)
  const { path, ...driver } = store
  const database = openDatabase(path, driver)
  try {
    await backUp(database, copy)
  } finally {
    database.close()
  }
  return `${resolve(copy)} holds all of ${path}: keep it as safe.\n`
}

/** Puts a copy in the place of the store's file. */
export async function restore(
  { store }: Configuration,
  copy: string,
  incarnation: number | undefined,
): Promise<string> {
  const restored = await restoreSqlite({
    ...store,
    backup: copy,
    ...(incarnation === undefined ? {} : { incarnation }),
  })
  const realms = restored.realms.join(', ')
  return `${store.path} is restored as incarnation ${restored.incarnation}, with the realms ${realms}.
${restored.kept === undefined ? '' : `The old file is kept as ${restored.kept}.\n`}
What was revoked after the backup was made is no longer revoked. Unless that does not matter, start the origin and send
POST /admin/realms/REALM/logout-all for each realm: that refuses every token issued until then.
`
}
