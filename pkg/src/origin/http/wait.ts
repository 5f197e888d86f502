import { MAX_WAIT_MS, type Recorded } from '../api.ts'
import { invalidRequest, wholeNumber } from './input.ts'
import type { QueryParameter, Schema } from './operation.ts'
import { json } from './response.ts'
import type { Call } from './route.ts'

/** How long a revocation waits for the edges when it is not said. */
const DEFAULT_TIMEOUT_MS = 5_000

/** That a request is to be answered only when the edges enforce it. */
export interface Wait {
  timeoutMs: number
}

/** What a route that can wait says of itself. */
export const WAIT_PARAMETERS: Readonly<Record<string, QueryParameter>> = {
  wait: {
    description:
      '`enforced`: answer when all known edges have acknowledged it, or `timeoutMs` is over; then with status 200.',
    schema: { enum: ['enforced'] },
  },
  timeoutMs: {
    description: `With \`wait\`: how long; default ${DEFAULT_TIMEOUT_MS}.`,
    schema: { type: 'integer', minimum: 0, maximum: MAX_WAIT_MS },
  },
}

/** What it answers then. */
export const ENFORCEMENT: Schema = {
  type: 'object',
  required: ['sequence', 'enforced', 'total', 'elapsedMs', 'missing'],
  properties: {
    sequence: { type: 'integer', description: 'Where the revocation stands in the ledger.' },
    enforced: { type: 'integer', description: 'How many edges have acknowledged it.' },
    total: {
      type: 'integer',
      description: 'How many edges are configured; one without a secret never counts as enforcing.',
    },
    elapsedMs: { type: 'integer' },
    missing: { type: 'array', items: { type: 'string' }, description: 'The names of the others.' },
  },
}

/** Reads `?wait=enforced&timeoutMs=`; before anything is recorded. Throws a `Problem` (400). */
export function waitOf({ url }: Pick<Call, 'url'>): Wait | undefined {
  const values = url.searchParams.getAll('wait')
  const timeoutMs = wholeNumber(url, 'timeoutMs')
  if (values.length === 0 && timeoutMs === undefined) return undefined
  if (values.length !== 1 || values[0] !== 'enforced') throw invalidRequest('wait can only be enforced, given once')
  if (timeoutMs !== undefined && timeoutMs > MAX_WAIT_MS)
    throw invalidRequest(`timeoutMs can be ${MAX_WAIT_MS} at the most`)
  return { timeoutMs: timeoutMs ?? DEFAULT_TIMEOUT_MS }
}

/** The answer to a revocation: `otherwise`, or how many edges enforce it, if that was asked for. */
export async function enforcedOr(
  { context, request, network }: Pick<Call, 'context' | 'request' | 'network'>,
  wait: Wait | undefined,
  recorded: Recorded,
  otherwise: Response,
): Promise<Response> {
  if (wait === undefined) return otherwise
  // Who has too many waiting is told at once how things stand: the revocation itself is done.
  const leave = context.readers.enter(network)
  const timeoutMs = leave === undefined ? 0 : wait.timeoutMs
  try {
    return json(200, await context.service.enforced(recorded, { timeoutMs, signal: request.signal }))
  } finally {
    leave?.()
  }
}
