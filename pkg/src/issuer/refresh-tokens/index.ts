import { createHash, randomBytes } from 'node:crypto'
import { PortcullisError } from '../../errors.ts'
import { invalid } from '../../options.ts'
import type { Act } from '../../origin/store/audit-entry.ts'
import { type Database, openDatabase } from '../../origin/store/sqlite/database.ts'
import { isName, MAX_NAME_BYTES } from '../../origin/core/name.ts'
import { type Settings, resolveRefreshTokensSettings } from './settings.ts'
import { bySession, familyOf, openTokenTables, type StoredToken, type TokenTables } from './tables.ts'
import type {
  KnownRefreshToken,
  Login,
  RefreshSession,
  RefreshTokens,
  RefreshTokensOptions,
  RotateRequest,
  Rotation,
} from './types.ts'

export type {
  Family,
  KnownRefreshToken,
  LedgerOfSessions,
  Login,
  RefreshRefusal,
  RefreshSession,
  RefreshTokens,
  RefreshTokensOptions,
  RotateRequest,
  Rotation,
} from './types.ts'

/** Too long to be guessed (RFC 6749 §10.10). */
const TOKEN_BYTES = 32
const SWEEP_INTERVAL_MS = 60_000
/** Delay before a failed report to the ledger is retried. */
const TELL_AGAIN_MS = 2_000
/** Names that the ledger must be able to revoke. */
const NAMES = ['session', 'subject', 'client'] as const
/** The reason for the end of a session, for the audit log. */
const REUSE = 'a refresh token was used twice'

/** Returns a new opaque refresh token: 43 characters without meaning. */
export function opaqueToken(): string {
  return randomBytes(TOKEN_BYTES).toString('base64url')
}

/**
 * Opens the file and starts reporting ended sessions that the ledger lacks. Throws `invalid_option`,
 * `store_unavailable`, `store_corrupt` or `store_newer`.
 */
export function createRefreshTokens(options: RefreshTokensOptions): RefreshTokens {
  const settings = resolveRefreshTokensSettings(options)
  const database = options.database ?? openDatabase(options.path ?? '')
  try {
    return new SqliteRefreshTokens(settings, database, options.database === undefined)
  } catch (error) {
    if (options.database === undefined) database.close()
    throw error
  }
}

class SqliteRefreshTokens implements RefreshTokens {
  readonly #settings: Settings
  readonly #database: Database
  readonly #closesDatabase: boolean
  readonly #tables: TokenTables
  readonly #sweeping: NodeJS.Timeout
  #tellingAgain: NodeJS.Timeout | undefined
  #telling = new Set<Promise<unknown>>()
  #failing = false
  #closed = false

  constructor(settings: Settings, database: Database, closesDatabase: boolean) {
    this.#settings = settings
    this.#database = database
    this.#closesDatabase = closesDatabase
    this.#tables = openTokenTables(database, settings.realm)
    this.#sweeping = setInterval(() => this.#attempt(() => this.sweep()), SWEEP_INTERVAL_MS).unref()
    void this.#attempt(() => this.tellLedger())
  }

  begin(login: Login): void {
    this.#assertOpen()
    for (const member of NAMES)
      if (!isName(login[member]))
        throw invalid(`login.${member} must be a string of 1 to ${MAX_NAME_BYTES} bytes of UTF-8`)
    const hash = hashOf(login.token)
    this.#database.transaction(() => {
      this.#assertNew(hash)
      this.#tables.addFamily(login, hash, login.issuedAt ?? this.#now())
    })
  }

  async rotate(request: RotateRequest): Promise<Rotation> {
    this.#assertOpen()
    const rotation = this.#database.transaction(() => this.#use(request))
    if (rotation.outcome !== 'reused') return rotation
    const { session, client } = rotation.family
    const address = request.address === undefined ? {} : { address: request.address }
    return { ...rotation, ledger: await this.#tell(session, { actor: `client:${client}`, reason: REUSE, ...address }) }
  }

  find(token: string): KnownRefreshToken | undefined {
    this.#assertOpen()
    const found = this.#tables.token(hashOf(token))
    return found === undefined ? undefined : { client: found.client, session: found.session, subject: found.subject }
  }

  async endSession(session: string, act: Act = {}): Promise<void> {
    this.#assertOpen()
    await this.#settings.origin.endSession(this.#settings.realm, session, act)
    this.sessionEnded(session)
  }

  sessionEnded(session: string): void {
    this.#assertOpen()
    this.#tables.endSession(session, 'told', this.#now())
  }

  sessions(subject: string): RefreshSession[] {
    this.#assertOpen()
    const now = this.#now()
    const families = this.#tables.families(subject, now - this.#settings.maxSeconds, now - this.#settings.idleSeconds)
    return bySession(families.filter((family) => this.#refuses(family) === undefined))
  }

  async tellLedger(): Promise<number> {
    this.#assertOpen()
    await Promise.all(this.#tables.toBeTold().map((session) => this.#tell(session, { reason: REUSE })))
    return this.#closed ? 0 : this.#tables.toBeTold().length
  }

  sweep(): number {
    this.#assertOpen()
    const now = this.#now()
    return this.#tables.sweep(now - this.#settings.maxSeconds, now - this.#settings.idleSeconds)
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    clearInterval(this.#sweeping)
    clearTimeout(this.#tellingAgain)
    await Promise.all(this.#telling)
    if (this.#closesDatabase) this.#database.close()
  }

  /** Uses a refresh token. Must run in a transaction; it does not wait, so its reads are still valid when it writes. */
  #use({ presented, next, client, issuedAt, address }: RotateRequest): Rotation {
    const nowMs = this.#settings.nowMs()
    const hash = hashOf(presented)
    const token = this.#tables.token(hash)
    if (token === undefined) return { outcome: 'refused', reason: 'unknown_token', family: undefined }
    const family = familyOf(token, this.#settings.maxSeconds)
    if (token.client !== client) return { outcome: 'refused', reason: 'other_client', family }
    if (token.endedAt !== undefined) return { outcome: 'refused', reason: 'session_ended', family }
    const reason = this.#refuses(token)
    if (reason !== undefined) return { outcome: 'refused', reason, family }
    if (token.usedAtMs !== undefined) return this.#usedAgain(token, token.usedAtMs, nowMs)
    if (this.#hasExpired(token)) return { outcome: 'refused', reason: 'expired', family }
    const nextHash = hashOf(next)
    this.#assertNew(nextHash)
    this.#tables.replace(token, hash, { hash: nextHash, issuedAt: issuedAt ?? this.#now(), address }, nowMs)
    return { outcome: 'rotated', family }
  }

  /** Handles the second use of a refresh token. Either use may be the thief's, so the session ends for both. */
  #usedAgain(token: StoredToken, usedAtMs: number, nowMs: number): Rotation {
    const family = familyOf(token, this.#settings.maxSeconds)
    // A clock that was set back does not extend the grace period.
    const agoMs = Math.abs(nowMs - usedAtMs)
    if (agoMs < this.#settings.reuseGraceSeconds * 1000) return { outcome: 'lost_race', family }
    this.#tables.endSession(token.session, 'to_be_told', this.#now())
    return { outcome: 'reused', family, ledger: 'to_be_told' }
  }

  #refuses({
    session,
    subject,
    client,
    issuedAt,
    tokenVersion,
  }: Omit<StoredToken, 'endedAt' | 'usedAtMs'>): ReturnType<Settings['origin']['refuses']> {
    const { realm, origin, idleSeconds } = this.#settings
    const expiresAt = issuedAt + idleSeconds
    return origin.refuses(realm, {
      session,
      subject,
      authorizedParty: client,
      grant: client,
      issuedAt,
      expiresAt,
      tokenVersion,
    })
  }

  #hasExpired({ issuedAt, startedAt }: StoredToken): boolean {
    const now = this.#now()
    return now >= issuedAt + this.#settings.idleSeconds || now >= startedAt + this.#settings.maxSeconds
  }

  /** Reports an ended session to the ledger. It has ended here: if this process stops now, the next one reports it. */
  async #tell(session: string, act: Act): Promise<'told' | 'to_be_told'> {
    const telling = this.#settings.origin.endSession(this.#settings.realm, session, act).then(() => {
      this.#tables.told(session)
      this.#report(undefined)
      return 'told' as const
    })
    const told = telling.catch((error: unknown) => {
      this.#report(error)
      if (!this.#closed) this.#tellAgain()
      return 'to_be_told' as const
    })
    this.#telling.add(told)
    return told.finally(() => this.#telling.delete(told))
  }

  #tellAgain(): void {
    this.#tellingAgain ??= setTimeout(() => {
      this.#tellingAgain = undefined
      this.#attempt(() => this.tellLedger())
    }, TELL_AGAIN_MS).unref()
  }

  /** Runs work in the background; a failure is reported. */
  async #attempt(work: () => unknown): Promise<void> {
    try {
      await work()
    } catch (error) {
      this.#report(error)
    }
  }

  /** Reports once when the ledger starts to fail and once when it works again. */
  #report(error: unknown): void {
    if (this.#failing === (error !== undefined)) return
    this.#failing = error !== undefined
    const known =
      error instanceof PortcullisError ? error : new PortcullisError('fault', 'the ledger failed', { cause: error })
    this.#settings.onReport({
      kind: 'store',
      realm: this.#settings.realm,
      error: error === undefined ? undefined : known,
    })
  }

  #assertNew(hash: string): void {
    if (this.#tables.token(hash) !== undefined)
      throw invalid('the refresh token is already known: each must be different')
  }

  #assertOpen(): void {
    if (this.#closed) throw new PortcullisError('closed', 'the refresh-token store is closed')
  }

  #now(): number {
    return Math.floor(this.#settings.nowMs() / 1000)
  }
}

/** Returns the key of a refresh token in the table. A token is random or signed, so its hash needs no salt. */
function hashOf(token: string): string {
  return createHash('sha256').update(token).digest('base64url')
}
