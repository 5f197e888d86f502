import { within } from '../../timing/deadline.ts'
import type { Act, Recorded, UpstreamOutcome } from '../api.ts'
import type { ClientRequest, EndpointAnswer, RevocationEndpoint } from '../connectors/revocation-endpoint.ts'
import { type OAuthRevocationOptions, revokeAccessToken, revokeOAuthToken } from './oauth-revocation.ts'
import { ofClient } from './recorder.ts'
import type { UnrecordedEnds } from './unrecorded-ends.ts'

export interface ClientRevocationOptions extends OAuthRevocationOptions {
  /** Returns the revocation endpoint of a realm's identity server; `undefined` if no connector has one. */
  endpoint: (realm: string) => RevocationEndpoint | undefined
  unrecorded: UnrecordedEnds
}

export interface ClientRevocation {
  realm: string
  request: ClientRequest
  /** The client that the request names. */
  client: string | undefined
  /** Where the client is authenticated: by the origin (`here`), or by the identity server (`upstream`). */
  authenticated: 'here' | 'upstream'
}

/** How long the response to a client waits for the identity server if the token has already been revoked here. */
const UPSTREAM_WAIT_MS = 2_000

/** A request that the identity server has refused. */
export type RefusedRequest = Extract<EndpointAnswer, { kind: 'refused' }>

/**
 * Revokes a token for a client. An access token that is known here is revoked here, then at the realm's identity
 * server. Other tokens, and all tokens of clients that are not known here, are sent to that server with the client's
 * own credentials, and what it revokes is recorded here. Rejects as `Origin.revokeOAuthToken`, or with
 * `connector_failed`; then nothing was recorded.
 */
export async function revokeForClient(
  options: ClientRevocationOptions,
  revocation: ClientRevocation,
  act: Act,
): Promise<Recorded | RefusedRequest> {
  const { realm, request, client = '', authenticated } = revocation
  const endpoint = options.endpoint(realm)
  const token = request.form.get('token') ?? ''
  if (authenticated === 'here') {
    const found = await revokeOAuthToken(
      options,
      realm,
      client,
      token,
      act,
      endpoint === undefined ? 'record' : 'leave',
    )
    if (found !== 'not_known')
      return endpoint === undefined ? found : { ...found, upstream: outcomeOf(endpoint.revoke(request)) }
  }
  // Without an endpoint no client can be authenticated upstream.
  const answer: EndpointAnswer = (await endpoint?.revoke(request)) ?? { kind: 'refused', error: 'invalid_client' }
  // A client that is known here may be unknown to the server.
  if (answer.kind === 'refused' && !(authenticated === 'here' && answer.error === 'invalid_client')) return answer
  return record(options, revocation, answer, act)
}

/** Waits for the server once. The client's credentials are not stored, so a late outcome counts as `refused`. */
async function outcomeOf(asked: Promise<EndpointAnswer>): Promise<UpstreamOutcome> {
  const done = asked.then((answer) => answer.kind !== 'refused')
  return (await within(done, UPSTREAM_WAIT_MS)) === 'done' && (await done) ? 'done' : 'refused'
}

async function record(
  options: ClientRevocationOptions,
  { realm, request, client }: ClientRevocation,
  answer: EndpointAnswer,
  act: Act,
): Promise<Recorded> {
  const { recorder, issuers, unknownTokens, unrecorded } = options
  const token = request.form.get('token') ?? ''
  const ended = answer.kind === 'revoked' ? answer.clientSession : await unrecorded.of(realm, token)
  if (ended !== undefined) {
    const event = {
      kind: 'clientSession',
      session: ended.session,
      authorizedParty: ended.client,
      occurredAt: ended.occurredAt,
    } as const
    const line = { action: 'refresh_token_revoked', subject: ended.session, detail: ofClient(ended.client) } as const
    return unrecorded.recorded(realm, token, ended, () =>
      recorder.record(realm, event, line, {
        actor: `client:${ended.client}`,
        ...act,
        ...issuers.firstOf(realm),
        upstream: 'skip',
      }),
    )
  }
  // An access token with a good signature is recorded even if the server does not know it: after this response it must
  // not be accepted.
  const owner = ownerOf(client, answer)
  const revoked = owner === undefined ? undefined : await revokeAccessToken(options, realm, owner, token, act)
  if (revoked !== undefined) return revoked
  unknownTokens.note(realm, 'not_known')
  return recorder.inForce(realm)
}

/**
 * Returns the owner of the token. A client named by an assertion (RFC 7523 §2.2) is known only to the server, which
 * revokes only that client's tokens.
 */
function ownerOf(client: string | undefined, { kind }: EndpointAnswer): { client: string } | 'confirmed' | undefined {
  if (client !== undefined) return { client }
  return kind === 'revoked' ? 'confirmed' : undefined
}
