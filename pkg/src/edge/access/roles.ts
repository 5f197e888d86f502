import { isObject } from '../../options.ts'
import type { Claims, RoleOption } from '../../types.ts'

/** Returns whether claims have the required roles. */
export type RoleTest = (claims: Claims) => boolean

/** Returns the test for a validated option. */
export function roleTest(option: RoleOption): RoleTest {
  const needed = [...(Array.isArray(option) ? option : option.all)]
  const path = pathOf(option)
  return (claims) => {
    const held = rolesAt(claims, path)
    return needed.every((role) => held.includes(role))
  }
}

function pathOf(option: RoleOption): readonly string[] {
  if (Array.isArray(option)) return ['realm_access', 'roles']
  if ('client' in option) return ['resource_access', option.client, 'roles']
  return typeof option.path === 'string' ? option.path.split('.') : [...option.path]
}

/**
 * Returns the strings of a list, or a single string as a list. A list with other values grants nothing, as in
 * `grantsScopes`.
 */
function rolesAt(claims: Claims, path: readonly string[]): readonly string[] {
  let value: unknown = claims
  for (const name of path) {
    // Every object inherits `constructor` and other members, but only those of the token count.
    if (!isObject(value) || !Object.hasOwn(value, name)) return []
    value = value[name]
  }
  if (typeof value === 'string') return [value]
  return Array.isArray(value) && value.every((item) => typeof item === 'string') ? value : []
}
