import { PortcullisError } from '../../../errors.ts'
import { anyString, required, string } from '../../../options.ts'
import { formBody } from '../input.ts'
import { Problem } from '../problem.ts'
import { checkMembers, formRequest } from '../request-body.ts'
import { feedOf } from '../realm.ts'
import { ok } from '../response.ts'
import type { Call, Route } from '../route.ts'
import { endingSiteData } from '../site-data.ts'
import { enforcedOr, WAIT_PARAMETERS, waitOf } from '../wait.ts'

/** How soon a client may try again whose revocation could not be stored. */
const RETRY_AFTER_SECONDS = 2

const FORM = formRequest({ token: required(string), token_type_hint: anyString, client_id: anyString, client_secret: anyString })

/** `POST /realms/{realm}/protocol/openid-connect/revoke` (RFC 7009): a client revokes a token that was issued to it. */
export const revocationRoutes: readonly Route[] = [
  {
    method: 'POST',
    path: '/realms/{realm}/protocol/openid-connect/revoke',
    tag: 'revocation',
    access: 'anybody',
    operation: {
      summary: 'A client revokes an access token, or with a refresh token the session it belongs to (RFC 7009).',
      query: WAIT_PARAMETERS,
      body: FORM,
      answers: {
        200: { description: 'It is refused everywhere, or will be as soon as the edges have the change; also when the token is unknown here, which is counted and reported.' },
        400: { description: '`invalid_request`, also for a token of another client; `unsupported_token_type` for one that cannot be revoked.' },
        401: { description: '`invalid_client`.' },
        503: { description: 'Nothing was recorded: the token still exists (RFC 7009 §2.2.1).' },
      },
    },
    handle: revoke,
  },
]

/** `token_type_hint` is not looked at: a wrong one must not change the outcome (RFC 7009 §2.1). */
async function revoke(call: Call): Promise<Response> {
  const { context, request } = call
  const realm = feedOf(call).name
  const wait = waitOf(call)
  const parameters = await formBody(request, context.settings.maxBodyBytes)
  const { id: client } = await context.clients.authenticate(request, parameters, { realm, attempt: call.attempt })
  const { token } = checkMembers(FORM.rules, Object.fromEntries(parameters))
  try {
    // Nothing to do looks the same as done (RFC 7009 §2.2).
    const recorded = await context.service.revokeOAuthToken(realm, client, token, call.act())
    return endingSiteData(request, await enforcedOr(call, wait, recorded, ok()), context.settings)
  } catch (error) {
    throw oauthProblem(error)
  }
}

function oauthProblem(error: unknown): unknown {
  if (!(error instanceof PortcullisError)) return error
  switch (error.code) {
    case 'unexpected_token_use':
      return unsupported()
    case 'invalid_event':
      return error.detail === 'missing_token_id' ? unsupported() : error
    case 'store_unavailable':
    case 'store_corrupt':
    case 'store_locked':
    case 'store_newer':
      return new Problem(503, 'temporarily_unavailable', 'nothing was recorded: the token still exists', {
        'retry-after': String(RETRY_AFTER_SECONDS),
      })
    default:
      return error
  }
}

function unsupported(): Problem {
  return new Problem(400, 'unsupported_token_type', 'tokens of this kind cannot be revoked')
}
