import { required } from '../../../options.ts'
import { jsonRequest, nameRule, notBeforeRule, readJson } from '../request-body.ts'
import { json } from '../response.ts'
import { enforcedOr, ENFORCEMENT, WAIT_PARAMETERS, waitOf } from '../wait.ts'
import { UPSTREAM } from '../upstream.ts'
import { type Answer, REASON_PARAMETER } from '../operation.ts'
import type { Call, Route } from '../route.ts'
import type { Recorded } from '../../api.ts'

const notBefore = notBeforeRule(
  'Unix seconds. Default: now, also without a body or for a time further ahead than clocks may differ.',
)
const NOT_BEFORE = jsonRequest({ notBefore }, 'optional')
const NAMED_NOT_BEFORE = jsonRequest({ client: required(nameRule), notBefore })

const RESULT: Answer = {
  headers: UPSTREAM,
  description: 'Done; with `wait`, also how many edges enforce it.',
  type: 'application/json',
  schema: {
    oneOf: [
      {
        type: 'object',
        required: ['successRequests', 'failedRequests', 'sequence'],
        properties: {
          successRequests: {
            type: 'array',
            maxItems: 0,
            description: 'For compatibility with Keycloak; empty, because no client is notified.',
          },
          failedRequests: { type: 'array', maxItems: 0 },
          sequence: { type: 'integer', description: 'Its position in the ledger.' },
        },
      },
      ENFORCEMENT,
    ],
  },
}

/** Revocations of a whole realm, or of one client in it, as in Keycloak's Admin API. */
export const realmRoutes: readonly Route[] = [
  {
    method: 'POST',
    path: '/admin/realms/{realm}/logout-all',
    tag: 'administration',
    access: 'administrator',
    operation: {
      summary: 'Logs all users out.',
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
      summary:
        'Refuses all tokens issued to a client (`client_id`) up to a time. For names that a path cannot contain.',
      query: { ...WAIT_PARAMETERS, ...REASON_PARAMETER },
      body: NAMED_NOT_BEFORE,
      answers: { 200: RESULT },
    },
    handle: (call) =>
      respond(call, async (act) => {
        const { client, notBefore } = await readJson(call, NAMED_NOT_BEFORE)
        const realm = call.parameter('realm')
        return call.context.service.setClientNotBefore(realm, client, notBefore, act)
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

async function notBeforeOf(call: Call): Promise<number | undefined> {
  return (await readJson(call, NOT_BEFORE)).notBefore
}
