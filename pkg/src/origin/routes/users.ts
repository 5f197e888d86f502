import { noContent } from '../answer.ts'
import type { Route } from '../router.ts'

/** `POST /admin/realms/{realm}/users/{id}/logout`: logs a user out everywhere, as in Keycloak's Admin API; `{id}` is the `sub`. */
export const userRoutes: readonly Route[] = [
  {
    method: 'POST',
    path: '/admin/realms/{realm}/users/{id}/logout',
    access: 'administrator',
    operation: {
      summary: 'Logs a user out everywhere.',
      answers: { 204: { description: 'Done; also for a user who is not known.' } },
    },
    async handle({ context, parameter }) {
      await context.origin.logoutUser(parameter('realm'), parameter('id'))
      return noContent()
    },
  },
]
