import { PortcullisError } from '../../errors.ts'
import { issuerNames } from '../../issuer-names.ts'
import { statedIssuer } from '../../token-part.ts'
import type { DatedAct, RevokedToken } from '../api.ts'
import type { Clock } from '../clock.ts'
import type { IdentifiedToken, OriginGate } from '../gate/gate.ts'
import type { RealmSettings, Settings } from '../settings.ts'
import { checkOccurrence, refused } from './checks.ts'
import { tellSessionEnded } from './issuer.ts'
import type { Recorder } from './recorder.ts'
import type { SubjectIssuers } from './subject-issuers.ts'
import type { TokenRevocations } from './token-revocation.ts'
import type { UnknownCause, UnknownTokens } from './unknown-tokens.ts'

export interface OAuthRevocationOptions {
  settings: Settings
  clock: Clock
  gate: OriginGate
  recorder: Recorder
  tokens: TokenRevocations
  issuers: SubjectIssuers
  unknownTokens: UnknownTokens
  /** Reports a failure that occurs after a revocation was recorded. */
  onFault: (cause: unknown, message: string) => void
}

/** Revokes a token for the client to which it was issued, as `Origin.revokeOAuthToken` does. */
export function revokeOAuthToken(
  options: OAuthRevocationOptions,
  realm: string,
  client: string,
  token: string,
  given?: DatedAct,
): Promise<RevokedToken>
/** With `leave`, an unknown token is neither counted nor reported, because the caller then asks elsewhere. */
export function revokeOAuthToken(
  options: OAuthRevocationOptions,
  realm: string,
  client: string,
  token: string,
  given: DatedAct,
  unknown: 'record' | 'leave',
): Promise<RevokedToken | 'not_known'>
export async function revokeOAuthToken(
  options: OAuthRevocationOptions,
  realm: string,
  client: string,
  token: string,
  given: DatedAct = {},
  unknown: 'record' | 'leave' = 'record',
): Promise<RevokedToken | 'not_known'> {
  const { recorder, tokens, unknownTokens } = options
  const time = checkOccurrence(given)
  const act = { actor: `client:${client}`, ...given }
  const found = await kindOf(options, settingsOf(options, realm), token)
  switch (found.kind) {
    case 'access': {
      checkOwner(found.client, client)
      const recorded = await recordAccess(tokens, token, found.token, act)
      if (recorded !== 'not_acceptable') return recorded ?? { ...recorder.inForce(realm), ended: 'token' }
      if (unknown === 'leave') return 'not_known'
      unknownTokens.note(realm, 'not_known')
      return { ...recorder.inForce(realm), ended: 'token' }
    }
    case 'refresh': {
      checkOwner(found.client, client)
      const { session } = found
      const line = { action: 'refresh_token_revoked', subject: session } as const
      const recorded = await recorder.record(realm, { kind: 'session', session, ...time }, line, act)
      await tellSessionEnded(options, realm, session)
      return { ...recorded, ended: 'session' }
    }
    case 'other':
      throw new PortcullisError('unexpected_token_use', 'tokens of this kind cannot be revoked')
    case 'expired':
      return { ...recorder.inForce(realm), ended: 'token' }
    case 'unknown':
      if (unknown === 'leave' && found.cause === 'not_known') return 'not_known'
      unknownTokens.note(realm, found.cause)
      return { ...recorder.inForce(realm), ended: 'token' }
  }
}

/**
 * Revokes an access token that was issued to the client, or to a client that the issuer has confirmed as its owner.
 * Resolves to `undefined` if the token does not belong to the realm, has expired, or belongs to another client.
 */
export async function revokeAccessToken(
  options: OAuthRevocationOptions,
  realm: string,
  owner: { client: string } | 'confirmed',
  token: string,
  act: DatedAct,
): Promise<RevokedToken | undefined> {
  const found = await kindOf(options, settingsOf(options, realm), token)
  if (found.kind !== 'access' || found.client === undefined || (owner !== 'confirmed' && found.client !== owner.client))
    return undefined
  const recorded = await recordAccess(options.tokens, token, found.token, { actor: `client:${found.client}`, ...act })
  return recorded === 'not_acceptable' ? undefined : recorded
}

/**
 * Records the revocation of an access token. A token without an id that the gate does not accept, such as one for
 * another API, counts as unknown (RFC 7009 §2.2).
 */
async function recordAccess(
  tokens: TokenRevocations,
  token: string,
  identified: IdentifiedToken,
  act: DatedAct,
): Promise<RevokedToken | 'not_acceptable' | undefined> {
  try {
    return await tokens.record(token, identified, act)
  } catch (error) {
    if (error instanceof PortcullisError && error.code === 'invalid_token') return 'not_acceptable'
    throw error
  }
}

function settingsOf({ settings }: OAuthRevocationOptions, realm: string): RealmSettings {
  const found = settings.realms.find(({ name }) => name === realm)
  if (found === undefined) throw new PortcullisError('unknown_realm', 'unknown realm')
  return found
}

/** A realm's view of a token. `expired`: nothing to revoke; `unknown`: malformed, or of another issuer or realm. */
type Kind =
  | { kind: 'access'; client: string | undefined; token: IdentifiedToken }
  | { kind: 'refresh'; client: string; session: string }
  | { kind: 'other' }
  | { kind: 'expired' }
  | { kind: 'unknown'; cause: UnknownCause }

async function kindOf(
  { gate, settings, clock }: OAuthRevocationOptions,
  realm: RealmSettings,
  token: string,
): Promise<Kind> {
  try {
    const identified = await gate.identify(token)
    const usableUntil =
      (identified.expiresAt ?? Number.POSITIVE_INFINITY) + settings.leewaySeconds + settings.skewSeconds
    if (identified.name !== realm.name) return { kind: 'unknown', cause: 'other_realm' }
    if (usableUntil < clock()) return { kind: 'expired' }
    return { kind: 'access', token: identified, client: identified.authorizedParty ?? identified.clientId }
  } catch (error) {
    if (!(error instanceof PortcullisError) || !['invalid_token', 'unexpected_token_use'].includes(error.code))
      throw error
    const refresh = await realm.administration?.refreshToken(token)
    if (refresh !== undefined) return { kind: 'refresh', client: refresh.client, session: refresh.session }
    if (error.code === 'invalid_token') return { kind: 'unknown', cause: 'not_known' }
    // The token is known to be genuine; the claim states its realm.
    const issuer = statedIssuer(token, realm.issuerClaim ?? 'iss')
    return issuerNames(realm).names.some((name) => name === issuer)
      ? { kind: 'other' }
      : { kind: 'unknown', cause: 'other_realm' }
  }
}

/** Requires that the token was issued to the requesting client (RFC 7009 §2.1). */
function checkOwner(owner: string | undefined, client: string): void {
  if (owner !== client) throw refused('other_client', 'the token was not issued to this client')
}
