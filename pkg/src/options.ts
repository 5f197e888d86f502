import { PortcullisError } from './errors.ts'

/** A JSON Schema (2020-12). */
export type JsonSchema = Readonly<Record<string, unknown>>

/**
 * The rule of one option, declared once. The check, the message and (in `option-schema.ts`) the JSON Schema are derived
 * from it.
 */
export interface Rule<T = unknown> {
  /** Completes the sentence "must be …". */
  readonly expected: string
  /** Absent: the option is optional. */
  readonly need?: 'required'
  /**
   * As much of the rule as JSON Schema can express, or its name in `option-schema.ts`. Without this and `parts`, the
   * value is code.
   */
  readonly schema?: JsonSchema | SchemaName | undefined
  /** The rules of the members. */
  readonly parts?: RuleParts
  /** The description in the schema. */
  readonly description?: string
  /** The value of an absent option. */
  readonly fallback?: T
  /** Throws `invalid_option` naming `name`. The message never contains the value, which may be a secret. */
  readonly check: (value: unknown, name: string) => void
}

export type Rules = Readonly<Record<string, Rule>>

/** Schemas defined in `option-schema.ts`, so that pages and edge workers do not include them. */
export type SchemaName = 'string' | 'boolean' | 'url' | 'webOrigin' | 'object'

export type RuleParts =
  | { readonly list: Rule; readonly least: number; readonly most?: number }
  | { readonly shape: Rules }
  | { readonly anyOf: readonly Rule[] }
  | { readonly least: number; readonly most: number }
  | { readonly number: { readonly least: number; readonly most: number } }

/** The options that have a default, and their types. */
type Defaults<R extends Rules> = {
  [K in keyof R as R[K] extends { readonly fallback: unknown } ? K : never]: Fallback<R[K]>
}

/** The type of an object that conforms to the rules. */
export type Checked<R extends Rules> = { [K in keyof R as R[K] extends RequiredRule ? K : never]: Value<R[K]> } & {
  [K in keyof R as R[K] extends RequiredRule ? never : K]?: Value<R[K]>
}

type RequiredRule = { readonly need: 'required' }
type Value<R> = R extends Rule<infer T> ? T : never
type Fallback<R> = R extends { readonly fallback: infer T } ? T : never

/**
 * Validates a set of options against its rules. Throws `invalid_option` for the first one that is unknown, missing or
 * wrong; `undefined` counts as absent.
 */
export function checkOptions(value: unknown, rules: Rules, name = 'options'): void {
  if (!isObject(value)) throw invalid(`${name} must be an object`)
  for (const option of Object.keys(value)) {
    if (!Object.hasOwn(rules, option)) throw unknown(option, Object.keys(rules), name)
  }
  for (const [option, rule] of Object.entries(rules)) {
    const [given, path] = [value[option], `${name}.${option}`]
    if (given !== undefined) rule.check(given, path)
    else if (rule.need) throw invalid(`${path} is missing: it must be ${rule.expected}`)
  }
}

/** The longest delay of a timer: `setTimeout` takes a signed 32-bit number of milliseconds (WHATWG HTML §8.7). */
export const MAX_TIMER_MS = 2_147_483_647
/** Longer unknown names are truncated in messages. */
const MAX_NAME_CHARACTERS = 40

/** A non-empty string. */
export const string: Rule<string> = /* @__PURE__ */ rule(
  'a non-empty string',
  (value) => typeof value === 'string' && value !== '',
  'string',
)
/** A string, possibly empty. */
export const anyString: Rule<string> = /* @__PURE__ */ rule('a string', (value) => typeof value === 'string', {
  type: 'string',
})
export const callback: Rule<never> = /* @__PURE__ */ rule('a function', (value) => typeof value === 'function')
export const boolean: Rule<boolean> = /* @__PURE__ */ rule(
  'true or false',
  (value) => typeof value === 'boolean',
  'boolean',
)
export const seconds: Rule<number> = /* @__PURE__ */ integer('whole seconds')
export const milliseconds: Rule<number> = /* @__PURE__ */ integer('whole milliseconds', 0, MAX_TIMER_MS)
/** The time limit of a request; 0 is not allowed, because the request would end before it started. */
export const timeout: Rule<number> = /* @__PURE__ */ integer('whole milliseconds', 1, MAX_TIMER_MS)
/** An absolute http: or https: URL without a user name or password, as a string or URL object. */
export const url: Rule<string> = /* @__PURE__ */ rule(
  'an http: or https: URL without a user name or password',
  (value) => {
    const parsed = value instanceof URL || typeof value === 'string' ? parseUrl(value) : undefined
    return parsed !== undefined && /^https?:$/.test(parsed.protocol) && parsed.username + parsed.password === ''
  },
  'url',
)
/** A serialized web origin (RFC 6454 §6.2), as browsers send it. */
export const webOrigin: Rule<string> = /* @__PURE__ */ rule(
  "an origin such as 'https://app.example'",
  (value) => typeof value === 'string' && parseUrl(value)?.origin === value,
  'webOrigin',
)
/** An object whose members are checked elsewhere. */
export const opaque: Rule<Record<string, unknown>> = /* @__PURE__ */ rule('an object', isObject, 'object')

/** Returns a rule made of a test, with as much of it as JSON Schema can express. */
export function rule<T = never>(
  expected: string,
  test: (value: unknown) => boolean,
  schema?: JsonSchema | SchemaName,
): Rule<T> {
  return {
    expected,
    schema,
    check(value, name) {
      if (!test(value)) throw invalid(`${name} must be ${expected}`)
    },
  }
}

/** Returns the same rule for an option that is required. */
export function required<T>(rule: Rule<T>): Rule<T> & RequiredRule {
  return { ...rule, need: 'required' }
}

/** Returns the same rule for an option with a default. */
export function withDefault<T, D extends T>(rule: Rule<T>, fallback: D): Rule<T> & { readonly fallback: T } {
  return { ...rule, fallback }
}

/** Returns the same rule with a description in its schema. */
export function described<T, R extends Rule<T>>(rule: R, description: string): R {
  return { ...rule, description }
}

/** Returns the defaults of the rules that have one. */
export function defaultsOf<R extends Rules>(rules: R): Defaults<R> {
  const found = Object.entries(rules).filter(([, rule]) => rule.fallback !== undefined)
  return Object.fromEntries(found.map(([name, rule]) => [name, rule.fallback])) as Defaults<R>
}

/** Returns the rule for a string that matches a form. */
export function pattern(expected: string, form: RegExp): Rule<string> {
  return rule(expected, (value) => typeof value === 'string' && form.test(value), {
    type: 'string',
    pattern: form.source,
  })
}

/** Returns the rule for a finite whole number in a range. */
export function integer(unit: string, least = 0, most: number = Infinity): Rule<number> {
  const range = most === Infinity ? `${least} or more` : `${least} to ${most}`
  const test = (value: unknown): boolean =>
    Number.isSafeInteger(value) && least <= (value as number) && (value as number) <= most
  return { ...rule(`a number of ${unit}, ${range}`, test), parts: { least, most } }
}

/** Returns the rule for a number in a range, fractions included. */
export function number(least: number, most: number): Rule<number> {
  const test = (value: unknown): boolean => typeof value === 'number' && least <= value && value <= most
  return { ...rule(`a number, ${least} to ${most}`, test), parts: { number: { least, most } } }
}

export function oneOf<const W extends string>(...words: W[]): Rule<W> {
  return rule(words.map((word) => `'${word}'`).join(' or '), (value) => words.some((word) => word === value), {
    enum: words,
  })
}

/** Returns the rule for an array whose members conform to a rule. */
export function list<T>(member: Rule<T>, least = 0): Rule<T[]> {
  const expected = `${least > 0 ? 'a non-empty array' : 'an array'}, each member ${member.expected}`
  return {
    expected,
    parts: { list: member, least },
    check(value, name) {
      if (!Array.isArray(value) || value.length < least) throw invalid(`${name} must be ${expected}`)
      value.forEach((each, index) => member.check(each, `${name}[${index}]`))
    },
  }
}

/** Returns the same rule with a maximum length. */
export function boundedList<T>(member: Rule<T>, least: number, most: number): Rule<T[]> {
  const expected = `an array of ${least} to ${most} members, each ${member.expected}`
  return {
    expected,
    parts: { list: member, least, most },
    check(value, name) {
      if (!Array.isArray(value) || value.length < least || value.length > most)
        throw invalid(`${name} must be ${expected}`)
      value.forEach((each, index) => member.check(each, `${name}[${index}]`))
    },
  }
}

/** Returns the rule for an object with rules for its members. */
export function shape<R extends Rules>(rules: R): Rule<Checked<R>> {
  return { expected: 'an object', parts: { shape: rules }, check: (value, name) => checkOptions(value, rules, name) }
}

/** Returns the rule for a value that conforms to any of several rules. */
export function either<R extends Rule[]>(...rules: R): Rule<Value<R[number]>> {
  const expected = rules.map((each) => each.expected).join(', or ')
  const test = (value: unknown): boolean =>
    rules.some((each) => {
      try {
        each.check(value, '')
        return true
      } catch {
        return false
      }
    })
  return { ...rule(expected, test), parts: { anyOf: rules } }
}

/** Returns the options without those set to `undefined`, to which the defaults apply. */
export function given<T extends object>(options: T): T {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as T
}

/** Returns the error for an option. The message must not contain its value. */
export function invalid(message: string): PortcullisError {
  return new PortcullisError('invalid_option', message)
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function parseUrl(value: URL | string): URL | undefined {
  try {
    return new URL(value)
  } catch {
    return undefined
  }
}

function unknown(option: string, known: string[], name: string): PortcullisError {
  const shown = option.slice(0, MAX_NAME_CHARACTERS)
  const [nearest = ''] = [...known].sort((a, b) => distance(shown, a) - distance(shown, b))
  const hint =
    distance(shown, nearest) <= nearest.length / 2 ? `did you mean '${nearest}'?` : `known are ${known.join(', ')}`
  return invalid(`${name} has an unknown option '${shown}'; ${hint}`)
}

/** Returns the Levenshtein distance, ignoring case. A name that only lacks the unit counts as near. */
function distance(from: string, to: string): number {
  const [a, b] = [from.toLowerCase(), to.toLowerCase()]
  if (a.length > 3 && b.startsWith(a)) return 1
  let row = [...b, ''].map((_, column) => column)
  for (const character of a) {
    const next: number[] = []
    for (const [column, above] of row.entries()) {
      const [left = Infinity, diagonal = Infinity] = [next[column - 1], row[column - 1]]
      next.push(Math.min(above + 1, left + 1, diagonal + (character === b[column - 1] ? 0 : 1)))
    }
    row = next
  }
  return row.at(-1) ?? 0
}
