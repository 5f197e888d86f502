import { PortcullisError } from '../../../errors.ts'
import { type JsonSchema, required, string } from '../../../options.ts'
import type { RevokedToken } from '../../api.ts'
import { jsonRequest, readJson } from '../request-body.ts'
import { json } from '../response.ts'
import { enforcedOr, ENFORCEMENT, WAIT_PARAMETERS, waitOf } from '../wait.ts'
import { Problem } from '../problem.ts'
import { invalidRequest } from '../input.ts'
import type { Call, Route } from '../route.ts'
import { endingSiteData } from '../site-data.ts'

const TOKEN = jsonRequest({ token: required(string) })

const ENDED: JsonSchema = {
  enum: ['token', 'session', 'user'],
  description:
    "The ended subject, if the realm's `withoutTokenId` is not `refuse`; with `wait` also a member beside `enforced`.",
}

/** `POST /v1/auth/token/revoke {"token"}` revokes an access token for its holder. */
export const revokeRoutes: readonly Route[] = [
  {
    method: 'POST',
    path: '/v1/auth/token/revoke',
    tag: 'revocation',
    access: 'anybody',
    operation: {
      summary: 'Revokes an access token for its holder.',
      query: WAIT_PARAMETERS,
      body: TOKEN,
      answers: {
        200: {
          description:
            'It is refused everywhere, or will be as soon as the edges have the change; also when it was already.',
          type: 'application/json',
          schema: {
            oneOf: [
              { type: 'object', required: ['revoked'], properties: { revoked: { const: true }, ended: ENDED } },
              ENFORCEMENT,
            ],
          },
        },
        401: { description: 'The token does not belong to a realm here, or is not an access token.' },
      },
    },
    handle: revoke,
  },
]

async function revoke(call: Call): Promise<Response> {
  const { context, request } = call
  const wait = waitOf(call)
  const { token } = await readJson(call, TOKEN)
  try {
    const recorded = await context.service.revokeToken(token, call.act())
    const ended = endedOf(call, recorded)
    const response = await enforcedOr(call, wait, recorded, json(200, { revoked: true, ...ended }), ended)
    return endingSiteData(request, response, context.cors, context.settings)
  } catch (error) {
    throw revokeProblem(error)
  }
}

/** Returns `ended` only where more than the token can end; the response of other realms is unchanged. */
function endedOf({ context }: Call, { realm, ended }: RevokedToken): { ended?: RevokedToken['ended'] } {
  const { withoutTokenId = 'refuse' } = context.settings.realms.find(({ name }) => name === realm) ?? {}
  return withoutTokenId === 'refuse' ? {} : { ended }
}

/** The strings are part of the route's contract. */
function revokeProblem(error: unknown): unknown {
  if (!(error instanceof PortcullisError)) return error
  switch (error.code) {
    case 'invalid_token':
    case 'unexpected_token_use':
      return new Problem(401, error.code.replaceAll('_', ' '), undefined, { 'www-authenticate': 'Bearer' })
    case 'invalid_event':
      return invalidRequest(DESCRIPTIONS[error.detail ?? ''] ?? 'the token cannot be revoked')
    default:
      return error
  }
}

/** Keyed by the detail of `invalid_event`. */
const DESCRIPTIONS: Readonly<Record<string, string>> = {
  missing_token_id: 'the token has no jti, so it cannot be revoked by itself',
  missing_session: 'the token has no jti and no session, so there is nothing to end',
  missing_subject: 'the token has no jti and no user, so there is nothing to end',
}
