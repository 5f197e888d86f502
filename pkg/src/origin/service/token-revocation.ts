import { PortcullisError } from '../../errors.ts'
import type { DatedAct, RevokedToken } from '../api.ts'
import type { LedgerCore, LedgerEvent } from '../core/ledger.ts'
import type { IdentifiedToken } from '../gate/gate.ts'
import { revokeWithoutId, type TokensWithoutIdOptions } from './token-without-id.ts'

/**
 * The maximum number of revocations recorded per withdrawn key and process. A thief of such a key can sign tokens with
 * any number of ids; this many take 36 kB of a filter and a megabyte of the store.
 */
export const MAX_WITHDRAWN_REVOCATIONS = 10_000
/**
 * The maximum number of keys counted. It exceeds the number of withdrawn keys kept, so that the count of a key that
 * returns continues.
 */
const MAX_COUNTED_KEYS = 1_024

interface TokenRevocationsOptions extends TokensWithoutIdOptions {
  /** Throws `unknown_realm` or `closed`. */
  ledger: (realm: string) => LedgerCore
  /** Reports, once per key, a withdrawn key whose limit has been reached. */
  onExhausted: (realm: string, error: PortcullisError) => void
}

/** Records revocations of tokens: by their ids, or for a token without an id by its session or user. */
export class TokenRevocations {
  readonly #options: TokenRevocationsOptions
  /** Counts, keyed by realm and thumbprint. */
  readonly #withdrawn = new Map<string, number>()

  constructor(options: TokenRevocationsOptions) {
    this.#options = options
  }

  /**
   * Records the revocation of a token under its own issuer name. Resolves to `undefined` if its key is withdrawn and
   * too many of that key's tokens were revoked. Rejects as `Committer.record`, or for a token without an id as
   * `revokeWithoutId`.
   */
  async record(jwt: string, token: IdentifiedToken, given: DatedAct): Promise<RevokedToken | undefined> {
    const { recorder, issuers, ledger } = this.#options
    const { name: realm, issuer, tokenId, issuedAt, expiresAt } = token
    const act = issuer === undefined ? given : { ...given, issuer }
    if (tokenId === undefined || tokenId === '') return revokeWithoutId(this.#options, jwt, token, act)
    const ended = 'token' as const
    const line = { action: 'token_revoked', subject: tokenId } as const
    const event: LedgerEvent = {
      kind: 'token',
      tokenId,
      ...(expiresAt === undefined ? {} : { expiresAt }),
      ...(issuedAt === undefined ? {} : { issuedAt }),
    }
    if (token.signedBy === 'issuer') return { ...(await recorder.record(realm, event, line, act)), ended }
    const subject = {
      ...issuers.memberOf(realm, issuer),
      tokenId,
      issuedAt: token.issuedAt,
      expiresAt: token.expiresAt,
    }
    if (ledger(realm).refuses(subject) === 'token_revoked') {
      return { ...recorder.inForce(realm), ended }
    }
    const key = `${realm} ${token.thumbprint}`
    if (!this.#isAdmitted(key, realm, token.thumbprint)) return undefined
    try {
      return {
        ...(await recorder.record(realm, event, { ...line, detail: `withdrawn_key ${token.thumbprint}` }, act)),
        ended,
      }
    } catch (error) {
      this.#withdrawn.set(key, Math.max(0, (this.#withdrawn.get(key) ?? 0) - 1))
      throw error
    }
  }

  #isAdmitted(key: string, realm: string, thumbprint: string): boolean {
    const count = (this.#withdrawn.get(key) ?? 0) + 1
    this.#withdrawn.delete(key)
    this.#withdrawn.set(key, Math.min(count, MAX_WITHDRAWN_REVOCATIONS + 1))
    for (const oldest of this.#withdrawn.keys()) {
      if (this.#withdrawn.size <= MAX_COUNTED_KEYS) break
      this.#withdrawn.delete(oldest)
    }
    if (count === MAX_WITHDRAWN_REVOCATIONS + 1) {
      const message = `${MAX_WITHDRAWN_REVOCATIONS} tokens of the withdrawn key ${thumbprint} were revoked, which is the limit: if it was stolen, ban it`
      this.#options.onExhausted(
        realm,
        new PortcullisError('invalid_token', message, { detail: 'withdrawn_key_exhausted' }),
      )
    }
    return count <= MAX_WITHDRAWN_REVOCATIONS
  }
}
