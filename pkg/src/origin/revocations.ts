import { calculateJwkThumbprint, type JWK as JoseJwk } from 'jose'
import { PortcullisError } from '../errors.ts'
import type { JWK } from '../types.ts'
import type { Clock } from './clock.ts'
import type { LedgerCore } from './core.ts'
import type { OriginGate } from './gate.ts'
import type { Committer } from './ledger.ts'
import type { Settings } from './settings.ts'
import type { Origin, Recorded } from './types.ts'

/** The longest name of a user or session that is recorded, in characters. OpenID Connect allows 255 (Core §2). */
const MAX_NAME_CHARACTERS = 1_024

export interface RevocationsOptions {
  settings: Settings
  committer: Committer
  gate: OriginGate
  clock: Clock
  /** Throws `unknown_realm` or `closed`. */
  ledger: (realm: string) => LedgerCore
}

type Revocations = Pick<Origin, 'revokeToken' | 'endSession' | 'logoutUser' | 'logoutRealm' | 'banKey' | 'raiseTokenVersion'>

/** The verbs of an origin: what is said to it becomes an event. */
export function createRevocations(options: RevocationsOptions): Revocations {
  const { committer } = options
  return {
    revokeToken: (token) => revokeToken(options, token),
    async endSession(realm, sid) {
      return committer.record(realm, { kind: 'session', session: name('sid', sid) })
    },
    async logoutUser(realm, sub) {
      return committer.record(realm, { kind: 'user', subject: name('sub', sub) })
    },
    logoutRealm: (realm) => committer.record(realm, { kind: 'realm' }),
    banKey: (realm, kid, { force = false } = {}) => banKey(options, realm, kid, force),
    async raiseTokenVersion(realm, sub, version) {
      if (!Number.isSafeInteger(version) || version < 0) throw refused('invalid_version', 'version must be a whole number, 0 or more')
      return committer.record(realm, { kind: 'tokenVersion', subject: name('sub', sub), minimum: version })
    },
  }
}

async function revokeToken({ settings, committer, gate, clock, ledger }: RevocationsOptions, token: string): Promise<Recorded> {
  const { name: realm, tokenId, expiresAt, issuedAt } = await gate.identify(token)
  if (tokenId === undefined || tokenId === '') throw refused('missing_token_id', 'the token has no jti')
  // Refused everywhere for its age alone, and for good: nothing needs to be remembered.
  const margin = settings.leewaySeconds + settings.skewSeconds
  if (expiresAt !== undefined && expiresAt + margin < clock()) return { realm, sequence: ledger(realm).head().sequence }
  return committer.record(realm, {
    kind: 'token',
    tokenId,
    ...(expiresAt === undefined ? {} : { expiresAt }),
    ...(issuedAt === undefined ? {} : { issuedAt }),
  })
}

async function banKey({ committer, gate, ledger }: RevocationsOptions, realm: string, kid: string, force: boolean): Promise<Recorded> {
  const { keys } = await gate.keys(realm)
  const known = await Promise.all(keys.map(async (key) => ({ kid: key.kid, use: key.use, thumbprint: await thumbprintOf(key) })))
  const banned = known.find((key) => key.thumbprint !== undefined && (key.kid === kid || key.thumbprint === kid))
  if (banned?.thumbprint === undefined) throw refused('unknown_key', 'the realm has no such key')
  const signs = ({ use, thumbprint }: (typeof known)[number]): boolean =>
    use !== 'enc' && thumbprint !== undefined && thumbprint !== banned.thumbprint && !ledger(realm).bans(thumbprint)
  if (!force && !known.some(signs)) {
    throw refused('last_key', "it is the realm's last signing key: nobody could log in any more, so it takes force")
  }
  return committer.record(realm, { kind: 'keyBanned', thumbprint: banned.thumbprint })
}

/** RFC 7638. `undefined` for what is no key we know the members of. */
async function thumbprintOf(key: JWK): Promise<string | undefined> {
  try {
    return await calculateJwkThumbprint(key as JoseJwk)
  } catch {
    return undefined
  }
}

function name(what: string, value: string): string {
  if (typeof value === 'string' && value !== '' && value.length <= MAX_NAME_CHARACTERS) return value
  throw refused('invalid_name', `${what} must be a text of 1 to ${MAX_NAME_CHARACTERS} characters`)
}

function refused(detail: string, message: string): PortcullisError {
  return new PortcullisError('invalid_event', message, { detail })
}
