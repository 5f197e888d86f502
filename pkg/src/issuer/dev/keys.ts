import {
  calculateJwkThumbprint,
  type CompactJWSHeaderParameters,
  exportJWK,
  generateKeyPair,
  importJWK,
  jwtVerify,
  type JWTPayload,
  SignJWT,
} from 'jose'
import type { JWK, JWKS } from '../../types.ts'
import type { IssuerKey } from '../../origin/options.ts'
import type { StoredKey, Tables } from './tables.ts'
import type { DevAlgorithm } from './types.ts'

const RSA_BITS = 2_048

interface LoadedKey extends StoredKey {
  publicJwk: JWK & { kty: string }
  key: CryptoKey
}

/** A token with a valid signature. */
interface VerifiedToken {
  claims: JWTPayload
  /** The thumbprint of the key that signed it. */
  kid: string
}

interface SigningKeysOptions {
  tables: Tables
  /** The algorithm that signs new tokens. */
  algorithm: DevAlgorithm
  /** Returns whether the ledger has banned a key, by its thumbprint. */
  isBanned: (thumbprint: string) => boolean
  /** Called with a key that was created because every other one was banned, before it signs. */
  onReplaced: (kid: string) => Promise<void>
  /** Unix seconds. */
  clock: () => number
}

/**
 * The issuer's keys, which survive restarts. The newest key of the requested algorithm that is not banned signs; if
 * none is left, a new one is created. All that are not banned verify.
 */
export class SigningKeys {
  readonly #options: SigningKeysOptions
  /** Newest first. */
  #keys: LoadedKey[]
  #replacing: Promise<LoadedKey> | undefined

  private constructor(options: SigningKeysOptions, keys: LoadedKey[]) {
    this.#options = options
    this.#keys = keys
  }

  static async open(options: SigningKeysOptions): Promise<SigningKeys> {
    const keys = new SigningKeys(options, await Promise.all(options.tables.keys().map(load)))
    if (!keys.#keys.some(({ algorithm }) => algorithm === options.algorithm)) await keys.#add()
    return keys
  }

  /** Returns the public keys, including banned ones: their tokens are refused because of the ban. */
  jwks(): JWKS {
    return { keys: this.#keys.map(({ publicJwk }) => publicJwk) }
  }

  list(): IssuerKey[] {
    return this.#keys.map((key) => this.#describe(key))
  }

  /** Creates the key that signs from now on. */
  async add(): Promise<IssuerKey> {
    return this.#describe(await this.#add())
  }

  /** Removes a key unless it is the signing one. Its tokens are then refused as `unknown_key`. */
  retire(kid: string): 'retired' | 'unknown' | 'active' {
    if (!this.#keys.some((key) => key.kid === kid)) return 'unknown'
    if (this.#signing()?.kid === kid) return 'active'
    this.#options.tables.removeKey(kid)
    this.#keys = this.#keys.filter((key) => key.kid !== kid)
    return 'retired'
  }

  async sign(claims: JWTPayload): Promise<string> {
    const { algorithm, kid, key } = await this.#signer()
    return new SignJWT(claims).setProtectedHeader({ alg: algorithm, kid, typ: 'JWT' }).sign(key)
  }

  /** The `kid` of the signing key; `undefined` if all are banned and a new one will be created. */
  get signingKid(): string | undefined {
    return this.#signing()?.kid
  }

  /**
   * Returns the claims of a token signed by this issuer, and its key; otherwise `undefined`. `expired: 'accept'` is for
   * logout hints.
   */
  async verify(
    token: string,
    { issuer, expired }: { issuer: string; expired: 'refuse' | 'accept' },
  ): Promise<VerifiedToken | undefined> {
    try {
      const options = expired === 'accept' ? { issuer, currentDate: new Date(0) } : { issuer }
      const keyOf = async ({ kid, alg }: CompactJWSHeaderParameters): Promise<CryptoKey | Uint8Array> =>
        importJWK(this.#publicOf(kid, alg), alg)
      const { payload, protectedHeader } = await jwtVerify(token, keyOf, options)
      return { claims: payload, kid: protectedHeader.kid ?? '' }
    } catch {
      return undefined
    }
  }

  async #signer(): Promise<LoadedKey> {
    const signing = this.#signing()
    if (signing !== undefined) return signing
    this.#replacing ??= this.#replace().finally(() => (this.#replacing = undefined))
    return this.#replacing
  }

  async #replace(): Promise<LoadedKey> {
    const added = await this.#add()
    await this.#options.onReplaced(added.kid)
    return added
  }

  #signing(): LoadedKey | undefined {
    return this.#keys.find((key) => key.algorithm === this.#options.algorithm && !this.#options.isBanned(key.kid))
  }

  async #add(): Promise<LoadedKey> {
    const { algorithm, tables, clock } = this.#options
    const stored = { ...(await generate(algorithm)), createdAt: clock() }
    const added = await load(stored)
    tables.addKey(stored)
    this.#keys = [added, ...this.#keys]
    return added
  }

  #describe({ kid, algorithm, createdAt }: LoadedKey): IssuerKey {
    const passive = this.#signing()?.kid === kid ? 'ACTIVE' : 'PASSIVE'
    return {
      kid,
      thumbprint: kid,
      algorithm,
      use: 'sig',
      status: this.#options.isBanned(kid) ? 'DISABLED' : passive,
      createdAt,
    }
  }

  #publicOf(kid: string | undefined, algorithm: string): JWK & { kty: string } {
    const found = this.#keys.find((key) => key.kid === kid && key.algorithm === algorithm)
    if (found === undefined || this.#options.isBanned(found.kid)) throw new Error('unknown key')
    return found.publicJwk
  }
}

async function generate(algorithm: DevAlgorithm): Promise<{ kid: string; algorithm: string; privateJwk: string }> {
  const { privateKey } = await generateKeyPair(algorithm, { extractable: true, modulusLength: RSA_BITS })
  const jwk = await exportJWK(privateKey)
  return { kid: await calculateJwkThumbprint(jwk), algorithm, privateJwk: JSON.stringify(jwk) }
}

async function load(stored: StoredKey): Promise<LoadedKey> {
  const { kid, algorithm, privateJwk } = stored
  const jwk = JSON.parse(privateJwk) as JWK & { kty: string }
  const { kty, crv, x, y, n, e } = jwk
  const parts = Object.fromEntries(Object.entries({ crv, x, y, n, e }).filter(([, value]) => value !== undefined))
  const key = (await importJWK(jwk, algorithm)) as CryptoKey
  return { ...stored, key, publicJwk: { kty, ...parts, kid, alg: algorithm, use: 'sig' } }
}
