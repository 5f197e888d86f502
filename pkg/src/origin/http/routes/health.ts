import { json } from '../response.ts'
import type { Route } from '../route.ts'

const HEALTH = {
  type: 'object',
  required: ['status', 'realms'],
  properties: { status: { enum: ['ok', 'failing'] }, error: { type: 'string' }, realms: { type: 'object' } },
}

/** `GET /healthz` returns 200, or 503 while the store cannot be written, and permanently once the core has failed. */
export const healthRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/healthz',
    tag: 'operations',
    access: 'anybody',
    operation: {
      summary: 'Whether the origin accepts revocations.',
      answers: {
        200: { description: 'It does.', type: 'application/json', schema: HEALTH },
        503: {
          description:
            'The store cannot be written, the core has failed (`fault`: restart the origin), or the origin is closing.',
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
