import { json } from '../response.ts'
import { feedOf } from '../realm.ts'
import type { Route } from '../route.ts'

const EDGES = {
  type: 'array',
  items: {
    type: 'object',
    required: ['name', 'state'],
    properties: {
      name: { type: 'string' },
      sequence: {
        type: 'integer',
        description: 'Up to where it has acknowledged that it enforces the ledger; absent: nothing yet.',
      },
      acknowledgedAt: { type: 'integer', description: 'When it last did, in unix seconds.' },
      pushedSequence: {
        type: 'integer',
        description: 'The last sequence pushed with success; that proves no enforcement.',
      },
      state: { enum: ['current', 'behind', 'silent', 'unheard'] },
      minor: {
        type: 'integer',
        description:
          'The minor version of the wire format that it says it knows; absent: it has not said, or has refused a push of it since.',
      },
      behindBy: { type: 'integer', description: 'How many changes it lacks.' },
    },
  },
}

/** `GET /admin/realms/{realm}/edges`: how far every edge is. */
export const edgeRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/admin/realms/{realm}/edges',
    tag: 'administration',
    access: 'administrator',
    operation: {
      summary: 'The configured edges, and how far each one enforces the ledger.',
      answers: { 200: { description: 'All of them.', type: 'application/json', schema: EDGES } },
    },
    handle: (call) => json(200, call.context.edges.status(feedOf(call).name)),
  },
]
