import { compactVerify, type JWK as JoseJwk } from 'jose'
import { scanJson } from '../../json-scanner.ts'
import { isObject } from '../../options.ts'
import { within } from '../../timing/deadline.ts'
import { textOfPart } from '../../token-part.ts'
import type { JWK, JWKS, TokenOptions } from '../../types.ts'
import type { IssuerSigned, IssuerTokens, UnverifiedToken } from '../connectors/issuer-tokens.ts'
import { EXTENSIONS, withoutNulls, withTextualIntegers } from '../connectors/json-members.ts'
import { MessageRefused } from '../connectors/message-refused.ts'
import { algorithmOf, type KnownKey, knownKeys } from './known-keys.ts'
import type { IssuerKeys } from './issuer-keys.ts'

/** How long a token with an unknown key waits for a key lookup at the issuer. */
const LOOK_TIMEOUT_MS = 2_000
/** The maximum number of keys with the same `kid` and algorithm tried for a token, as at a gate. */
const MAX_CANDIDATES = 4
/** The maximum number of tokens that wait for a key lookup at the same time; further ones are refused at once. */
const MAX_WAITING_TOKENS = 64

interface IssuerTokensOptions {
  keys: Pick<IssuerKeys, 'current' | 'load' | 'look'>
  /** The algorithm of RSA keys that state none. */
  rsaAlgorithm: string | undefined
  /** How to read names that are JSON numbers. */
  numericIds: TokenOptions['numericIds']
  maxTokenBytes: number
  /** Whether a key is banned, by its RFC 7638 thumbprint. */
  bans: (thumbprint: string) => boolean
}

/** Tokens that a realm's issuer sends to the origin itself: logout tokens, security events, admin actions. */
export function issuerTokens(options: IssuerTokensOptions): IssuerTokens {
  return new KeyedTokens(options)
}

class KeyedTokens implements IssuerTokens {
  readonly #options: IssuerTokensOptions
  #known: { set: JWKS; keys: KnownKey[] } | undefined
  #waiting = 0

  constructor(options: IssuerTokensOptions) {
    this.#options = options
  }

  read(token: string): UnverifiedToken {
    const parts = token.split('.', 4)
    const [header, claims] = parts
    if (token.length > this.#options.maxTokenBytes) throw malformed('it is too long')
    if (parts.length !== 3 || !parts.every((part) => /^[A-Za-z0-9_-]+$/.test(part)))
      throw malformed('it is not three parts of base64url')
    const text = textOf(claims ?? '')
    const own = withoutNulls(objectOf(text))
    const named = this.#options.numericIds === 'accept' ? withoutNulls(objectOf(withTextualIntegers(text))) : own
    return { token, header: withoutNulls(objectOf(textOf(header ?? '')), EXTENSIONS), claims: own, named }
  }

  async verify(token: UnverifiedToken, admit: () => Promise<void>): Promise<IssuerSigned> {
    if (EXTENSIONS.some((name) => Object.hasOwn(token.header, name)))
      throw malformed('its header has crit or b64, and no extension is supported')
    const known = await this.#keysFor(token)
    const keys = known.length > 0 ? known : await this.#keysAfterLook(token)
    const allowed = keys.filter(({ thumbprint }) => !this.#options.bans(thumbprint))
    if (allowed.length === 0) throw new MessageRefused('banned_key', 'the key that signed it is banned')
    for (const { jwk } of allowed) {
      await admit()
      if (await isSignedBy(jwk, token)) return { header: token.header, claims: token.claims } as IssuerSigned
    }
    throw new MessageRefused('bad_signature', 'its signature is not valid')
  }

  async #keysAfterLook(token: UnverifiedToken): Promise<KnownKey[]> {
    if (this.#waiting < MAX_WAITING_TOKENS) {
      this.#waiting += 1
      try {
        await within(
          this.#options.keys.look().catch(() => undefined),
          LOOK_TIMEOUT_MS,
        )
      } finally {
        this.#waiting -= 1
      }
    }
    const keys = await this.#keysFor(token)
    if (keys.length > 0) return keys
    if (this.#options.keys.current.keys.length === 0) {
      throw new MessageRefused('keys_unavailable', 'the keys of the issuer are not available at the moment')
    }
    throw new MessageRefused('unknown_key', 'the issuer has no key for it')
  }

  /**
   * Returns the keys that may have signed it: several may share one `kid`, and a token may name none. Throws
   * `MessageRefused` if these are for another algorithm.
   */
  async #keysFor({ header }: UnverifiedToken): Promise<KnownKey[]> {
    const { kid = null, alg } = header
    if (typeof alg !== 'string' || !(kid === null || typeof kid === 'string'))
      throw malformed('alg in its header must be a string, and kid a string or absent')
    const found = (await this.#signingKeys()).filter((key) => kid === null || key.kid === kid)
    const fitting = found.filter(({ jwk }) => family(algorithmOf(jwk, this.#options.rsaAlgorithm)) === family(alg))
    if (kid !== null && found.length > 0 && fitting.length === 0) {
      throw new MessageRefused('unsupported_algorithm', 'its key is for another algorithm')
    }
    return fitting.slice(0, MAX_CANDIDATES)
  }

  async #signingKeys(): Promise<KnownKey[]> {
    const { keys } = this.#options
    if (keys.current.keys.length === 0) await keys.load()
    const set = keys.current
    if (this.#known?.set !== set) this.#known = { set, keys: (await knownKeys(set)).filter(provesIssuer) }
    return this.#known.keys
  }
}

/** Whether a signature by this key proves the issuer. Symmetric keys are shared with their users, so they do not. */
function provesIssuer({ jwk }: KnownKey): boolean {
  return jwk.kty !== 'oct'
}

async function isSignedBy(jwk: JWK, { token, header }: UnverifiedToken): Promise<boolean> {
  try {
    await compactVerify(token, jwk as JoseJwk, { algorithms: [String(header['alg'])] })
    return true
  } catch {
    return false
  }
}

/** Replaces `Ed25519` by `EdDSA`: it is another name of `EdDSA` with that curve (RFC 9864 §2.2). */
function family(algorithm: string | undefined): string | undefined {
  return algorithm === 'Ed25519' ? 'EdDSA' : algorithm
}

function textOf(part: string): string {
  try {
    return textOfPart(part)
  } catch {
    throw malformed('header and claims must be JSON')
  }
}

function objectOf(text: string): Readonly<Record<string, unknown>> {
  const fault = scanJson(text)
  if (fault?.kind === 'syntax') throw malformed('header and claims must be JSON')
  if (fault?.kind === 'duplicate') throw malformed('it has a duplicate member')
  const value: unknown = JSON.parse(text)
  if (!isObject(value)) throw malformed('header and claims must be JSON objects')
  return value
}

function malformed(why: string): MessageRefused {
  return new MessageRefused('malformed', `it is not a signed token: ${why}`)
}
