import { required } from '../../../options.ts'
import type { Recorded } from '../../api.ts'
import { actOfIssuer, ISSUER_PARAMETER, issuerOf } from '../issuer-parameter.ts'
import { type Operation, REASON_PARAMETER } from '../operation.ts'
import { Problem } from '../problem.ts'
import { jsonRequest, nameRule, readJson } from '../request-body.ts'
import { json, noContent } from '../response.ts'
import type { Call, Route } from '../route.ts'
import { enforcedOr, ENFORCEMENT, WAIT_PARAMETERS, waitOf } from '../wait.ts'
import { UPSTREAM } from '../upstream.ts'

const GRANT = jsonRequest({ user: required(nameRule), client: required(nameRule) })

const GRANTS = {
  type: 'array',
  items: {
    type: 'object',
    required: ['clientId', 'sessions', 'notBefore'],
    properties: {
      clientId: { type: 'string' },
      sessions: { type: 'integer', description: "The number of the user's active sessions with this client." },
      lastAccess: { type: 'integer', description: 'When the client last used one of these, in unix seconds.' },
      notBefore: {
        type: 'integer',
        description: "The user's tokens issued to it up to then are refused; unix seconds, 0 if none.",
      },
    },
  },
}

const ENDED: Operation['answers'] = {
  200: {
    description: 'With `wait`: done, and how many edges enforce it.',
    type: 'application/json',
    schema: ENFORCEMENT,
    headers: UPSTREAM,
  },
  204: { description: 'Done, also for an unknown user or client.', headers: UPSTREAM },
}

/** The apps of a user: listing them, as Keycloak's Admin API lists consents, and disconnecting one. */
export const grantRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/admin/realms/{realm}/users/{id}/grants',
    tag: 'administration',
    access: 'administrator',
    operation: {
      summary:
        "A user's apps: the clients of the sessions that an issuer beside the origin knows, and recently disconnected clients.",
      query: ISSUER_PARAMETER,
      answers: { 200: { description: 'All apps.', type: 'application/json', schema: GRANTS } },
    },
    handle: list,
  },
  {
    method: 'DELETE',
    path: '/admin/realms/{realm}/users/{id}/grants/{client}',
    tag: 'administration',
    access: 'administrator',
    operation: {
      summary: "Disconnects an app of a user: that client's tokens of that user are refused, and no others.",
      query: { ...ISSUER_PARAMETER, ...WAIT_PARAMETERS, ...REASON_PARAMETER },
      answers: ENDED,
    },
    handle: end,
  },
  {
    method: 'POST',
    path: '/admin/realms/{realm}/grants/end',
    tag: 'administration',
    access: 'administrator',
    operation: {
      summary: 'Disconnects an app (`client`) of a user (`user`, by its `sub`). For names that a path cannot contain.',
      query: { ...ISSUER_PARAMETER, ...WAIT_PARAMETERS, ...REASON_PARAMETER },
      body: GRANT,
      answers: ENDED,
    },
    handle: endNamed,
  },
]

async function list(call: Call): Promise<Response> {
  const found = await call.context.operations.grants(call.parameter('realm'), call.parameter('id'), issuerOf(call))
  if (found === undefined) throw new Problem(404, 'not_found', 'unknown user')
  return json(200, found)
}

async function end(call: Call): Promise<Response> {
  const [wait, act] = [waitOf(call), actOfIssuer(call)]
  return enforcedOr(
    call,
    wait,
    await ended(call, { user: call.parameter('id'), client: call.parameter('client') }, act),
    noContent(),
  )
}

async function endNamed(call: Call): Promise<Response> {
  const [wait, act] = [waitOf(call), actOfIssuer(call)]
  return enforcedOr(call, wait, await ended(call, await readJson(call, GRANT), act), noContent())
}

/** Rejects with `invalid_event` for an invalid name. */
function ended(
  { context: { service }, parameter }: Call,
  { user, client }: { user: string; client: string },
  act: ReturnType<typeof actOfIssuer>,
): Promise<Recorded> {
  return service.endGrant(parameter('realm'), user, client, act)
}
