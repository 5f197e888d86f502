import { required, string } from '../../../options.ts'
import type { Connection, Receivers } from '../../connectors/connector.ts'
import type { ReceiverPath } from '../../connectors/receiver-paths.ts'
import { MessageRefused } from '../../connectors/message-refused.ts'
import { formBody, tokenBody } from '../input.ts'
import type { Operation, RequestBody } from '../operation.ts'
import { Problem } from '../problem.ts'
import { checkMembers, formRequest } from '../request-body.ts'
import { accepted, json, ok } from '../response.ts'
import type { Call, Route } from '../route.ts'

/** The `Retry-After` if keys or the verification budget are unavailable. */
const RETRY_AFTER_SECONDS = 2

const LOGOUT = formRequest({ logout_token: required(string) })
const ADMIN_ACTION = {
  type: 'text/plain',
  need: 'required',
  schema: { type: 'string', description: 'A compact JWS of the issuer.' },
} as const
const SECURITY_EVENT = { ...ADMIN_ACTION, type: 'application/secevent+jwt' } as const

const ANSWERS: Operation['answers'] = {
  200: { description: 'Recorded, also if it already was.' },
  400: { description: 'The message was refused, and nothing was recorded.' },
}

/**
 * Receivers of messages from the realm's identity server. A route responds with 404 unless a connector of the realm has
 * that receiver, which checks the message.
 */
export const receiverRoutes: readonly Route[] = [
  receiver('backchannel-logout', {
    summary: 'Ends the session or the sessions that a logout token names (OpenID Connect Back-Channel Logout 1.0).',
    body: LOGOUT,
    async handle(call) {
      const receive = receiverOf(call, 'backchannelLogout')
      const parameters = await formBody(call.request, call.context.settings.maxBodyBytes)
      const { logout_token } = checkMembers(LOGOUT.rules, Object.fromEntries(parameters))
      return received(() => receive(logout_token))
    },
  }),
  adminAction('k_logout', 'kLogout', 'Logs out sessions, or the realm, that the Keycloak admin action LOGOUT names.'),
  adminAction(
    'k_push_not_before',
    'kPushNotBefore',
    'Applies the not-before of the Keycloak admin action PUSH_NOT_BEFORE.',
  ),
  receiver('events', {
    summary: 'Receives a security event token by push (RFC 8935).',
    body: SECURITY_EVENT,
    answers: {
      202: { description: 'Recorded, or nothing to record.' },
      400: { description: 'Refused, and nothing was recorded: `{err, description}` (RFC 8935 §2.3).' },
    },
    async handle(call) {
      const receive = receiverOf(call, 'securityEvent')
      try {
        const token = await tokenBody(call.request, call.context.settings.maxBodyBytes, SECURITY_EVENT.type)
        await receive(token, call.request.headers.get('authorization') ?? undefined)
      } catch (error) {
        return securityEventError(error)
      }
      return accepted()
    },
  }),
]

function adminAction(path: ReceiverPath, member: 'kLogout' | 'kPushNotBefore', summary: string): Route {
  return receiver(path, {
    summary,
    body: ADMIN_ACTION,
    async handle(call) {
      const receive = receiverOf(call, member)
      const token = await tokenBody(call.request, call.context.settings.maxBodyBytes, ADMIN_ACTION.type)
      return received(() => receive(token))
    },
  })
}

function receiver(
  path: ReceiverPath,
  {
    summary,
    body,
    answers = ANSWERS,
    handle,
  }: { summary: string; body: RequestBody; answers?: Operation['answers']; handle: Route['handle'] },
): Route {
  const busy = { 503: { description: 'It cannot be verified at the moment, and nothing was recorded.' } }
  const operation = { summary, body, answers: { ...answers, ...busy } }
  return { method: 'POST', path: `/realms/{realm}/${path}`, tag: 'connectors', access: 'anybody', operation, handle }
}

/** Returns the receiver of the realm's connector. Throws a `Problem` (404). */
function receiverOf<R extends keyof Receivers>({ context, parameter }: Call, name: R): NonNullable<Receivers[R]> {
  const connections: readonly Connection[] = context.connections.get(parameter('realm')) ?? []
  const found = connections.map(({ receivers }) => receivers).find((receivers) => receivers[name] !== undefined)
  const receive = found?.[name]
  if (found === undefined || receive === undefined)
    throw new Problem(404, 'not_found', 'no connector of this realm accepts such messages')
  return receive.bind(found) as NonNullable<Receivers[R]>
}

/** Responds as OpenID Connect Back-Channel Logout 1.0 §2.8 requires. */
async function received(receive: () => Promise<void>): Promise<Response> {
  try {
    await receive()
  } catch (error) {
    throw error instanceof MessageRefused ? problemOf(error) : error
  }
  return ok()
}

function problemOf({ reason, message }: MessageRefused): Problem {
  switch (reason) {
    case 'keys_unavailable':
    case 'too_busy':
      return new Problem(503, 'temporarily_unavailable', message, { 'retry-after': String(RETRY_AFTER_SECONDS) })
    case 'malformed':
    case 'wrong_type':
    case 'unsupported_algorithm':
    case 'unknown_key':
    case 'banned_key':
    case 'bad_signature':
    case 'wrong_issuer':
    case 'wrong_audience':
    case 'expired':
    case 'issued_in_future':
    case 'missing_claim':
    case 'forbidden_claim':
    case 'invalid_claim':
    case 'unauthenticated':
      return new Problem(400, 'invalid_request', message, { 'cache-control': 'no-store' })
  }
}

/** Responds as RFC 8935 §2.3 requires. Throws errors that do not concern the token. */
function securityEventError(refusal: unknown): Response {
  if (refusal instanceof Problem && refusal.status === 400)
    return json(400, { err: 'invalid_request', description: refusal.description ?? refusal.error })
  if (!(refusal instanceof MessageRefused)) throw refusal
  const problem = problemOf(refusal)
  if (problem.status !== 400) throw problem
  return json(400, { err: errorCode(refusal), description: refusal.message })
}

/** RFC 8935 §2.4. */
function errorCode({ reason }: MessageRefused): string {
  switch (reason) {
    case 'unsupported_algorithm':
    case 'unknown_key':
    case 'banned_key':
    case 'bad_signature':
      return 'invalid_key'
    case 'wrong_issuer':
      return 'invalid_issuer'
    case 'wrong_audience':
      return 'invalid_audience'
    case 'unauthenticated':
      return 'authentication_failed'
    case 'malformed':
    case 'wrong_type':
    case 'expired':
    case 'issued_in_future':
    case 'missing_claim':
    case 'forbidden_claim':
    case 'invalid_claim':
    case 'keys_unavailable':
    case 'too_busy':
      return 'invalid_request'
  }
}
