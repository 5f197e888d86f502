import { required } from '../../../options.ts'
import { jsonRequest, nameRule, readJson } from '../request-body.ts'
import { noContent } from '../response.ts'
import { enforcedOr, ENFORCEMENT, WAIT_PARAMETERS, waitOf } from '../wait.ts'
import { UPSTREAM } from '../upstream.ts'
import { actOfIssuer, ISSUER_PARAMETER } from '../issuer-parameter.ts'
import { type Operation, REASON_PARAMETER } from '../operation.ts'
import { textParameter } from '../input.ts'
import type { Call, Route } from '../route.ts'
import type { Recorded } from '../../api.ts'

const SESSION = jsonRequest({ sid: required(nameRule), client: nameRule })

const ENDED: Operation['answers'] = {
  200: {
    description: 'With `wait`: done, and how many edges enforce it.',
    type: 'application/json',
    schema: ENFORCEMENT,
    headers: UPSTREAM,
  },
  204: { description: 'Done, also for an unknown session.', headers: UPSTREAM },
}

/** Ends a session; with `client`, only that client's part in it. */
export const sessionRoutes: readonly Route[] = [
  {
    method: 'DELETE',
    path: '/admin/realms/{realm}/sessions/{sid}',
    tag: 'administration',
    access: 'administrator',
    operation: {
      summary: "Ends a session, or one client's part in it.",
      query: {
        client: { description: 'Limits it to the part of this client (`azp`).', schema: { type: 'string' } },
        ...ISSUER_PARAMETER,
        ...WAIT_PARAMETERS,
        ...REASON_PARAMETER,
      },
      answers: ENDED,
    },
    handle: end,
  },
  {
    method: 'POST',
    path: '/admin/realms/{realm}/sessions/end',
    tag: 'administration',
    access: 'administrator',
    operation: {
      summary:
        "Ends a session, or one client's (`azp`) part in it. For names that a path cannot contain, and for the `sid` `end`.",
      query: { ...ISSUER_PARAMETER, ...WAIT_PARAMETERS, ...REASON_PARAMETER },
      body: SESSION,
      answers: ENDED,
    },
    handle: endNamed,
  },
]

async function end(call: Call): Promise<Response> {
  const [wait, act, client] = [waitOf(call), actOfIssuer(call), textParameter(call.url, 'client')]
  return enforcedOr(call, wait, await ended(call, { sid: call.parameter('sid'), client }, act), noContent())
}

async function endNamed(call: Call): Promise<Response> {
  const [wait, act] = [waitOf(call), actOfIssuer(call)]
  const { sid, client } = await readJson(call, SESSION)
  return enforcedOr(call, wait, await ended(call, { sid, client }, act), noContent())
}

/** Rejects with `invalid_event` for an invalid name. */
function ended(
  { context: { service }, parameter }: Call,
  { sid, client }: { sid: string; client: string | undefined },
  act: ReturnType<typeof actOfIssuer>,
): Promise<Recorded> {
  const realm = parameter('realm')
  return client === undefined ? service.endSession(realm, sid, act) : service.endClientSession(realm, sid, client, act)
}
