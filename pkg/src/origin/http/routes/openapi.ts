import { json } from '../response.ts'
import { openApiDocument } from '../openapi.ts'
import type { Route } from '../route.ts'

/** `GET /openapi.json` describes the requests and responses of all routes, which `routes` returns. */
export const openApiRoutes = (routes: () => readonly Route[]): readonly Route[] => [
  {
    method: 'GET',
    path: '/openapi.json',
    tag: 'operations',
    access: 'anybody',
    operation: {
      summary: 'This document.',
      answers: {
        200: {
          description: 'The routes as OpenAPI 3.1.',
          type: 'application/json',
          schema: { type: 'object', required: ['openapi', 'paths'] },
        },
      },
    },
    handle: ({ context }) => json(200, openApiDocument(routes(), context.settings)),
  },
]
