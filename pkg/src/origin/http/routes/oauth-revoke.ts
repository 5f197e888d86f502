import { PortcullisError } from '../../../errors.ts'
import { anyString, required, string } from '../../../options.ts'
import type { ClientRevocation, RefusedRequest } from '../../service/client-revocation.ts'
import { accountOf, checkOneClient, claimedClient, clientAuthorization } from '../clients.ts'
import { formBody } from '../input.ts'
import { Problem } from '../problem.ts'
import { checkMembers, formRequest } from '../request-body.ts'
import { feedOf } from '../realm.ts'
import { ok } from '../response.ts'
import type { Call, Route } from '../route.ts'
import { endingSiteData } from '../site-data.ts'
import { enforcedOr, WAIT_PARAMETERS, waitOf } from '../wait.ts'
import { UPSTREAM } from '../upstream.ts'

/** The `detail`s of tokens without a claim by which they can be revoked. */
const WITHOUT_REACH = ['missing_token_id', 'missing_session', 'missing_subject']
/** How soon a client may retry if its revocation could not be stored. */
const RETRY_AFTER_SECONDS = 2

const FORM = formRequest({
  token: required(string),
  token_type_hint: anyString,
  client_id: anyString,
  client_secret: anyString,
  client_assertion: anyString,
  client_assertion_type: anyString,
})
/** A client must authenticate in only one way (RFC 6749 §2.3). */
const BODY = { ...FORM, schema: { ...FORM.schema, not: { required: ['client_secret', 'client_assertion'] } } }

/**
 * `POST /realms/{realm}/protocol/openid-connect/revoke` (RFC 7009) revokes a token for the client to which it was
 * issued.
 */
export const revocationRoutes: readonly Route[] = [
  {
    method: 'POST',
    path: '/realms/{realm}/protocol/openid-connect/revoke',
    tag: 'revocation',
    access: 'anybody',
    operation: {
      summary:
        'A client revokes an access token, or with a refresh token the session it belongs to (RFC 7009). With a connector, the identity server authenticates clients that are not known here.',
      query: WAIT_PARAMETERS,
      body: BODY,
      answers: {
        200: {
          description:
            'It is refused everywhere, or will be as soon as the edges have the change; also when the token is unknown here, which is counted and reported.',
          headers: UPSTREAM,
        },
        400: {
          description:
            '`invalid_request`, also for a token of another client; `unsupported_token_type` for one that cannot be revoked.',
        },
        401: { description: '`invalid_client`.' },
        503: { description: 'Nothing was recorded: the token still exists (RFC 7009 §2.2.1).' },
      },
    },
    handle: revoke,
  },
]

/** `token_type_hint` is ignored, because a wrong one must not change the outcome (RFC 7009 §2.1). */
async function revoke(call: Call): Promise<Response> {
  const { context, request } = call
  const realm = feedOf(call).name
  const wait = waitOf(call)
  const form = await formBody(request, context.settings.maxBodyBytes)
  const requested = await authenticated(call, realm, form)
  checkMembers(FORM.rules, Object.fromEntries(form))
  try {
    // A token with nothing to revoke gets the same response (RFC 7009 §2.2).
    const recorded = await context.operations.revokeForClient(requested, call.act())
    // Parallel guesses beyond the limit get no result.
    if (requested.authenticated === 'upstream') call.attempt(accountOf(requested.client ?? ''))
    if ('kind' in recorded) throw refusal(recorded.error)
    return endingSiteData(request, await enforcedOr(call, wait, recorded, ok()), context.cors, context.settings)
  } catch (error) {
    throw oauthProblem(error)
  }
}

/**
 * Authenticates the client here, or leaves it to the realm's identity server if a connector can ask it and the client
 * is not known here.
 */
async function authenticated(call: Call, realm: string, form: ReadonlyMap<string, string>): Promise<ClientRevocation> {
  const { context, request } = call
  checkOneClient(request, form)
  const asked = { realm, request: { form: passable(form), authorization: clientAuthorization(request) } }
  const hasEndpoint = context.connections.get(realm)?.some(({ revocation }) => revocation !== undefined) === true
  if (hasEndpoint && !context.clients.knows(request, form, realm)) {
    const client = claimedClient(request, form)
    call.attempt(accountOf(client ?? ''))
    return { ...asked, client, authenticated: 'upstream' }
  }
  const { id: client } = await context.clients.authenticate(request, form, { realm, attempt: call.attempt })
  return { ...asked, client, authenticated: 'here' }
}

/** Returns only the parameters of RFC 7009 and of client authentication. */
function passable(form: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  return new Map([...form].filter(([name]) => Object.hasOwn(FORM.rules, name)))
}

function refusal(error: RefusedRequest['error']): Problem {
  switch (error) {
    case 'invalid_client':
      return new Problem(401, error, 'the identity server does not know the client, or its credentials are wrong')
    case 'invalid_request':
      return new Problem(400, error, 'the identity server refused the request: was the token issued to this client?')
    case 'unsupported_token_type':
      return unsupported()
  }
}

function oauthProblem(error: unknown): unknown {
  if (!(error instanceof PortcullisError)) return error
  switch (error.code) {
    case 'unexpected_token_use':
      return unsupported()
    case 'invalid_event':
      return WITHOUT_REACH.includes(error.detail ?? '') ? unsupported() : error
    case 'connector_failed':
      return unavailable('nothing was recorded: the identity server cannot be reached at the moment')
    case 'store_unavailable':
    case 'store_corrupt':
    case 'store_locked':
    case 'store_newer':
      return unavailable('nothing was recorded: the token still exists')
    default:
      return error
  }
}

function unsupported(): Problem {
  return new Problem(400, 'unsupported_token_type', 'tokens of this kind cannot be revoked')
}

function unavailable(description: string): Problem {
  return new Problem(503, 'temporarily_unavailable', description, { 'retry-after': String(RETRY_AFTER_SECONDS) })
}
