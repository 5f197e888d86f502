import { json } from '../response.ts'
import { enforcedOr, ENFORCEMENT, WAIT_PARAMETERS, waitOf } from '../wait.ts'
import { NAME_SCHEMA, type Operation, REASON_PARAMETER, type Schema } from '../operation.ts'
import { invalidRequest, jsonBody, optionalJsonBody } from '../input.ts'
import type { Call, Route } from '../route.ts'
import type { Recorded } from '../../api.ts'

const NOT_BEFORE_SCHEMA: Schema = {
  type: 'integer',
  minimum: 1,
  description: 'Unix seconds. Default, also without a body, and for a time further ahead than clocks may differ: now.',
}

const NOT_BEFORE: Operation['body'] = {
  type: 'application/json',
  need: 'optional',
  schema: { type: 'object', additionalProperties: false, properties: { notBefore: NOT_BEFORE_SCHEMA } },
}

const NAMED_NOT_BEFORE: Operation['body'] = {
  type: 'application/json',
  schema: {
    type: 'object',
    required: ['client'],
    additionalProperties: false,
    properties: { client: NAME_SCHEMA, notBefore: NOT_BEFORE_SCHEMA },
  },
}

const RESULT = {
  description: 'Done; with `wait`, how many edges enforce it.',
  type: 'application/json',
  schema: {
    oneOf: [
      {
        type: 'object',
        required: ['successRequests', 'failedRequests', 'sequence'],
        properties: {
          successRequests: { type: 'array', maxItems: 0, description: "Keycloak's, and empty: no client is asked." },
          failedRequests: { type: 'array', maxItems: 0 },
          sequence: { type: 'integer', description: 'Where it stands in the ledger.' },
        },
      },
      ENFORCEMENT,
    ],
  },
}

/** Revocations of a whole realm, or of one client in it; by Keycloak's Admin API. */
export const realmRoutes: readonly Route[] = [
  {
    method: 'POST',
    path: '/admin/realms/{realm}/logout-all',
    tag: 'administration',
    access: 'administrator',
    operation: {
      summary: 'Logs everybody out.',
      query: { ...WAIT_PARAMETERS, ...REASON_PARAMETER },
      answers: { 200: RESULT },
    },
    handle: (call) => respond(call, async (act) => call.context.service.logoutRealm(call.parameter('realm'), act)),
  },
  {
    method: 'POST',
    path: '/admin/realms/{realm}/push-revocation',
    tag: 'administration',
    access: 'administrator',
    operation: {
      summary: 'Refuses all tokens issued up to a time.',
      query: { ...WAIT_PARAMETERS, ...REASON_PARAMETER },
      body: NOT_BEFORE,
      answers: { 200: RESULT },
    },
    handle: (call) =>
      respond(call, async (act) =>
        call.context.service.setRealmNotBefore(call.parameter('realm'), await notBeforeOf(call), act),
      ),
  },
  {
    method: 'POST',
    path: '/admin/realms/{realm}/clients/{client}/push-revocation',
    tag: 'administration',
    access: 'administrator',
    operation: {
      summary: 'Refuses all tokens issued to a client up to a time; `{client}` is its `client_id`.',
      query: { ...WAIT_PARAMETERS, ...REASON_PARAMETER },
      body: NOT_BEFORE,
      answers: { 200: RESULT },
    },
    async handle(call) {
      const client = call.parameter('client')
      return respond(call, async (act) =>
        call.context.service.setClientNotBefore(call.parameter('realm'), client, await notBeforeOf(call), act),
      )
    },
  },
  {
    method: 'POST',
    path: '/admin/realms/{realm}/clients/push-revocation',
    tag: 'administration',
    access: 'administrator',
    operation: {
      summary: 'Refuses all tokens issued to a client (`client_id`) up to a time. For names that no path can carry.',
      query: { ...WAIT_PARAMETERS, ...REASON_PARAMETER },
      body: NAMED_NOT_BEFORE,
      answers: { 200: RESULT },
    },
    handle: (call) =>
      respond(call, async (act) => {
        const { client, notBefore } = await jsonBody(call.request, call.context.settings.maxBodyBytes, ['client', 'notBefore'])
        const realm = call.parameter('realm')
        return call.context.service.setClientNotBefore(realm, client as string, checkedNotBefore(notBefore), act)
      }),
  },
]

async function respond(call: Call, revoke: (act: ReturnType<Call['act']>) => Promise<Recorded>): Promise<Response> {
  const [wait, act] = [waitOf(call), call.act()]
  const recorded = await revoke(act)
  return enforcedOr(
    call,
    wait,
    recorded,
    json(200, { successRequests: [], failedRequests: [], sequence: recorded.sequence }),
  )
}

async function notBeforeOf({ context, request }: Call): Promise<number | undefined> {
  const { notBefore } = await optionalJsonBody(request, context.settings.maxBodyBytes, ['notBefore'])
  return checkedNotBefore(notBefore)
}

function checkedNotBefore(notBefore: unknown): number | undefined {
  if (notBefore !== undefined && typeof notBefore !== 'number')
    throw invalidRequest('notBefore must be a number of unix seconds')
  return notBefore
}
