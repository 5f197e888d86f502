import { bearerToken } from '../../http/bearer.ts'
import type { Realm } from '../realm.ts'

/**
 * The realms whose secret (`feed.acknowledge.secret`) a push shows. Origin and gate share it already, one for each edge:
 * the gate shows it with its acknowledgements, the origin with its pushes to this edge.
 */
export function provenRealms(realms: readonly Realm[], headers: Headers): readonly Realm[] {
  const presented = bearerToken(headers)
  if (presented.kind === 'nothing' || presented.token === '') return []
  const given = new TextEncoder().encode(presented.token)
  return realms.filter(({ settings }) => {
    const secret = settings.feed.acknowledge?.secret
    return secret !== undefined && areSame(given, new TextEncoder().encode(secret))
  })
}

/** In a time that does not say where they differ. */
function areSame(given: Uint8Array, expected: Uint8Array): boolean {
  let difference = given.length ^ expected.length
  for (let index = 0; index < given.length; index += 1) difference |= (given[index] ?? 0) ^ (expected[index] ?? 0)
  return difference === 0
}
