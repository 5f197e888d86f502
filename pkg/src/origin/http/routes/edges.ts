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
        description: 'The sequence up to which it has acknowledged enforcing the ledger; absent if none yet.',
      },
      acknowledgedAt: { type: 'integer', description: 'When it last acknowledged, in unix seconds.' },
      pushedSequence: {
        type: 'integer',
        description: 'The last sequence pushed successfully; this does not prove enforcement.',
      },
      state: { enum: ['current', 'behind', 'silent', 'unheard'] },
      minor: {
        type: 'integer',
        description:
          'The minor version of the wire format that it states to support; absent if it has stated none, or has since refused a push in that form.',
      },
      behindBy: { type: 'integer', description: 'The number of changes that it lacks.' },
    },
  },
}

/** `GET /admin/realms/{realm}/edges` lists how far every edge is. */
export const edgeRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/admin/realms/{realm}/edges',
    tag: 'administration',
    access: 'administrator',
    operation: {
      summary: 'The configured edges, and how far each one enforces the ledger.',
      answers: { 200: { description: 'All edges.', type: 'application/json', schema: EDGES } },
    },
    handle: (call) => json(200, call.context.edges.status(feedOf(call).name)),
  },
]
