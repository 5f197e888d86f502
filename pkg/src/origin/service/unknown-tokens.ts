import { PortcullisError } from '../../errors.ts'
import type { OriginReport } from '../api.ts'

/** The shortest interval between reports of a realm's unknown tokens. */
const REPORT_INTERVAL_MS = 60_000

/**
 * Why a token was not revoked: it is not known here (opaque, of another issuer, or not signed by a key of the realm),
 * or it belongs to another realm than the route's.
 */
export type UnknownCause = 'not_known' | 'other_realm'

interface UnknownTokensOptions {
  /** Counts one. */
  count: (realm: string) => void
  onReport: (report: OriginReport) => void
  nowMs?: () => number
}

/**
 * Counts and reports unknown tokens that clients asked to revoke. RFC 7009 §2.2 requires a 200 response for them, so
 * without this an operator would not notice that such tokens stay valid.
 */
export class UnknownTokens {
  readonly #count: (realm: string) => void
  readonly #onReport: (report: OriginReport) => void
  readonly #nowMs: () => number
  /** The time of the last report and the count since, by realm. Contains only configured realms. */
  readonly #realms = new Map<string, { reportedAtMs: number; count: number }>()

  constructor({ count, onReport, nowMs = () => performance.now() }: UnknownTokensOptions) {
    this.#count = count
    this.#onReport = onReport
    this.#nowMs = nowMs
  }

  /** Uses nothing of the token itself. */
  note(realm: string, cause: UnknownCause): void {
    this.#count(realm)
    const noted = this.#realms.get(realm) ?? { reportedAtMs: Number.NEGATIVE_INFINITY, count: 0 }
    this.#realms.set(realm, noted)
    noted.count += 1
    const now = this.#nowMs()
    if (now - noted.reportedAtMs < REPORT_INTERVAL_MS) return
    const message = `${noted.count} since the last report: ${MESSAGES[cause]}`
    noted.reportedAtMs = now
    noted.count = 0
    this.#onReport({
      kind: 'unknown_token',
      realm,
      error: new PortcullisError('invalid_token', message, { detail: cause }),
    })
  }
}

const MESSAGES: Readonly<Record<UnknownCause, string>> = {
  not_known:
    'a client asked to revoke an unknown token, such as a refresh token of the issuer: it got 200 (RFC 7009 ' +
    'section 2.2) and is not revoked; revoke it at the issuer, and here the access token or the session that belongs to it',
  other_realm:
    "a client asked to revoke a token of another realm: it got 200 (RFC 7009 section 2.2) and is not revoked; send it to that realm's route",
}
