import { bearerToken } from '../../../http/bearer.ts'
import { noContent } from '../response.ts'
import { Problem, refusedToken } from '../problem.ts'
import { invalidRequest, jsonBody } from '../input.ts'
import { feedOf } from '../realm.ts'
import type { Call, Route } from '../route.ts'

const MEMBERS = ['edge', 'sequence', 'chain', 'issuedAt']

/**
 * `POST /feed/{realm}/acks {"edge","sequence","chain","issuedAt"?}` with the edge's secret as bearer: it enforces what
 * was published up to there.
 */
export const acknowledgementRoutes: readonly Route[] = [
  {
    method: 'POST',
    path: '/feed/{realm}/acks',
    tag: 'feed',
    access: 'anybody',
    operation: {
      summary: 'An edge tells up to where it enforces what was published.',
      security: ['edge'],
      body: {
        type: 'application/json',
        schema: {
          type: 'object',
          required: ['edge', 'sequence', 'chain'],
          additionalProperties: false,
          properties: {
            edge: { type: 'string' },
            sequence: { type: 'integer', minimum: 0 },
            chain: { type: 'string', pattern: '^[0-9a-f]{32}$' },
            issuedAt: {
              type: 'integer',
              minimum: 0,
              description:
                'When the statement that it enforces was signed. Without it only a greater sequence shows that it lives.',
            },
          },
        },
      },
      answers: {
        204: { description: 'Heard. What is older than what is known changes nothing.' },
        409: { description: 'Nothing like that was ever published here.' },
      },
    },
    handle: acknowledge,
  },
]

async function acknowledge(call: Call): Promise<Response> {
  const { context, request } = call
  const presented = bearerToken(request.headers)
  if (presented.kind === 'nothing') throw refusedToken({ ok: false, reason: 'missing_token', status: 401 })
  const { edge, sequence, chain, issuedAt } = await jsonBody(request, context.settings.maxBodyBytes, MEMBERS)
  if (typeof edge !== 'string') throw invalidRequest('edge must be the name of an edge')
  if (!(await context.edges.authenticate(edge, presented.token))) {
    throw new Problem(401, 'invalid_token', 'no edge has that name and secret', {
      'www-authenticate': 'Bearer error="invalid_token"',
    })
  }
  const feed = feedOf(call)
  if (!isWhole(sequence)) throw invalidRequest('sequence must be a whole number')
  if (typeof chain !== 'string' || !/^[0-9a-f]{32}$/.test(chain))
    throw invalidRequest('chain must be 32 hexadecimal digits')
  if (issuedAt !== undefined && !isWhole(issuedAt))
    throw invalidRequest('issuedAt must be a whole number of unix seconds')
  const outcome = context.edges.acknowledge(feed.name, edge, {
    sequence,
    chain,
    ...(issuedAt === undefined ? {} : { issuedAt }),
  })
  if (outcome === 'recorded' || outcome === 'forgotten') return noContent()
  throw new Problem(409, outcome, 'this origin never published that')
}

function isWhole(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0
}
