import { CONFIGURATION_RULES, SHAPES } from '../cli/configuration.ts'
import { objectSchema } from '../option-schema.ts'
import { isObject, type JsonSchema, type Rules } from '../options.ts'
import { CLAIM_NAME_RULES } from '../policy.ts'
import { checkDocs, type OptionDoc, readInterface } from './tsdoc.ts'

/** Returns the JSON Schema of `portcullis.json`: the rules of the options with the TSDoc of each. */
export function configurationSchema(): JsonSchema {
  const schema = describe(CONFIGURATION_RULES, CONFIGURATION_DOCS, 'options')
  const inner = Object.entries(SHAPES).map(
    ([name, rules]) => [name, describe(rules, SHAPE_DOCS[name as keyof typeof SHAPES], name)] as const,
  )
  const properties = Object.fromEntries(
    Object.entries(schema.properties).map(([name, property]) => {
      const found = inner.find(([each]) => each === name)?.[1]
      if (found === undefined) return [name, property]
      return [name, property['type'] === 'array' ? { ...property, items: found } : { ...property, ...found }]
    }),
  )
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Portcullis origin',
    description: "The configuration of 'portcullis serve', portcullis.json.",
    ...schema,
    properties: {
      $schema: { type: 'string', description: 'The URL or path of this schema, for editors.' },
      ...properties,
    },
  }
}

type Docs = ReadonlyMap<string, OptionDoc>

/** If several sources describe an option, the last one applies: it describes the configuration. */
const CONFIGURATION_DOCS: Docs = new Map([
  ...readInterface('origin/options.ts', 'OriginOptions'),
  ...readInterface('cli/configuration.ts', 'ConfigurationFile'),
])

const SHAPE_DOCS: Readonly<Record<keyof typeof SHAPES, Docs>> = {
  listen: new Map([
    ...readInterface('origin/node/index.ts', 'ServeOptions'),
    ...readInterface('cli/configuration.ts', 'ListenFile'),
  ]),
  store: new Map([
    ...readInterface('origin/store/sqlite/index.ts', 'SqliteStoreOptions'),
    ...readInterface('cli/configuration.ts', 'StoreFile'),
  ]),
  realms: new Map([
    ...readInterface('types/realm.ts', 'TokenOptions'),
    ...readInterface('origin/options.ts', 'OriginRealm'),
    ...readInterface('cli/configuration.ts', 'RealmFile'),
  ]),
  clients: readInterface('origin/options.ts', 'ClientOptions'),
  edges: readInterface('origin/options.ts', 'EdgeOptions'),
  connectors: new Map([
    ...readInterface('origin/connectors/keycloak/options.ts', 'KeycloakOptions'),
    ...readInterface('cli/configuration.ts', 'ConnectorFile'),
  ]),
}

type Described = JsonSchema & { properties: Record<string, JsonSchema> }

function describe(rules: Rules, docs: Docs, where: string): Described {
  checkDocs(docs, rules, where)
  const schema = objectSchema(rules) as Described
  const properties = Object.entries(schema.properties).map(([name, property]) => {
    const inner =
      name === 'claimNames' ? describe(CLAIM_NAME_RULES, readInterface('types/realm.ts', 'ClaimNames'), name) : property
    const { default: fallback, ...rest } = inner
    return [
      name,
      { ...rest, description: textOf(docs.get(name)), ...(isUseful(fallback) ? { default: fallback } : {}) },
    ]
  })
  return { ...schema, properties: Object.fromEntries(properties) as Record<string, JsonSchema> }
}

function textOf(doc: OptionDoc | undefined): string {
  if (doc === undefined) return ''
  return doc.default !== undefined && 'words' in doc.default
    ? `${doc.description} Default: ${doc.default.words}.`
    : doc.description
}

/** Whether to state a default. An empty list says less than the words of the comment. */
function isUseful(fallback: unknown): boolean {
  return fallback !== undefined && !(Array.isArray(fallback) && fallback.length === 0) && !isObject(fallback)
}
