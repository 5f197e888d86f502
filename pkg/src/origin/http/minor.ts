import { formFor, type Minor, NEWEST_MINOR } from '../core/minor.ts'
import { wholeNumber } from './input.ts'
import type { QueryParameter } from './operation.ts'
import type { Call } from './route.ts'

/**
 * The query parameter of every request to a feed. It alone selects the form, and no header does: caches and relays
 * store responses by URL.
 */
export const MINOR_PARAMETER: Readonly<Record<string, QueryParameter>> = {
  minor: {
    description: `The minor version of the wire format that the reader knows; default 0. Above ${NEWEST_MINOR} the form is that of ${NEWEST_MINOR}.`,
    schema: { type: 'integer', minimum: 0 },
  },
}

/** The form for the reader. Throws a `Problem` (400). */
export function minorOf({ url }: Pick<Call, 'url'>): Minor {
  return formFor(statedMinor({ url }) ?? 0)
}

/**
 * The minor version as the reader states it; `undefined`: it does not. Throws a `Problem` (400) unless it is a whole
 * number, stated once.
 */
export function statedMinor({ url }: Pick<Call, 'url'>): number | undefined {
  return wholeNumber(url, 'minor')
}
