import { PortcullisError } from '../../../errors.ts'
import { required, string } from '../../../options.ts'
import { jsonRequest, readJson } from '../request-body.ts'
import { json } from '../response.ts'
import { enforcedOr, ENFORCEMENT, WAIT_PARAMETERS, waitOf } from '../wait.ts'
import { Problem } from '../problem.ts'
import { invalidRequest } from '../input.ts'
import type { Call, Route } from '../route.ts'
import { endingSiteData } from '../site-data.ts'

const TOKEN = jsonRequest({ token: required(string) })

/** `POST /v1/auth/token/revoke {"token"}`: the holder of an access token may revoke it. */
export const revokeRoutes: readonly Route[] = [
  {
    method: 'POST',
    path: '/v1/auth/token/revoke',
    tag: 'revocation',
    access: 'anybody',
    operation: {
      summary: 'Revokes an access token; its holder may.',
      query: WAIT_PARAMETERS,
      body: TOKEN,
      answers: {
        200: {
          description:
            'It is refused everywhere, or will be as soon as the edges have the change; also when it was already.',
          type: 'application/json',
          schema: {
            oneOf: [{ type: 'object', required: ['revoked'], properties: { revoked: { const: true } } }, ENFORCEMENT],
          },
        },
        401: { description: 'The token is not one of a realm here, or is no access token.' },
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
    return endingSiteData(request, await enforcedOr(call, wait, recorded, json(200, { revoked: true })), context.cors, context.settings)
  } catch (error) {
    throw revokeProblem(error)
  }
}

/** The strings are part of the route's contract. */
function revokeProblem(error: unknown): unknown {
  if (!(error instanceof PortcullisError)) return error
  switch (error.code) {
    case 'invalid_token':
    case 'unexpected_token_use':
      return new Problem(401, error.code.replaceAll('_', ' '), undefined, { 'www-authenticate': 'Bearer' })
    case 'invalid_event':
      return invalidRequest(
        error.detail === 'missing_token_id'
          ? 'the token has no jti, so it cannot be revoked by itself'
          : 'the token cannot be revoked',
      )
    default:
      return error
  }
}
