import { formFor, type Minor, NEWEST_MINOR } from '../core/minor.ts'
import { wholeNumber } from './input.ts'
import type { QueryParameter } from './operation.ts'
import type { Call } from './route.ts'

/**
 * The query parameter of every feed request. It alone selects the form; no header does, because caches and relays store
 * responses by URL.
 */
export const MINOR_PARAMETER: Readonly<Record<string, QueryParameter>> = {
  minor: {
    description: `The minor version of the wire format that the reader supports; default 0. Above ${NEWEST_MINOR} the reader gets the form of ${NEWEST_MINOR}.`,
    schema: { type: 'integer', minimum: 0 },
  },
}

/** Returns the form for the reader. Throws a `Problem` (400). */
export function minorOf({ url }: Pick<Call, 'url'>): Minor {
  return formFor(statedMinor({ url }) ?? 0)
}

/**
 * Returns the minor version that the reader states; `undefined` if it states none. Throws a `Problem` (400) unless it
 * is a whole number, stated once.
 */
export function statedMinor({ url }: Pick<Call, 'url'>): number | undefined {
  return wholeNumber(url, 'minor')
}
