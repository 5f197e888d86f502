import { json } from '../response.ts'
import type { Route } from '../route.ts'

const HEALTH = {
  type: 'object',
  required: ['status', 'realms'],
  properties: { status: { enum: ['ok', 'failing'] }, error: { type: 'string' }, realms: { type: 'object' } },
}

/**
 * `GET /healthz`: 200, or 503 while the store takes no writes, and to the end of the process once the core has failed.
 */
export const healthRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/healthz',
    tag: 'operations',
    access: 'anybody',
    operation: {
      summary: 'Whether the origin takes revocations.',
      answers: {
        200: { description: 'It does.', type: 'application/json', schema: HEALTH },
        503: {
          description:
            'The store takes no writes, the core has failed (`fault`: start the origin again), or the origin is closing.',
          type: 'application/json',
          schema: { anyOf: [HEALTH, { $ref: '#/components/schemas/Error' }] },
        },
      },
    },
    async handle({ context }) {
      const failure = await context.operations.failure()
      const realms = Object.fromEntries([...context.feeds].map(([name, feed]) => [name, { sequence: feed.sequence }]))
      return failure === undefined
        ? json(200, { status: 'ok', realms })
        : json(503, { status: 'failing', error: failure.code, realms })
    },
  },
]
