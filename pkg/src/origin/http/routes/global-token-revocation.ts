import type { JsonSchema } from '../../../options.ts'
import {
  type GlobalRefusal,
  GlobalRevocationRefused,
  IDENTIFIER_MEMBERS,
  type KnownCaller,
} from '../../connectors/global-revocation.ts'
import { withoutNulls } from '../../connectors/json-members.ts'
import { bearerCredentials } from '../bearer-credentials.ts'
import { invalidRequest, jsonBody } from '../input.ts'
import type { RequestBody } from '../operation.ts'
import { Problem } from '../problem.ts'
import { feedOf } from '../realm.ts'
import { noContent } from '../response.ts'
import type { Call, Route } from '../route.ts'
import { UPSTREAM } from '../upstream.ts'
import { enforcedOr, ENFORCEMENT, WAIT_PARAMETERS, waitOf } from '../wait.ts'

/** How soon a caller may send it again. */
const RETRY_AFTER_SECONDS = 2

/** `subject` is the member's name in earlier drafts. */
const MEMBERS = ['sub_id', 'subject'] as const
/** The members of an identifier that are the `sub` of tokens. */
const IDS = ['sub', 'id']

/** RFC 9493 §3.2. */
const IDENTIFIERS: readonly JsonSchema[] = Object.entries(IDENTIFIER_MEMBERS).map(([format, members]) => ({
  type: 'object',
  required: ['format', ...members],
  additionalProperties: { type: 'null' },
  properties: {
    format: { const: format },
    ...Object.fromEntries(members.map((member) => [member, { type: 'string', minLength: 1 }])),
  },
}))

const BODY: RequestBody = {
  type: 'application/json',
  schema: {
    type: 'object',
    description:
      "Members that are `null` count as absent. In a realm with numericIds 'accept', `sub` and `id` may be integers.",
    oneOf: MEMBERS.map((member) => ({ required: [member], properties: { [member]: { type: 'object' } } })),
    additionalProperties: false,
    properties: {
      sub_id: { oneOf: [...IDENTIFIERS, { type: 'null' }] },
      subject: { oneOf: [...IDENTIFIERS, { type: 'null' }], description: 'The name of `sub_id` in earlier drafts.' },
    },
  },
}

/**
 * `POST /realms/{realm}/global-token-revocation` (draft-parecki-oauth-global-token-revocation-06) revokes all tokens of
 * a user for a caller.
 */
export const globalRevocationRoutes: readonly Route[] = [
  {
    method: 'POST',
    path: '/realms/{realm}/global-token-revocation',
    tag: 'revocation',
    access: 'anybody',
    operation: {
      summary: 'Revokes all tokens of a user for an identity provider or a security tool (Global Token Revocation).',
      security: ['caller'],
      query: WAIT_PARAMETERS,
      body: BODY,
      answers: {
        200: {
          description: 'With `wait`: done, and how many edges have it.',
          type: 'application/json',
          schema: ENFORCEMENT,
          headers: UPSTREAM,
        },
        204: {
          description:
            "The user's tokens issued up to now are refused, or will be as soon as the edges have the change.",
          headers: UPSTREAM,
        },
        400: { description: 'The request is malformed, or there is no resolver for identifiers of that format.' },
        403: { description: "The credential is another realm's, or the JWT another app's." },
        404: { description: '`user_not_found`; or `not_found` for an unknown realm, or one without callers.' },
        422: { description: 'The user cannot be logged out here.' },
        503: { description: 'Nothing was recorded: the keys of the caller or the user could not be looked up.' },
      },
    },
    handle: revoke,
  },
]

async function revoke(call: Call): Promise<Response> {
  const { globalRevocations } = call.context
  const realm = feedOf(call).name
  if (!globalRevocations.takes(realm)) throw new Problem(404, 'not_found', 'the realm has no globalTokenRevocation')
  try {
    return await globalRevocations.admit(realm, bearerCredentials(call.request), (caller) =>
      revokeFor(call, realm, caller),
    )
  } catch (error) {
    throw error instanceof GlobalRevocationRefused ? problemOf(error) : error
  }
}

async function revokeFor(call: Call, realm: string, caller: KnownCaller): Promise<Response> {
  const { globalRevocations, operations, settings } = call.context
  const wait = waitOf(call)
  const { numericIds } = settings.realms.find(({ name }) => name === realm) ?? {}
  const given = withoutNulls(
    await jsonBody(call.request, settings.maxBodyBytes, MEMBERS, numericIds === 'accept' ? IDS : []),
  )
  const identifiers = MEMBERS.filter((member) => given[member] !== undefined)
  const [member] = identifiers
  if (member === undefined || identifiers.length > 1) throw invalidRequest('the body must have sub_id')
  const users = await globalRevocations.users(realm, given[member], caller)
  const recorded = await operations.revokeGlobally({ realm, users, caller: caller.issuer }, call.act())
  return enforcedOr(call, wait, recorded, noContent())
}

function problemOf({ reason, message }: GlobalRevocationRefused): Problem {
  const [status, error] = ANSWERS[reason]
  return new Problem(status, error, message, headersOf(status, error))
}

/** Draft §3.4.2. */
const ANSWERS: Readonly<Record<GlobalRefusal, readonly [status: number, error: string]>> = {
  unauthenticated: [401, 'invalid_token'],
  used_before: [401, 'invalid_token'],
  not_permitted: [403, 'insufficient_scope'],
  malformed: [400, 'invalid_request'],
  unsupported_format: [400, 'invalid_request'],
  unknown_user: [404, 'user_not_found'],
  cannot_revoke: [422, 'cannot_revoke'],
  resolver_failed: [500, 'server_error'],
  resolver_late: [503, 'temporarily_unavailable'],
  keys_unavailable: [503, 'temporarily_unavailable'],
  too_busy: [503, 'temporarily_unavailable'],
}

function headersOf(status: number, error: string): Record<string, string> {
  if (status === 401 || status === 403) return { 'www-authenticate': `Bearer error="${error}"` }
  return status === 503 ? { 'retry-after': String(RETRY_AFTER_SECONDS) } : {}
}
