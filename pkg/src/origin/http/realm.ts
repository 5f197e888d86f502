import type { RealmFeed } from '../feed/realm-feed.ts'
import type { IssuerAdministration } from '../options.ts'
import { Problem } from './problem.ts'
import type { Call } from './route.ts'

/** Returns the feed of the realm in the path. Throws a `Problem` (404). */
export function feedOf({ context, parameter }: Call): RealmFeed {
  const feed = context.feeds.get(parameter('realm'))
  if (feed === undefined) throw new Problem(404, 'not_found', 'unknown realm')
  return feed
}

/**
 * Returns the administration of the realm in the path, if its issuer runs beside the origin. Throws a `Problem` (404).
 */
export function administrationOf({ context, parameter }: Call): IssuerAdministration {
  const issuer = context.settings.realms.find(({ name }) => name === parameter('realm'))?.administration
  if (issuer === undefined) throw notAdministered()
  return issuer
}

export function notAdministered(): Problem {
  return new Problem(404, 'not_found', "this realm's issuer is not managed here: use its own administration")
}
