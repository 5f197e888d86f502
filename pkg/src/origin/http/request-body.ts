import { PortcullisError } from '../../errors.ts'
import { objectSchema } from '../../option-schema.ts'
import { type Checked, type JsonSchema, type Rule, rule, type Rules } from '../../options.ts'
import { isName, MAX_NAME_BYTES } from '../core/name.ts'
import { invalidRequest, jsonBody, optionalJsonBody } from './input.ts'
import type { RequestBody } from './operation.ts'
import type { Call } from './route.ts'

/** A body declared by the rules of its members; the check, its message and the OpenAPI schema follow from them. */
interface DeclaredBody<R extends Rules = Rules> extends RequestBody {
  readonly rules: R
}

/** Declares a JSON object with exactly these members. `optional`: an empty body is an object without members. */
export function jsonRequest<R extends Rules>(rules: R, need: 'required' | 'optional' = 'required'): DeclaredBody<R> {
  return { type: 'application/json', need, rules, schema: objectSchema(rules) }
}

/** Declares a form (RFC 6749 §3.2). Other members are ignored. */
export function formRequest<R extends Rules>(rules: R): DeclaredBody<R> {
  // No parameter may be given twice.
  const schema = { ...objectSchema(rules), additionalProperties: { type: 'string' } }
  return { type: 'application/x-www-form-urlencoded', need: 'required', rules, schema }
}

/**
 * Reads and checks a JSON body. Throws a `Problem` (400) naming the member, and `too_large` etc. as `readBody` does.
 */
export async function readJson<R extends Rules>(call: Call, body: DeclaredBody<R>): Promise<Checked<R>> {
  return checkMembers(body.rules, await readMembers(call, body, Object.keys(body.rules)))
}

/** Reads a JSON body with only these members, unchecked. */
export function readMembers(
  { request, context }: Call,
  { need }: RequestBody,
  members: readonly string[],
): Promise<Record<string, unknown>> {
  const read = need === 'optional' ? optionalJsonBody : jsonBody
  return read(request, context.settings.maxBodyBytes, members)
}

/** Checks members by their rules. Throws a `Problem` (400) naming the first invalid one. */
export function checkMembers<R extends Rules>(rules: R, members: Readonly<Record<string, unknown>>): Checked<R> {
  for (const [name, { need, expected, check }] of Object.entries(rules)) {
    const value = members[name]
    if (value === undefined && need === 'required') throw invalidRequest(`${name} is missing: it must be ${expected}`)
    if (value !== undefined) asProblem(() => check(value, name))
  }
  return members as Checked<R>
}

/** The rule for the name of a user, session or client. JSON Schema cannot count bytes. */
export const nameRule: Rule<string> = rule(`a string of 1 to ${MAX_NAME_BYTES} bytes of UTF-8`, isName, {
  type: 'string',
  minLength: 1,
  maxLength: MAX_NAME_BYTES,
  description: `1 to ${MAX_NAME_BYTES} bytes of UTF-8, control characters included.`,
})

/** Returns the rule for a whole number that JavaScript represents exactly. */
export function whole(least: number, description?: string): Rule<number> {
  const schema: JsonSchema = { type: 'integer', minimum: least, maximum: Number.MAX_SAFE_INTEGER }
  return rule(
    `a whole number, ${least} or more`,
    (value) => Number.isSafeInteger(value) && Number(value) >= least,
    description === undefined ? schema : { ...schema, description },
  )
}

/**
 * Returns the rule for a not-before. It declares no maximum, because which times are too far ahead depends on the
 * clock.
 */
export function notBeforeRule(description: string): Rule<number> {
  return { ...whole(1), schema: { type: 'integer', minimum: 1, description } }
}

function asProblem(check: () => void): void {
  try {
    check()
  } catch (error) {
    throw error instanceof PortcullisError ? invalidRequest(error.message) : error
  }
}
