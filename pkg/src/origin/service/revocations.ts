import { PortcullisError } from '../../errors.ts'
import { isObject } from '../../options.ts'
import type { Act, AuditAction } from '../store/audit-entry.ts'
import type { Clock } from '../clock.ts'
import type { LedgerCore, LedgerCorrection, LedgerEvent } from '../core/ledger.ts'
import type { IdentifiedToken, OriginGate } from '../gate/gate.ts'
import { type KnownKey, knownKeys } from '../gate/known-keys.ts'
import type { Committer } from '../recording/committer.ts'
import { isName, MAX_NAME_BYTES } from '../core/name.ts'
import type { Settings } from '../settings.ts'
import type { TokenRevocations } from './token-revocation.ts'
import { type Correction, CORRECTIONS, type DatedAct, type Origin, type Recorded } from '../api.ts'

export interface RevocationsOptions {
  settings: Settings
  committer: Committer
  gate: OriginGate
  tokens: TokenRevocations
  clock: Clock
  /** Throws `unknown_realm` or `closed`. */
  ledger: (realm: string) => LedgerCore
  /** Hears of what failed after a revocation was recorded. */
  onFault: (cause: unknown, message: string) => void
}

type Revocations = Pick<
  Origin,
  | 'revokeToken'
  | 'endSession'
  | 'endClientSession'
  | 'logoutUser'
  | 'logoutRealm'
  | 'setClientNotBefore'
  | 'setRealmNotBefore'
  | 'banKey'
  | 'raiseTokenVersion'
  | 'correct'
>

/** The verbs of an origin: what is said to it becomes an event, and a line of the audit log in the same transaction. */
export function createRevocations(options: RevocationsOptions): Revocations {
  const { committer } = options
  function record(
    realm: string,
    event: LedgerEvent,
    action: AuditAction,
    subject: string | undefined,
    { occurredAt: _, ...act }: DatedAct = {},
  ): Promise<Recorded> {
    return committer.record(realm, event, { audit: entryOf(action, subject, act) })
  }
  return {
    revokeToken: (token, act) => revokeToken(options, token, act),
    async endSession(realm, sid, act) {
      const event = { kind: 'session', session: name('sid', sid), ...occurrence(act) } as const
      const recorded = await record(realm, event, 'session_ended', sid, act)
      await tellIssuer(options, realm, sid)
      return recorded
    },
    async endClientSession(realm, sid, azp, act) {
      const names = { session: name('sid', sid), authorizedParty: name('azp', azp) }
      const event = { kind: 'clientSession', ...names, ...occurrence(act) } as const
      return record(realm, event, 'client_session_ended', sid, act)
    },
    async logoutUser(realm, sub, act) {
      return record(realm, { kind: 'user', subject: name('sub', sub), ...occurrence(act) }, 'user_logged_out', sub, act)
    },
    async logoutRealm(realm, act) {
      return record(realm, { kind: 'realm', ...occurrence(act) }, 'realm_logged_out', undefined, act)
    },
    async setClientNotBefore(realm, client, notBefore, act) {
      const event = { kind: 'client', client: name('client', client), ...eitherTime(notBefore, act) } as const
      return record(realm, event, 'client_not_before_set', client, act)
    },
    async setRealmNotBefore(realm, notBefore, act) {
      return record(realm, { kind: 'realm', ...eitherTime(notBefore, act) }, 'realm_not_before_set', undefined, act)
    },
    banKey: (realm, kid, { force = false, ...act } = {}) => banKey(options, realm, kid, force, act),
    async raiseTokenVersion(realm, sub, version, act) {
      const event = { kind: 'tokenVersion', subject: name('sub', sub), minimum: whole('version', version) } as const
      return record(realm, event, 'token_version_raised', sub, act)
    },
    async correct(realm, correction, act) {
      if (act?.reason === undefined || act.reason === '') throw refused('missing_reason', 'a correction needs a reason')
      const checked = checkedCorrection(correction)
      return record(realm, { kind: 'correction', correction: checked }, 'corrected', subjectOf(checked), act)
    },
  }
}

async function revokeToken(
  { settings, gate, tokens, clock, ledger }: RevocationsOptions,
  token: string,
  act: Act = {},
): Promise<Recorded> {
  const identified = await gate.identify(token)
  const { name: realm, tokenId, expiresAt } = identified
  if (tokenId === undefined || tokenId === '') throw refused('missing_token_id', 'the token has no jti')
  // Refused everywhere for its age alone, and for good: nothing needs to be remembered.
  const margin = settings.leewaySeconds + settings.skewSeconds
  if (expiresAt !== undefined && expiresAt + margin < clock()) return { realm, sequence: ledger(realm).sequence }
  const recorded = await tokens.record(identified, { actor: holderOf(identified, tokenId), ...act })
  if (recorded === undefined) throw new PortcullisError('invalid_token', 'invalid token', { detail: 'withdrawn_key_exhausted' })
  return recorded
}

/**
 * The actor, unless the caller has named one: who holds a token acts for its user, or for its client where it has no user. What
 * a withdrawn key has signed says nothing reliable of either.
 */
function holderOf(token: IdentifiedToken, tokenId: string): string {
  if (token.signedBy === 'withdrawn') return `token:${tokenId}`
  if (token.subject !== undefined) return `user:${token.subject}`
  const client = token.authorizedParty ?? token.clientId
  return client === undefined ? `token:${tokenId}` : `client:${client}`
}

async function banKey(
  { committer, gate, ledger }: RevocationsOptions,
  realm: string,
  kid: string,
  force: boolean,
  act: Act,
): Promise<Recorded> {
  const known = await knownKeys(await gate.keys(realm))
  // One that the issuer has withdrawn can be banned too: a thief can still sign with it.
  const named = [...known, ...(await knownKeys(gate.withdrawnKeys(realm)))]
  const thumbprint = named.find((key) => key.kid === kid || key.thumbprint === kid)?.thumbprint
  if (thumbprint === undefined) throw refused('unknown_key', 'the realm has no such key')
  const isLeft = (key: KnownKey): boolean =>
    key.use !== 'enc' && key.thumbprint !== thumbprint && !ledger(realm).bans(key.thumbprint)
  // Of two bans that come together, the second must not take the first one's key for the one that is left.
  function guard(): void {
    if (force || known.some(isLeft) || ledger(realm).bans(String(thumbprint))) return
    throw refused('last_key', "it is the realm's last signing key: nobody could log in any more, so it takes force")
  }
  return committer.record(
    realm,
    { kind: 'keyBanned', thumbprint },
    { audit: entryOf('key_banned', thumbprint, act), guard },
  )
}

/** What the issuer beside the origin keeps of the session must go too; the ledger refuses it already. */
async function tellIssuer({ settings, onFault }: RevocationsOptions, realm: string, sid: string): Promise<void> {
  const issuer = settings.realms.find((each) => each.name === realm)?.administration
  await issuer
    ?.sessionEnded(sid)
    .catch((cause: unknown) => onFault(cause, `realm ${realm}: the issuer could not end a session that is revoked`))
}

function checkedCorrection(correction: Correction): LedgerCorrection {
  // A list of one kind would be taken for its name.
  if (!isObject(correction) || typeof correction.kind !== 'string' || !Object.hasOwn(CORRECTIONS, correction.kind)) {
    throw refused('unknown_kind', `kind must be one of ${Object.keys(CORRECTIONS).join(', ')}`)
  }
  const members = ['kind', ...CORRECTIONS[correction.kind]]
  if (Object.keys(correction).some((member) => !members.includes(member))) {
    throw refused('unknown_member', `a correction of this kind has no members but ${members.join(', ')}`)
  }
  switch (correction.kind) {
    case 'session':
      return { kind: 'session', session: name('session', correction.session), ...time(correction.notBefore) }
    case 'clientSession': {
      const { session, authorizedParty, notBefore } = correction
      const names = { session: name('session', session), authorizedParty: name('authorizedParty', authorizedParty) }
      return { kind: 'clientSession', ...names, ...time(notBefore) }
    }
    case 'user':
      return { kind: 'user', subject: name('subject', correction.subject), ...time(correction.notBefore) }
    case 'client':
      return { kind: 'client', client: name('client', correction.client), ...time(correction.notBefore) }
    case 'realm':
      return { kind: 'realm', ...time(correction.notBefore) }
    case 'keyBanned':
      return { kind: 'keyBanned', thumbprint: checkThumbprint(correction.thumbprint) }
    case 'tokenVersion':
      return {
        kind: 'tokenVersion',
        subject: name('subject', correction.subject),
        minimum: whole('minimum', correction.minimum),
      }
  }
}

/** Whom the audit log names. */
function subjectOf(correction: LedgerCorrection): string | undefined {
  switch (correction.kind) {
    case 'session':
    case 'clientSession':
      return correction.session
    case 'user':
    case 'tokenVersion':
      return correction.subject
    case 'client':
      return correction.client
    case 'keyBanned':
      return correction.thumbprint
    case 'realm':
      return undefined
  }
}

function entryOf(
  action: AuditAction,
  subject: string | undefined,
  act: Act,
): Act & { action: AuditAction; subject?: string } {
  return { ...act, action, ...(subject === undefined ? {} : { subject }) }
}

function name(what: string, value: unknown): string {
  if (isName(value)) return value
  throw refused('invalid_name', `${what} must be a string of 1 to ${MAX_NAME_BYTES} bytes of UTF-8`)
}

/** The time of the event itself, where its source states one. It may be fractional, as NumericDates may. */
function occurrence({ occurredAt }: DatedAct = {}): { occurredAt?: number } {
  if (occurredAt === undefined) return {}
  if (typeof occurredAt === 'number' && Number.isFinite(occurredAt) && occurredAt > 0) return { occurredAt }
  throw refused('invalid_time', 'occurredAt must be a number of unix seconds, more than 0')
}

/** A value that the caller chose, or the time of the event itself. */
function eitherTime(notBefore: unknown, act: DatedAct | undefined): { notBefore?: number; occurredAt?: number } {
  const [chosen, occurred] = [time(notBefore), occurrence(act)]
  if (chosen.notBefore === undefined || occurred.occurredAt === undefined) return { ...chosen, ...occurred }
  throw refused('invalid_time', 'either notBefore or occurredAt may be given, not both')
}

/** A not-before that is given. */
function time(notBefore: unknown): { notBefore?: number } {
  if (notBefore === undefined) return {}
  if (Number.isSafeInteger(notBefore) && Number(notBefore) > 0) return { notBefore: Number(notBefore) }
  throw refused('invalid_time', 'notBefore must be a whole number of unix seconds, more than 0')
}

function whole(what: string, value: unknown): number {
  if (Number.isSafeInteger(value) && Number(value) >= 0) return Number(value)
  throw refused('invalid_version', `${what} must be a whole number, 0 or more`)
}

function checkThumbprint(value: unknown): string {
  if (typeof value === 'string' && /^[A-Za-z0-9_-]{43}$/.test(value)) return value
  throw refused('unknown_key', "thumbprint must be a key's RFC 7638 thumbprint, 43 characters")
}

function refused(detail: string, message: string): PortcullisError {
  return new PortcullisError('invalid_event', message, { detail })
}
