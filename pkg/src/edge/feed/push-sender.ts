import { bearerToken } from '../../http/bearer.ts'
import type { FeedSubscriber } from './subscriber.ts'

/**
 * Returns the feeds of the realms whose secret (`feed.acknowledge.secret`) a push presents. Origin and gate share one
 * secret per edge: the gate sends it with its acknowledgements, the origin with its pushes to this edge.
 */
export function provenFeeds<Feed extends Pick<FeedSubscriber, 'settings'>>(
  feeds: readonly Feed[],
  headers: Headers,
): readonly Feed[] {
  const presented = bearerToken(headers)
  if (presented.kind !== 'token' || presented.token === '') return []
  const given = new TextEncoder().encode(presented.token)
  return feeds.filter(
    ({ settings }) =>
      settings.acknowledge !== undefined && areEqual(given, new TextEncoder().encode(settings.acknowledge.secret)),
  )
}

/** Compares in constant time. */
function areEqual(given: Uint8Array, expected: Uint8Array): boolean {
  let difference = given.length ^ expected.length
  for (let index = 0; index < given.length; index += 1) difference |= (given[index] ?? 0) ^ (expected[index] ?? 0)
  return difference === 0
}
