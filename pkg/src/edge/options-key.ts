import type { AnyGateOptions, RealmResolver } from '../types.ts'

/** Maximum depth; deeper values get no key. Options nest six levels: gate, realms, realm, `jwks`, `keys`, key. */
const MAX_DEPTH = 8

/**
 * Serializes a gate's options without `fetch` and `onReport`, so that equal strings mean equal options. Many times
 * faster than checking the options. Returns a string, because the caller may change the objects later, or `undefined`
 * if the options contain more than plain data and URLs. `numberOf`: a number for each function as `realms`.
 */
export function optionsKey(options: AnyGateOptions, numberOf: (realms: RealmResolver) => number): string | undefined {
  const { fetch, onReport, ...values } = options
  const areFunctions = [fetch, onReport].every((each) => each === undefined || typeof each === 'function')
  if (!areFunctions || !isPlain(options)) return undefined
  const { realms, ...plain } = values
  if (typeof realms !== 'function') return serialize(values, 0)
  const text = serialize(plain, 0)
  return text === undefined ? undefined : `${numberOf(realms)} ${text}`
}

/** Serializes a value. Strings and names are preceded by their length, so that no content can end them early. */
function serialize(value: unknown, depth: number): string | undefined {
  if (typeof value === 'string') return `"${value.length}:${value}`
  if (typeof value !== 'object')
    return typeof value === 'function' || typeof value === 'symbol' ? undefined : `${typeof value} ${String(value)};`
  if (value === null) return 'null;'
  if (depth === MAX_DEPTH) return undefined
  if (value instanceof URL && Object.getPrototypeOf(value) === URL.prototype)
    return `/${value.href.length}:${value.href}`
  const isArray = Array.isArray(value) && Object.getPrototypeOf(value) === Array.prototype
  if (!isArray && !isPlain(value)) return undefined
  const names = Object.keys(value)
  let text = `${isArray ? '[' : '{'}${names.length}:`
  for (const name of names) {
    const member = serialize((value as Record<string, unknown>)[name], depth + 1)
    if (member === undefined) return undefined
    text += `${name.length}:${name}${member}`
  }
  return text
}

/** Returns whether an object inherits no options. */
function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}
