import { PortcullisError } from './errors.ts'

/** What one option must be. `expected` completes the sentence "must be …". */
export interface Rule {
  readonly expected: string
  readonly need: 'required' | 'optional'
  /** Throws `invalid_option` naming `name`; the value itself is never repeated, for it may be a secret. */
  readonly check: (value: unknown, name: string) => void
}

export type Rules = Readonly<Record<string, Rule>>

/**
 * Checks a set of options by its rules. Throws `invalid_option` for the first that is unknown, missing or wrong;
 * `undefined` counts as left out.
 */
export function checkOptions(value: unknown, rules: Rules, name = 'options'): void {
  if (!isObject(value)) throw invalid(`${name} must be an object`)
  for (const option of Object.keys(value)) {
    if (!Object.hasOwn(rules, option)) throw unknown(option, Object.keys(rules), name)
  }
  for (const [option, rule] of Object.entries(rules)) {
    const given = value[option]
    if (given !== undefined) rule.check(given, `${name}.${option}`)
    else if (rule.need === 'required') throw invalid(`${name}.${option} is missing: it must be ${rule.expected}`)
  }
}

/** The longest delay a timer keeps: `setTimeout` takes a signed 32-bit number of milliseconds (WHATWG HTML §8.7). */
export const MAX_TIMER_MS = 2_147_483_647
/** Unknown names longer than this are not repeated in full. */
const MAX_NAME_CHARACTERS = 40

export const text: Rule = rule('a text that is not empty', (value) => typeof value === 'string' && value !== '')
export const callback: Rule = rule('a function', (value) => typeof value === 'function')
export const boolean: Rule = rule('true or false', (value) => typeof value === 'boolean')
export const seconds: Rule = integer('whole seconds')
export const milliseconds: Rule = integer('whole milliseconds', 0, MAX_TIMER_MS)
/** An absolute http: or https: URL without a user name or password, as text or URL object. */
export const url: Rule = rule('an http: or https: URL without user name or password', (value) => {
  const parsed = value instanceof URL ? value : typeof value === 'string' ? parseUrl(value) : undefined
  return parsed !== undefined && /^https?:$/.test(parsed.protocol) && parsed.username === '' && parsed.password === ''
})
/** A web origin in its serialised form (RFC 6454 §6.2), which is what browsers send. */
export const webOrigin: Rule = rule("an origin such as 'https://app.example'", (value) => {
  return typeof value === 'string' && value !== 'null' && parseUrl(value)?.origin === value
})
/** An object whose members are somebody else's to check. */
export const opaque: Rule = rule('an object', isObject)

/** A rule from a test. */
export function rule(expected: string, test: (value: unknown) => boolean): Rule {
  return {
    expected,
    need: 'optional',
    check(value, name) {
      if (!test(value)) throw invalid(`${name} must be ${expected}`)
    },
  }
}

/** The same rule for an option that cannot be left out. */
export function required(rule: Rule): Rule {
  return { ...rule, need: 'required' }
}

/** A whole number, finite and in range. */
export function integer(unit: string, least = 0, most: number = Number.MAX_SAFE_INTEGER): Rule {
  const range = most === Number.MAX_SAFE_INTEGER ? `${least} or more` : `${least} to ${most}`
  return rule(`a number of ${unit}, ${range}`, (value) => Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most)
}

export function oneOf(...words: string[]): Rule {
  return rule(words.map((word) => `'${word}'`).join(' or '), (value) => typeof value === 'string' && words.includes(value))
}

/** An array; every member obeys the rule. */
export function list(member: Rule, least = 0): Rule {
  const expected = `an array${least > 0 ? ' that is not empty' : ''}, each member ${member.expected}`
  return {
    expected,
    need: 'optional',
    check(value, name) {
      if (!Array.isArray(value) || value.length < least) throw invalid(`${name} must be ${expected}`)
      value.forEach((each, index) => member.check(each, `${name}[${index}]`))
    },
  }
}

/** An object with rules of its own. */
export function shape(rules: Rules): Rule {
  return { expected: 'an object', need: 'optional', check: (value, name) => checkOptions(value, rules, name) }
}

/** Any one of several rules. */
export function either(...rules: Rule[]): Rule {
  const expected = rules.map((each) => each.expected).join(', or ')
  return rule(expected, (value) =>
    rules.some((each) => {
      try {
        each.check(value, '')
        return true
      } catch {
        return false
      }
    }),
  )
}

/** Without the options that are there but `undefined`: those have their default. */
export function given<T extends object>(options: T): T {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as T
}

/** The error for an option; the message must not hold its value. */
export function invalid(message: string): PortcullisError {
  return new PortcullisError('invalid_option', message)
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function parseUrl(value: string): URL | undefined {
  try {
    return new URL(value)
  } catch {
    return undefined
  }
}

function unknown(option: string, known: string[], name: string): PortcullisError {
  const shown = option.length > MAX_NAME_CHARACTERS ? `${option.slice(0, MAX_NAME_CHARACTERS)}…` : option
  const nearest = known.map((each) => ({ each, far: distance(shown, each) })).sort((a, b) => a.far - b.far)[0]
  const close = nearest !== undefined && nearest.far <= Math.max(2, Math.floor(nearest.each.length / 2))
  const hint = close ? `did you mean '${nearest.each}'?` : `known are ${known.join(', ')}`
  return invalid(`${name} has an unknown option '${shown}'; ${hint}`)
}

/** Levenshtein distance without regard to case; a name without its unit is near. */
function distance(from: string, to: string): number {
  const [a, b] = [from.toLowerCase(), to.toLowerCase()]
  if (a.length > 3 && b.startsWith(a)) return 1
  let row = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const swap = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(swap, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[b.length] ?? 0
}
