import { MAX_WAIT_MS, type Recorded } from '../api.ts'
import { invalidRequest, wholeNumber } from './input.ts'
import type { QueryParameter, Schema } from './operation.ts'
import { json } from './response.ts'
import type { Call } from './route.ts'
import { withUpstream } from './upstream.ts'

/** How long a revocation waits for the edges by default. */
const DEFAULT_TIMEOUT_MS = 5_000

/** A request to respond only once the edges enforce the revocation. */
interface Wait {
  timeoutMs: number
}

/** Query parameters of a route that can wait. */
export const WAIT_PARAMETERS: Readonly<Record<string, QueryParameter>> = {
  wait: {
    description: '`enforced`: respond when all known edges have acknowledged it or after `timeoutMs`, with status 200.',
    schema: { enum: ['enforced'] },
  },
  timeoutMs: {
    description: `With \`wait\`: the longest wait; default ${DEFAULT_TIMEOUT_MS}.`,
    schema: { type: 'integer', minimum: 0, maximum: MAX_WAIT_MS },
  },
}

/** The schema of the response to a request that waits. */
export const ENFORCEMENT: Schema = {
  type: 'object',
  required: ['sequence', 'enforced', 'total', 'elapsedMs', 'missing'],
  properties: {
    sequence: { type: 'integer', description: 'The position of the revocation in the ledger.' },
    enforced: { type: 'integer', description: 'The number of edges that have acknowledged it.' },
    total: {
      type: 'integer',
      description: 'The number of configured edges; one without a secret never counts as enforcing.',
    },
    elapsedMs: { type: 'integer' },
    missing: { type: 'array', items: { type: 'string' }, description: 'The names of the edges that have not.' },
  },
}

/** Reads `?wait=enforced&timeoutMs=`, before anything is recorded. Throws a `Problem` (400). */
export function waitOf({ url }: Pick<Call, 'url'>): Wait | undefined {
  const values = url.searchParams.getAll('wait')
  const timeoutMs = wholeNumber(url, 'timeoutMs')
  if (values.length === 0 && timeoutMs === undefined) return undefined
  if (values.length !== 1 || values[0] !== 'enforced') throw invalidRequest('wait can only be enforced, given once')
  if (timeoutMs !== undefined && timeoutMs > MAX_WAIT_MS)
    throw invalidRequest(`timeoutMs can be at most ${MAX_WAIT_MS}`)
  return { timeoutMs: timeoutMs ?? DEFAULT_TIMEOUT_MS }
}

/**
 * Returns the response to a revocation: `otherwise`, or the number of edges that enforce it if the request waits for
 * them. Also waits for the outcome at the identity server, if the act is forwarded, and states it in a header. `more`
 * are further members of the latter response.
 */
export async function enforcedOr(
  call: Pick<Call, 'context' | 'request' | 'network'>,
  wait: Wait | undefined,
  recorded: Recorded,
  otherwise: Response,
  more: object = {},
): Promise<Response> {
  return withUpstream(await enforcementOr(call, wait, recorded, otherwise, more), recorded)
}

async function enforcementOr(
  { context, request, network }: Pick<Call, 'context' | 'request' | 'network'>,
  wait: Wait | undefined,
  recorded: Recorded,
  otherwise: Response,
  more: object,
): Promise<Response> {
  if (wait === undefined) return otherwise
  // A network with too many waiting requests gets the current state at once: the revocation itself is complete.
  const leave = context.readers.enter(network)
  const timeoutMs = leave === undefined ? 0 : wait.timeoutMs
  try {
    return json(200, { ...(await context.service.enforced(recorded, { timeoutMs, signal: request.signal })), ...more })
  } finally {
    leave?.()
  }
}
