import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { configurationSchema } from './configuration-schema.ts'
import { withMethods } from './gate-methods.ts'
import { withTables } from './option-tables.ts'

/** A file that is made from declarations, wholly or in part. */
export interface Generated {
  path: string
  content: string
}

export function generated(): Generated[] {
  const [schema, readme, methods] = [
    inPackage('portcullis.schema.json'),
    inPackage('README.md'),
    inPackage('../www/docs/gate-methods.md'),
  ]
  return [
    { path: schema, content: `${JSON.stringify(configurationSchema(), null, 2)}\n` },
    { path: readme, content: withTables(readFileSync(readme, 'utf8')) },
    { path: methods, content: withMethods(readFileSync(methods, 'utf8')) },
  ]
}

function inPackage(name: string): string {
  return fileURLToPath(new URL(`../../${name}`, import.meta.url))
}
