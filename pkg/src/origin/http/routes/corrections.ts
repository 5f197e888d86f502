import { noContent } from '../response.ts'
import { enforcedOr, ENFORCEMENT, WAIT_PARAMETERS, waitOf } from '../wait.ts'
import { type QueryParameter, REASON_PARAMETER, type Schema } from '../operation.ts'
import { invalidRequest, jsonBody } from '../input.ts'
import { type Correction, CORRECTIONS } from '../../api.ts'
import type { Call, Route } from '../route.ts'

const MEMBERS = [...new Set(['kind', ...Object.values(CORRECTIONS).flat()])]

const NAME: Schema = { type: 'string', minLength: 1, maxLength: 1_024 }

const MEMBER_SCHEMAS: Readonly<Record<string, Schema>> = {
  session: NAME,
  authorizedParty: NAME,
  subject: NAME,
  client: NAME,
  thumbprint: { type: 'string', pattern: '^[A-Za-z0-9_-]{43}$', description: 'That of RFC 7638.' },
  notBefore: { type: 'integer', minimum: 1, description: 'Unix seconds.' },
  minimum: { type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER },
}

/** Here it must be given. */
const REASON: QueryParameter = {
  description: 'Why, for the audit log.',
  need: 'required',
  schema: { ...REASON_PARAMETER['reason']?.schema, minLength: 1 },
}

/** Every member but the not-before must be there. */
function schemaOf(kind: string, members: readonly string[]): Schema {
  return {
    type: 'object',
    required: ['kind', ...members.filter((member) => member !== 'notBefore')],
    additionalProperties: false,
    properties: {
      kind: { const: kind },
      ...Object.fromEntries(members.map((member) => [member, MEMBER_SCHEMAS[member]])),
    },
  }
}

/** `POST /admin/realms/{realm}/corrections?reason=`: replaces a mistaken not-before or version, or lifts a ban. */
export const correctionRoutes: readonly Route[] = [
  {
    method: 'POST',
    path: '/admin/realms/{realm}/corrections',
    tag: 'administration',
    access: 'administrator',
    operation: {
      summary:
        'Replaces a mistaken not-before (left out: there is none) or version, or lifts a ban. `reason` is required.',
      query: { ...WAIT_PARAMETERS, reason: REASON },
      body: {
        type: 'application/json',
        schema: { oneOf: Object.entries(CORRECTIONS).map(([kind, members]) => schemaOf(kind, members)) },
      },
      answers: {
        200: {
          description: 'Done, and how many edges have it: `wait`.',
          type: 'application/json',
          schema: ENFORCEMENT,
        },
        204: { description: 'Done; gates have it from the next manifest.' },
      },
    },
    handle: correct,
  },
]

async function correct(call: Call): Promise<Response> {
  const { context, request, parameter } = call
  const wait = waitOf(call)
  const { reason, ...act } = call.act()
  const body = await jsonBody(request, context.settings.maxBodyBytes, MEMBERS)
  if (reason === undefined) throw invalidRequest('reason is missing: say in the query why')
  const recorded = await context.service.correct(parameter('realm'), body as unknown as Correction, { ...act, reason })
  return enforcedOr(call, wait, recorded, noContent())
}
