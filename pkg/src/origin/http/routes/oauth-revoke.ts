import { PortcullisError } from '../../../errors.ts'
import { readPart } from '../../../token-part.ts'
import { ok } from '../response.ts'
import type { Act } from '../../store/audit-entry.ts'
import type { Context } from '../context.ts'
import { enforcedOr, WAIT_PARAMETERS, waitOf } from '../wait.ts'
import type { IdentifiedToken } from '../../gate/gate.ts'
import { Problem } from '../problem.ts'
import { formBody, invalidRequest } from '../input.ts'
import type { Call, Route } from '../route.ts'
import type { RealmSettings } from '../../settings.ts'
import { endingSiteData } from '../site-data.ts'
import { feedOf } from './feed.ts'
import type { Recorded } from '../../api.ts'
import type { UnknownCause } from '../../service/unknown-tokens.ts'

/** How soon a client may try again whose revocation could not be stored. */
const RETRY_AFTER_SECONDS = 2

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
      body: {
        type: 'application/x-www-form-urlencoded',
        schema: {
          type: 'object',
          required: ['token'],
          // None may be given twice.
          additionalProperties: { type: 'string' },
          properties: {
            token: { type: 'string', minLength: 1 },
            token_type_hint: { type: 'string' },
            client_id: { type: 'string' },
            client_secret: { type: 'string' },
          },
        },
      },
      answers: {
        200: { description: 'It is refused everywhere, or will be as soon as the edges have heard; also when the token is not known here, which is counted and reported.' },
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
  const realm = realmOf(call)
  const wait = waitOf(call)
  const form = await formBody(request, context.settings.maxBodyBytes)
  const { id: client } = await context.clients.authenticate(request, form, { realm: realm.name, attempt: call.attempt })
  const token = form.get('token')
  if (token === undefined) throw invalidRequest('token is missing')
  const act = call.act(`client:${client}`)
  try {
    const recorded = await revokeToken(context, realm, { token, client, act })
    // What there was nothing to do for looks like what was done (RFC 7009 §2.2).
    const { sequence } = recorded ?? feedOf(call).head()
    return endingSiteData(request, await enforcedOr(call, wait, { realm: realm.name, sequence }, ok()), context.settings)
  } catch (error) {
    throw problemOf(error)
  }
}

/** `undefined`: there was nothing to revoke. */
async function revokeToken(
  context: Context,
  realm: RealmSettings,
  { token, client, act }: { token: string; client: string; act: Act },
): Promise<Recorded | undefined> {
  const { committer, tokens } = context
  const found = await kindOf(context, realm, token)
  switch (found.kind) {
    case 'access': {
      checkOwner(found.client, client)
      const { token } = found
      if (token.tokenId === undefined || token.tokenId === '') throw unsupported()
      return tokens.record(token, act)
    }
    case 'refresh': {
      checkOwner(found.client, client)
      const { session } = found
      const audit = { ...act, action: 'refresh_token_revoked', subject: session } as const
      const recorded = await committer.record(realm.name, { kind: 'session', session }, { audit })
      await realm.administration?.sessionEnded(session)
      return recorded
    }
    case 'other':
      throw unsupported()
    case 'expired':
      return undefined
    case 'unknown':
      context.unknownTokens.note(realm.name, found.cause)
      return undefined
  }
}

/** What a token is to a realm. `expired`: there is nothing to revoke; `unknown`: malformed, or of somebody else. */
type Kind =
  | { kind: 'access'; client: string | undefined; token: IdentifiedToken }
  | { kind: 'refresh'; client: string; session: string }
  | { kind: 'other' }
  | { kind: 'expired' }
  | { kind: 'unknown'; cause: UnknownCause }

async function kindOf(context: Context, realm: RealmSettings, token: string): Promise<Kind> {
  const { gate, settings, clock } = context
  try {
    const identified = await gate.identify(token)
    const usableUntil = (identified.expiresAt ?? Number.POSITIVE_INFINITY) + settings.leewaySeconds + settings.skewSeconds
    if (identified.name !== realm.name) return { kind: 'unknown', cause: 'other_realm' }
    if (usableUntil < clock()) return { kind: 'expired' }
    return { kind: 'access', token: identified, client: identified.authorizedParty ?? identified.clientId }
  } catch (error) {
    if (!(error instanceof PortcullisError) || !['invalid_token', 'unexpected_token_use'].includes(error.code)) throw error
    const refresh = await realm.administration?.refreshToken(token)
    if (refresh !== undefined) return { kind: 'refresh', client: refresh.client, session: refresh.session }
    if (error.code === 'invalid_token') return { kind: 'unknown', cause: 'not_known' }
    // That it is genuine is known; the claim says of which realm.
    return issuerOf(token, realm) === realm.issuer ? { kind: 'other' } : { kind: 'unknown', cause: 'other_realm' }
  }
}

function issuerOf(token: string, { issuerClaim = 'iss' }: RealmSettings): unknown {
  return (readPart(token.split('.', 2)[1] ?? '') as Record<string, unknown>)[issuerClaim]
}

/** RFC 7009 §2.1: it must have been issued to the client that asks. */
function checkOwner(owner: string | undefined, client: string): void {
  if (owner !== client) throw invalidRequest('the token was not issued to this client')
}

function unsupported(): Problem {
  return new Problem(400, 'unsupported_token_type', 'tokens of this kind cannot be revoked')
}

function realmOf({ context, parameter }: Call): RealmSettings {
  const name = parameter('realm')
  const realm = context.settings.realms.find((each) => each.name === name)
  if (realm === undefined) throw new PortcullisError('unknown_realm', 'no such realm here')
  return realm
}

function problemOf(error: unknown): unknown {
  if (!(error instanceof PortcullisError)) return error
  switch (error.code) {
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
