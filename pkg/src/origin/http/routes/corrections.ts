import { objectSchema } from '../../../option-schema.ts'
import { described, oneOf, pattern, required, type Rules } from '../../../options.ts'
import { checkMembers, nameRule, notBeforeRule, readMembers, whole } from '../request-body.ts'
import { noContent } from '../response.ts'
import { enforcedOr, ENFORCEMENT, WAIT_PARAMETERS, waitOf } from '../wait.ts'
import { actOfIssuer, ISSUER_PARAMETER } from '../issuer-parameter.ts'
import { type QueryParameter, REASON_PARAMETER, type RequestBody } from '../operation.ts'
import { invalidRequest } from '../input.ts'
import { type Correction, CORRECTIONS } from '../../api.ts'
import type { Call, Route } from '../route.ts'

const MEMBER_RULES: Rules = {
  session: nameRule,
  authorizedParty: nameRule,
  subject: nameRule,
  client: nameRule,
  thumbprint: described(
    pattern("a key's RFC 7638 thumbprint, 43 characters", /^[A-Za-z0-9_-]{43}$/),
    'The RFC 7638 thumbprint.',
  ),
  notBefore: notBeforeRule('Unix seconds.'),
  minimum: whole(0),
}

/** Returns the rules of one kind. All members except the not-before are required. */
function rulesOf(kind: string, members: readonly string[]): Rules {
  const own = Object.entries(MEMBER_RULES).filter(([member]) => members.includes(member))
  const needed = own.map(([member, rule]) => [member, member === 'notBefore' ? rule : required(rule)])
  return { kind: required(oneOf(kind)), ...Object.fromEntries(needed) }
}

const RULES = new Map(Object.entries(CORRECTIONS).map(([kind, members]) => [kind, rulesOf(kind, members)]))

const CORRECTION: RequestBody = {
  type: 'application/json',
  schema: { oneOf: [...RULES.values()].map(objectSchema) },
}

/** Required here. */
const REASON: QueryParameter = {
  description: 'The reason, for the audit log.',
  need: 'required',
  schema: { ...REASON_PARAMETER['reason']?.schema, minLength: 1 },
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
        'Replaces a mistaken not-before (removes it if omitted) or version, or lifts a ban. `reason` is required.',
      query: { ...ISSUER_PARAMETER, ...WAIT_PARAMETERS, reason: REASON },
      body: CORRECTION,
      answers: {
        200: {
          description: 'With `wait`: done, and how many edges have it.',
          type: 'application/json',
          schema: ENFORCEMENT,
        },
        204: { description: 'Done; gates get it with the next manifest.' },
      },
    },
    handle: correct,
  },
]

async function correct(call: Call): Promise<Response> {
  const { context, parameter } = call
  const wait = waitOf(call)
  const { reason, ...act } = actOfIssuer(call)
  const members = await readMembers(call, CORRECTION, ['kind', ...Object.keys(MEMBER_RULES)])
  if (reason === undefined) throw invalidRequest('reason is missing: give it in the query')
  const correction = checkedCorrection(members)
  const recorded = await context.service.correct(parameter('realm'), correction, { ...act, reason })
  return enforcedOr(call, wait, recorded, noContent())
}

/** The service decides which members belong to the kind. */
function checkedCorrection(members: Record<string, unknown>): Correction {
  const rules = RULES.get(String(members['kind']))
  if (typeof members['kind'] !== 'string' || rules === undefined)
    throw invalidRequest(`kind must be one of ${[...RULES.keys()].join(', ')}`)
  return checkMembers(rules, members) as unknown as Correction
}
