import { json } from '../answer.ts'
import type { Route } from '../router.ts'

/** `GET /healthz`: 200, or 503 while the store takes no writes. */
export const healthRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/healthz',
    access: 'anybody',
    async handle({ context }) {
      const failure = await context.committer.failure()
      const realms = Object.fromEntries([...context.feeds].map(([name, feed]) => [name, { sequence: feed.head().sequence }]))
      return failure === undefined ? json(200, { status: 'ok', realms }) : json(503, { status: 'failing', error: failure.code, realms })
    },
  },
]
