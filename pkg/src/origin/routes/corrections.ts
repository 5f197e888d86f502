import { noContent } from '../answer.ts'
import { ENFORCEMENT, enforcedOr, waitOf, WAIT_PARAMETERS } from '../enforcement.ts'
import { REASON_PARAMETER } from '../operation.ts'
import { invalidRequest, jsonBody } from '../request.ts'
import { CORRECTIONS } from '../revocations.ts'
import type { Call, Route } from '../router.ts'
import type { Correction } from '../types.ts'

const MEMBERS = [...new Set(['kind', ...Object.values(CORRECTIONS).flat()])]

/** `POST /admin/realms/{realm}/corrections?reason=`: replaces a mistaken not-before or version, or lifts a ban. */
export const correctionRoutes: readonly Route[] = [
  {
    method: 'POST',
    path: '/admin/realms/{realm}/corrections',
    access: 'administrator',
    operation: {
      summary: 'Replaces a mistaken not-before or version, or lifts a ban; without `notBefore` there is none any more. `reason` is required.',
      query: { ...WAIT_PARAMETERS, ...REASON_PARAMETER },
      body: {
        type: 'application/json',
        schema: {
          type: 'object',
          required: ['kind'],
          additionalProperties: false,
          properties: {
            kind: { enum: Object.keys(CORRECTIONS) },
            session: { type: 'string' },
            authorizedParty: { type: 'string' },
            subject: { type: 'string' },
            client: { type: 'string' },
            thumbprint: { type: 'string', description: 'That of RFC 7638.' },
            notBefore: { type: 'integer', minimum: 1, description: 'Unix seconds.' },
            minimum: { type: 'integer', minimum: 0 },
          },
        },
      },
      answers: {
        200: { description: 'Done, and how many edges have it: `wait`.', type: 'application/json', schema: ENFORCEMENT },
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
  const recorded = await context.origin.correct(parameter('realm'), body as unknown as Correction, { ...act, reason })
  return enforcedOr(call, wait, recorded, noContent())
}
