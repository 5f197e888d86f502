// The revocations in force, as plain maps without hashing, packing or eviction. Written from the documentation of an
// origin's methods (`www/docs`, the comments of `Origin`); imports only types from the package.

import type { Reason } from 'portcullis'
import type { Policy } from './policy.ts'

/** Names and times by which revocations match a token. */
export interface Subject {
  issuer: string
  user: string | undefined
  tokenId: string | undefined
  session: string | undefined
  azp: string | undefined
  clientId: string | undefined
  grant: string | undefined
  thumbprint: string
  version: number
  /** The time that not-befores are compared to: `iat` or `auth_time`. */
  comparedAt: number
  lastLogout: number | undefined
}

/** The time of an event: its own, the caller's choice, or neither. */
export interface EventTime {
  occurredAt?: number
  notBefore?: number
}

export class Revocations {
  readonly #policy: Policy
  #realm: number | undefined
  readonly #clients = new Map<string, number>()
  readonly #keys = new Map<string, number>()
  readonly #bans = new Set<string>()
  readonly #users = new Map<string, number>()
  readonly #sessions = new Map<string, number>()
  readonly #clientSessions = new Map<string, number>()
  readonly #grants = new Map<string, number>()
  readonly #versions = new Map<string, number>()
  readonly #tokens = new Set<string>()

  constructor(policy: Policy) {
    this.#policy = policy
  }

  bans(thumbprint: string): boolean {
    return this.#bans.has(thumbprint)
  }

  /** Returns the reason of the widest revocation that refuses the token. */
  reason(token: Subject): Reason | undefined {
    const { comparedAt, user, session } = token
    const reaches = (notBefore: number | undefined): boolean => notBefore !== undefined && comparedAt <= notBefore
    const clients = [token.azp, token.clientId].filter((client) => client !== undefined)
    if (reaches(this.#realm)) return 'realm_revoked'
    if (clients.some((client) => reaches(this.#clients.get(client)))) return 'client_revoked'
    if (reaches(this.#keys.get(token.thumbprint))) return 'banned_key'
    if (user !== undefined) {
      const notBefore = this.#users.get(this.#of(token.issuer, user))
      if (reaches(notBefore)) return 'user_revoked'
      if (notBefore !== undefined && token.lastLogout !== undefined && token.lastLogout < notBefore)
        return 'user_revoked'
    }
    if (session !== undefined) {
      if (reaches(this.#sessions.get(this.#of(token.issuer, session)))) return 'session_revoked'
      if (clients.some((client) => reaches(this.#clientSessions.get(this.#of(token.issuer, session, client)))))
        return 'session_revoked'
    }
    if (user !== undefined) {
      const apps = this.#policy.grantClaim === undefined ? clients : token.grant === undefined ? [] : [token.grant]
      if (apps.some((app) => reaches(this.#grants.get(this.#of(token.issuer, user, app))))) return 'grant_revoked'
      if (token.version < (this.#versions.get(this.#of(token.issuer, user)) ?? 0)) return 'version_revoked'
    }
    if (token.tokenId !== undefined && this.#tokens.has(this.#of(token.issuer, token.tokenId))) return 'token_revoked'
    return undefined
  }

  /**
   * Whether the token is refused only because its last-logout claim (`ClaimNames.lastLogoutTime`) is older than the
   * user's not-before, and that not-before no longer has to be kept. Then both verdicts are correct.
   */
  isForgettable(token: Subject, now: number): boolean {
    const { origin, lifetimeOfOrigin, compare } = this.#policy
    const longest = compare === 'authTime' ? Math.max(origin.maxSessionSeconds, lifetimeOfOrigin) : lifetimeOfOrigin
    const notBefore = token.user === undefined ? undefined : this.#users.get(this.#of(token.issuer, token.user))
    if (
      notBefore === undefined ||
      token.lastLogout === undefined ||
      token.lastLogout >= notBefore ||
      token.comparedAt <= notBefore
    )
      return false
    return now >= notBefore + longest + origin.leewaySeconds + origin.skewSeconds
  }

  revokeToken(issuer: string, tokenId: string): void {
    this.#tokens.add(this.#of(issuer, tokenId))
  }

  /** A `sid` is never reused, so the latest of all times counts, plus a minute. */
  endSession(issuer: string, session: string, now: number, time: EventTime, issuedAt = 0): void {
    const source = time.occurredAt === undefined ? 0 : time.occurredAt + this.#policy.origin.sourceSkewSeconds
    raise(this.#sessions, this.#of(issuer, session), Math.max(now, source, issuedAt) + 60)
  }

  endClientSession(issuer: string, session: string, client: string, now: number, time: EventTime): void {
    raise(this.#clientSessions, this.#of(issuer, session, client), this.#notBefore(now, time))
  }

  logoutUser(issuer: string, user: string, now: number, time: EventTime): void {
    raise(this.#users, this.#of(issuer, user), this.#notBefore(now, time))
  }

  endGrant(issuer: string, user: string, client: string, now: number, time: EventTime): void {
    raise(this.#grants, this.#of(issuer, user, client), this.#notBefore(now, time))
  }

  setClientNotBefore(client: string, now: number, time: EventTime): void {
    raise(this.#clients, client, this.#notBefore(now, time))
  }

  setRealmNotBefore(now: number, time: EventTime): void {
    this.#realm = Math.max(this.#realm ?? 0, this.#notBefore(now, time))
  }

  raiseKeyNotBefore(thumbprint: string, now: number, time: EventTime): void {
    raise(this.#keys, thumbprint, this.#notBefore(now, time))
  }

  banKey(thumbprint: string): void {
    this.#bans.add(thumbprint)
  }

  liftBan(thumbprint: string): void {
    this.#bans.delete(thumbprint)
  }

  raiseTokenVersion(issuer: string, user: string, version: number): void {
    raise(this.#versions, this.#of(issuer, user), version)
  }

  /** Replaces the value; 0 removes it. */
  correctUser(issuer: string, user: string, notBefore: number): void {
    replace(this.#users, this.#of(issuer, user), notBefore)
  }

  correctSession(issuer: string, session: string, notBefore: number): void {
    replace(this.#sessions, this.#of(issuer, session), notBefore)
  }

  correctGrant(issuer: string, user: string, client: string, notBefore: number): void {
    replace(this.#grants, this.#of(issuer, user, client), notBefore)
  }

  correctClient(client: string, notBefore: number): void {
    replace(this.#clients, client, notBefore)
  }

  correctRealm(notBefore: number): void {
    this.#realm = notBefore === 0 ? undefined : notBefore
  }

  correctVersion(issuer: string, user: string, minimum: number): void {
    replace(this.#versions, this.#of(issuer, user), minimum)
  }

  /** Qualifies names by issuer if the realm keeps the names of issuers separate. */
  #of(issuer: string, ...names: string[]): string {
    return JSON.stringify([this.#policy.separate ? issuer : '', ...names])
  }

  #notBefore(now: number, { occurredAt, notBefore }: EventTime): number {
    const { skewSeconds, issuerSkewSeconds, sourceSkewSeconds } = this.#policy.origin
    if (occurredAt !== undefined) return occurredAt + sourceSkewSeconds
    return notBefore === undefined || notBefore > now + skewSeconds ? now + issuerSkewSeconds : notBefore
  }
}

function raise(map: Map<string, number>, name: string, value: number): void {
  map.set(name, Math.max(map.get(name) ?? 0, value))
}

function replace(map: Map<string, number>, name: string, value: number): void {
  if (value === 0) map.delete(name)
  else map.set(name, value)
}
