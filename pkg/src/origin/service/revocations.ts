import { PortcullisError } from '../../errors.ts'
import type { DatedAct, Origin, Recorded, RevokedToken } from '../api.ts'
import type { Clock } from '../clock.ts'
import type { LedgerCore } from '../core/ledger.ts'
import type { IdentifiedToken, OriginGate } from '../gate/gate.ts'
import { type KnownKey, knownKeys } from '../gate/known-keys.ts'
import type { Settings } from '../settings.ts'
import { checkName, checkNotBefore, checkOccurrence, checkTokenTimes, checkVersion, refused } from './checks.ts'
import { correct } from './corrections.ts'
import { tellSessionEnded } from './issuer.ts'
import { type OAuthRevocationOptions, revokeOAuthToken } from './oauth-revocation.ts'
import { ofClient, type Recorder } from './recorder.ts'
import type { TokenRevocations } from './token-revocation.ts'

export interface RevocationsOptions extends OAuthRevocationOptions {
  settings: Settings
  gate: OriginGate
  recorder: Recorder
  tokens: TokenRevocations
  clock: Clock
  /** Throws `unknown_realm` or `closed`. */
  ledger: (realm: string) => LedgerCore
}

type Revocations = Pick<
  Origin,
  | 'revokeToken'
  | 'revokeOAuthToken'
  | 'revokeTokenId'
  | 'endSession'
  | 'endClientSession'
  | 'logoutUser'
  | 'endGrant'
  | 'logoutRealm'
  | 'setClientNotBefore'
  | 'setRealmNotBefore'
  | 'banKey'
  | 'raiseKeyNotBefore'
  | 'raiseTokenVersion'
  | 'correct'
>

/**
 * Creates the verbs of an origin. Each records an event, with an audit log line in the same transaction, and checks the
 * event's own time. Verbs that set no not-before (a token id, a key, a version) use that time only to measure the
 * issuer's lead.
 */
export function createRevocations(options: RevocationsOptions): Revocations {
  const { recorder } = options
  return {
    revokeToken: (token, act) => revokeToken(options, token, act),
    revokeOAuthToken: (realm, client, token, act) => revokeOAuthToken(options, realm, client, token, act),
    async revokeTokenId(realm, tokenId, { expiresAt, issuedAt, ...act } = {}) {
      checkOccurrence(act)
      const event = {
        kind: 'token',
        tokenId: checkName('tokenId', tokenId),
        ...checkTokenTimes(expiresAt, issuedAt),
      } as const
      return recorder.record(realm, event, { action: 'token_revoked', subject: tokenId }, act)
    },
    async endSession(realm, sid, act) {
      const event = { kind: 'session', session: checkName('sid', sid), ...checkOccurrence(act) } as const
      const recorded = await recorder.record(realm, event, { action: 'session_ended', subject: sid }, act)
      await tellSessionEnded(options, realm, sid)
      return recorded
    },
    async endClientSession(realm, sid, azp, act) {
      const names = { session: checkName('sid', sid), authorizedParty: checkName('azp', azp) }
      const event = { kind: 'clientSession', ...names, ...checkOccurrence(act) } as const
      return recorder.record(realm, event, { action: 'client_session_ended', subject: sid, detail: ofClient(azp) }, act)
    },
    async logoutUser(realm, sub, act) {
      const event = { kind: 'user', subject: checkName('sub', sub), ...checkOccurrence(act) } as const
      return recorder.record(realm, event, { action: 'user_logged_out', subject: sub }, act)
    },
    async endGrant(realm, sub, client, { notBefore, ...act } = {}) {
      const names = { subject: checkName('sub', sub), client: checkName('client', client) }
      const event = { kind: 'grant', ...names, ...eitherTime(notBefore, act) } as const
      return recorder.record(realm, event, { action: 'grant_ended', subject: sub, detail: ofClient(client) }, act)
    },
    async logoutRealm(realm, act) {
      return recorder.record(realm, { kind: 'realm', ...checkOccurrence(act) }, { action: 'realm_logged_out' }, act)
    },
    async setClientNotBefore(realm, client, notBefore, act) {
      const event = { kind: 'client', client: checkName('client', client), ...eitherTime(notBefore, act) } as const
      return recorder.record(realm, event, { action: 'client_not_before_set', subject: client }, act)
    },
    async setRealmNotBefore(realm, notBefore, act) {
      return recorder.record(
        realm,
        { kind: 'realm', ...eitherTime(notBefore, act) },
        { action: 'realm_not_before_set' },
        act,
      )
    },
    banKey: (realm, kid, { force = false, ...act } = {}) => banKey(options, realm, kid, force, act),
    async raiseKeyNotBefore(realm, kid, { notBefore, ...act } = {}) {
      const time = eitherTime(notBefore, act)
      const { thumbprint } = await keyOf(options, realm, kid)
      const event = { kind: 'keyNotBefore', thumbprint, ...time } as const
      return recorder.record(realm, event, { action: 'key_not_before_raised', subject: thumbprint }, act)
    },
    async raiseTokenVersion(realm, sub, version, act) {
      checkOccurrence(act)
      const event = {
        kind: 'tokenVersion',
        subject: checkName('sub', sub),
        minimum: checkVersion('version', version),
      } as const
      return recorder.record(realm, event, { action: 'token_version_raised', subject: sub }, act)
    },
    correct: (realm, correction, act) => correct(recorder, realm, correction, act),
  }
}

async function revokeToken(
  { settings, gate, recorder, tokens, clock }: RevocationsOptions,
  token: string,
  act: DatedAct = {},
): Promise<RevokedToken> {
  checkOccurrence(act)
  const identified = await gate.identify(token)
  const { name: realm, tokenId = '', expiresAt } = identified
  // From now on every gate refuses the token for its age alone: nothing needs to be recorded.
  const margin = settings.leewaySeconds + settings.skewSeconds
  if (tokenId !== '' && expiresAt !== undefined && expiresAt + margin < clock())
    return { ...recorder.inForce(realm), ended: 'token' }
  const recorded = await tokens.record(token, identified, { actor: holderOf(identified, tokenId), ...act })
  if (recorded === undefined)
    throw new PortcullisError('invalid_token', 'invalid token', { detail: 'withdrawn_key_exhausted' })
  return recorded
}

/**
 * Returns the actor, unless the caller has named one: the holder of a token acts for its user, or for its client if it
 * has no user. Claims signed by a withdrawn key prove neither.
 */
function holderOf(token: IdentifiedToken, tokenId: string): string {
  if (token.signedBy === 'withdrawn') return `token:${tokenId}`
  if (token.subject !== undefined) return `user:${token.subject}`
  const client = token.authorizedParty ?? token.clientId
  return client === undefined ? `token:${tokenId === '' ? 'without-id' : tokenId}` : `client:${client}`
}

async function banKey(
  options: RevocationsOptions,
  realm: string,
  kid: string,
  force: boolean,
  act: DatedAct,
): Promise<Recorded> {
  checkOccurrence(act)
  const { recorder, ledger } = options
  const { known, thumbprint } = await keyOf(options, realm, kid)
  const isLeft = (key: KnownKey): boolean => key.thumbprint !== thumbprint && !ledger(realm).bans(key.thumbprint)
  // Checks the committed state, so that of two simultaneous bans the second does not count the first one's key as still
  // usable.
  function guard(): void {
    if (force || known.some(isLeft) || ledger(realm).bans(thumbprint)) return
    throw refused('last_key', "it is the realm's last signing key: banning it makes logins fail, so it requires force")
  }
  return recorder.record(
    realm,
    { kind: 'keyBanned', thumbprint },
    { action: 'key_banned', subject: thumbprint },
    act,
    guard,
  )
}

/**
 * Returns the key with that `kid` or thumbprint, and all keys of the issuer's set. Withdrawn keys are included, because
 * a thief can still sign with one. Throws `unknown_key`, or `ambiguous_key` if different keys have or had that `kid`:
 * an issuer that gives the successor of a stolen key the same name must not have the successor banned while the thief's
 * key stays valid.
 */
async function keyOf(
  { gate }: RevocationsOptions,
  realm: string,
  kid: string,
): Promise<{ known: KnownKey[]; thumbprint: string }> {
  const known = await knownKeys(await gate.keys(realm))
  const withdrawn = await knownKeys(gate.withdrawnKeys(realm))
  const all = [...known, ...withdrawn]
  if (all.some(({ thumbprint }) => thumbprint === kid)) return { known, thumbprint: kid }
  const [thumbprint, ...others] = new Set(all.filter((key) => key.kid === kid).map((key) => key.thumbprint))
  if (thumbprint === undefined) throw refused('unknown_key', 'the realm has no such key')
  if (others.length > 0) {
    const message = 'several keys of the realm have or recently had that kid: specify one by its RFC 7638 thumbprint'
    throw refused('ambiguous_key', `${message}${noteOf(withdrawn.filter((key) => key.kid === kid))}`)
  }
  return { known, thumbprint }
}

/**
 * Returns the detail that names withdrawn keys, which no list of keys contains. The thumbprint of a symmetric key would
 * be a hash of the secret.
 */
function noteOf(withdrawn: readonly KnownKey[]): string {
  const named = withdrawn.filter(({ jwk }) => jwk.kty !== 'oct').map(({ thumbprint }) => thumbprint)
  return named.length === 0 ? '' : `; withdrawn: ${named.join(', ')}`
}

/** Returns a value that the caller chose, or the time of the event itself. */
function eitherTime(notBefore: unknown, act: DatedAct | undefined): { notBefore?: number; occurredAt?: number } {
  const [chosen, occurred] = [checkNotBefore(notBefore), checkOccurrence(act)]
  if (chosen.notBefore === undefined || occurred.occurredAt === undefined) return { ...chosen, ...occurred }
  throw refused('invalid_time', 'either notBefore or occurredAt may be given, not both')
}
