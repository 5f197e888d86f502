import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { configurationSchema } from './configuration-schema.ts'
import { withMethods } from './gate-methods.ts'
import { withTables } from './option-tables.ts'

/** A file that is generated from declarations, entirely or in part. */
interface Generated {
  path: string
  content: string
}

export function generated(): Generated[] {
  const [schema, methods] = [inPackage('portcullis.schema.json'), inPackage('../www/docs/gate-methods.md')]
  const reference = inPackage('../www/docs/reference/')
  const pages = readdirSync(reference).map((name) => `${reference}${name}`)
  const tables = withTables(pages.map((path) => readFileSync(path, 'utf8')))
  return [
    { path: schema, content: `${JSON.stringify(configurationSchema(), null, 2)}\n` },
    ...pages.map((path, index) => ({ path, content: tables[index] ?? '' })),
    { path: methods, content: withMethods(readFileSync(methods, 'utf8')) },
  ]
}

function inPackage(name: string): string {
  return fileURLToPath(new URL(`../../${name}`, import.meta.url))
}
