import type { JsonSchema, Rule, RuleParts, Rules, SchemaName } from './options.ts'

/**
 * Returns the JSON Schema of a rule; `undefined` if the value is code, which JSON cannot express. Separate from the
 * rules, so that pages and edge workers do not include it.
 */
export function schemaOf({ schema, parts, fallback, description }: Rule): JsonSchema | undefined {
  const own = parts !== undefined ? schemaOfParts(parts) : typeof schema === 'string' ? SCHEMAS[schema] : schema
  if (own === undefined) return undefined
  return {
    ...own,
    ...(fallback === undefined ? {} : { default: fallback }),
    ...(description === undefined ? {} : { description }),
  }
}

/** Returns the JSON Schema of an object with these rules, without options that are code. */
export function objectSchema(rules: Rules): JsonSchema {
  const shown = Object.entries(rules).flatMap(([name, rule]) => {
    const schema = schemaOf(rule)
    return schema === undefined ? [] : [{ name, need: rule.need, schema }]
  })
  const needed = shown.filter(({ need }) => need === 'required').map(({ name }) => name)
  return {
    type: 'object',
    additionalProperties: false,
    properties: Object.fromEntries(shown.map(({ name, schema }) => [name, schema])),
    ...(needed.length === 0 ? {} : { required: needed }),
  }
}

const SCHEMAS: Readonly<Record<SchemaName, JsonSchema>> = {
  string: { type: 'string', minLength: 1 },
  boolean: { type: 'boolean' },
  url: { type: 'string', format: 'uri', pattern: '^https?://' },
  webOrigin: { type: 'string', pattern: '^https?://[^/]+$' },
  object: { type: 'object' },
}

function schemaOfParts(parts: RuleParts): JsonSchema | undefined {
  if ('shape' in parts) return objectSchema(parts.shape)
  if ('list' in parts) {
    const items = schemaOf(parts.list)
    if (items === undefined) return undefined
    return {
      type: 'array',
      items,
      ...(parts.least > 0 ? { minItems: parts.least } : {}),
      ...(parts.most === undefined ? {} : { maxItems: parts.most }),
    }
  }
  if ('most' in parts)
    return { type: 'integer', minimum: parts.least, maximum: Math.min(parts.most, Number.MAX_SAFE_INTEGER) }
  if ('number' in parts) return { type: 'number', minimum: parts.number.least, maximum: parts.number.most }
  const schemas = parts.anyOf.flatMap((rule) => schemaOf(rule) ?? [])
  return schemas.length === 0 ? undefined : { anyOf: schemas }
}
