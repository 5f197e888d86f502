import { noContent } from '../answer.ts'
import { ENFORCEMENT, enforcedOr, waitOf, WAIT_PARAMETERS } from '../enforcement.ts'
import { REASON_PARAMETER } from '../operation.ts'
import { textParameter } from '../request.ts'
import type { Call, Route } from '../router.ts'

/** `DELETE /admin/realms/{realm}/sessions/{sid}`: ends a session; with `client`, only that client's part in it. */
export const sessionRoutes: readonly Route[] = [
  {
    method: 'DELETE',
    path: '/admin/realms/{realm}/sessions/{sid}',
    access: 'administrator',
    operation: {
      summary: "Ends a session, or one client's part in it.",
      query: {
        client: { description: 'Only the part of this client (`azp`).', schema: { type: 'string' } },
        ...WAIT_PARAMETERS,
        ...REASON_PARAMETER,
      },
      answers: {
        200: {
          description: 'Done, and how many edges enforce it: `wait`.',
          type: 'application/json',
          schema: ENFORCEMENT,
        },
        204: { description: 'Done; also for a session that is not known.' },
      },
    },
    handle: end,
  },
]

async function end(call: Call): Promise<Response> {
  const { origin } = call.context
  const [wait, act, client] = [waitOf(call), call.act(), textParameter(call.url, 'client')]
  const [realm, sid] = [call.parameter('realm'), call.parameter('sid')]
  const recorded = await (client === undefined
    ? origin.endSession(realm, sid, act)
    : origin.endClientSession(realm, sid, client, act))
  return enforcedOr(call, wait, recorded, noContent())
}
