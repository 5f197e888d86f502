import { anyString, pattern, required } from '../../../options.ts'
import { bearerCredentials } from '../bearer-credentials.ts'
import { invalidRequest } from '../input.ts'
import { MINOR_PARAMETER, statedMinor } from '../minor.ts'
import { noContent } from '../response.ts'
import { Problem } from '../problem.ts'
import { checkMembers, jsonRequest, readMembers, whole } from '../request-body.ts'
import { feedOf } from '../realm.ts'
import type { Call, Route } from '../route.ts'

/** Identifies the edge. */
const EDGE = { edge: required(anyString) }

const STATEMENT = {
  sequence: required(whole(0)),
  chain: required(pattern('32 hexadecimal digits', /^[0-9a-f]{32}$/)),
  issuedAt: whole(
    0,
    'When the statement that it enforces was signed. Without it only a greater sequence counts as a sign of life.',
  ),
  minor: whole(0, 'The minor version of the wire format that it supports, if the query does not state it.'),
}

const ACKNOWLEDGEMENT = jsonRequest({ ...EDGE, ...STATEMENT })

/**
 * `POST /feed/{realm}/acks?minor= {"edge","sequence","chain","issuedAt"?,"minor"?}` with the edge's secret as bearer
 * token. The edge states that it enforces all changes up to this sequence, and supports pushes in the form of this
 * minor version.
 */
export const acknowledgementRoutes: readonly Route[] = [
  {
    method: 'POST',
    path: '/feed/{realm}/acks',
    tag: 'feed',
    access: 'anybody',
    operation: {
      summary: 'An edge acknowledges the sequence that it enforces.',
      security: ['edge'],
      query: MINOR_PARAMETER,
      body: ACKNOWLEDGEMENT,
      answers: {
        204: { description: 'Recorded. An older one than the last has no effect.' },
        409: { description: 'This sequence and chain were never published here.' },
      },
    },
    handle: acknowledge,
  },
]

async function acknowledge(call: Call): Promise<Response> {
  const { context, request } = call
  const inQuery = statedMinor(call)
  const secret = bearerCredentials(request)
  const members = await readMembers(call, ACKNOWLEDGEMENT, Object.keys(ACKNOWLEDGEMENT.rules))
  const { edge } = checkMembers(EDGE, members)
  if (!(await context.edges.authenticate(edge, secret))) {
    throw new Problem(401, 'invalid_token', 'no edge has that name and secret', {
      'www-authenticate': 'Bearer error="invalid_token"',
    })
  }
  const feed = feedOf(call)
  const { sequence, chain, issuedAt, minor } = checkMembers(STATEMENT, members)
  const outcome = context.edges.acknowledge(feed.name, edge, {
    sequence,
    chain,
    ...(issuedAt === undefined ? {} : { issuedAt }),
    minor: knownMinor(minor, inQuery),
  })
  if (outcome === 'recorded' || outcome === 'forgotten') return noContent()
  throw new Problem(409, outcome, 'this origin never published that sequence and chain')
}

/** Returns the minor version that the edge supports, from body or query. Throws a `Problem` (400) if they differ. */
function knownMinor(inBody: number | undefined, inQuery: number | undefined): number {
  if (inBody !== undefined && inQuery !== undefined && inBody !== inQuery)
    throw invalidRequest('minor differs between query and body')
  return inBody ?? inQuery ?? 0
}
