import type { Act, Recorded } from '../api.ts'
import type { AuditLog } from '../audit/log.ts'
import type { LedgerCore } from '../core/ledger.ts'
import type { OriginGate } from '../gate/gate.ts'
import { algorithmOf, knownKeys } from '../gate/known-keys.ts'
import type { IssuerAdministration, IssuerKey } from '../options.ts'
import type { Settings } from '../settings.ts'
import { administrationOf } from './issuer.ts'
import type { KeyPublisher } from './key-publisher.ts'

/** A key of a realm's issuer, in the form of Keycloak's Admin API. */
interface ListedKey {
  kid?: string
  /** The RFC 7638 thumbprint. */
  thumbprint?: string
  algorithm?: string
  use: string
  status: 'ACTIVE' | 'PASSIVE' | 'DISABLED'
  banned: boolean
  /** Unix seconds. */
  createdAt?: number
  /** Tokens that it signed up to this time are refused; unix seconds, 0 if none. */
  notBefore: number
}

export interface KeyAdministrationOptions {
  settings: Settings
  gate: OriginGate
  audit: AuditLog
  keyPublisher: KeyPublisher
  /** Throws `unknown_realm` or `closed`. */
  ledger: (realm: string) => LedgerCore
}

/** The signing keys of the realms' issuers. All methods except `list` require an issuer beside the origin. */
export class KeyAdministration {
  readonly #options: KeyAdministrationOptions

  constructor(options: KeyAdministrationOptions) {
    this.#options = options
  }

  /** Rejects with `unknown_realm`, `closed` or the issuer's error. */
  async list(realm: string): Promise<ListedKey[]> {
    const issuer = administrationOf(this.#options.settings, realm)
    return issuer === undefined ? this.#ofSet(realm) : this.#ofIssuer(realm, issuer)
  }

  /** Creates and publishes a signing key. Returns `undefined` if the issuer does not run beside the origin. */
  async add(realm: string, act: Act): Promise<{ key: IssuerKey; recorded: Recorded } | undefined> {
    const { settings, audit, keyPublisher } = this.#options
    const issuer = administrationOf(settings, realm)
    if (issuer === undefined) return undefined
    const key = await issuer.addKey()
    await audit.note({ realm, ...act, action: 'key_added', subject: key.thumbprint })
    return { key, recorded: await keyPublisher.publish(realm, act) }
  }

  /**
   * Removes a key that no longer signs from the set; `kid` may also be its thumbprint. Returns `undefined` as `add`
   * does.
   */
  async retire(realm: string, kid: string, act: Act): Promise<Recorded | 'unknown' | 'active' | undefined> {
    const { settings, audit, keyPublisher } = this.#options
    const issuer = administrationOf(settings, realm)
    if (issuer === undefined) return undefined
    const found = (await issuer.keys()).find((key) => key.kid === kid || key.thumbprint === kid)
    if (found === undefined) return 'unknown'
    const outcome = await issuer.retireKey(found.kid)
    if (outcome !== 'retired') return outcome
    await audit.note({ realm, ...act, action: 'key_retired', subject: found.thumbprint })
    return keyPublisher.publish(realm, act)
  }

  async #ofIssuer(realm: string, issuer: IssuerAdministration): Promise<ListedKey[]> {
    const keys = await issuer.keys()
    return keys.map((key) => {
      const ledger = this.#options.ledger(realm)
      const banned = ledger.bans(key.thumbprint)
      return {
        ...key,
        status: banned ? 'DISABLED' : key.status,
        banned,
        notBefore: ledger.keyNotBefore(key.thumbprint),
      }
    })
  }

  /**
   * Lists the keys of a set, which states which keys verify. The signing key is known only if an algorithm has just
   * one.
   */
  async #ofSet(realm: string): Promise<ListedKey[]> {
    const { settings, gate, ledger } = this.#options
    const rsaAlgorithm = settings.realms.find(({ name }) => name === realm)?.rsaAlgorithm
    const known = (await knownKeys(await gate.keys(realm))).map(({ jwk, kid, thumbprint }) => ({
      // The thumbprint of a symmetric key would be a hash of the secret.
      names: { ...(kid === undefined ? {} : { kid }), ...(jwk.kty === 'oct' ? {} : { thumbprint }) },
      algorithm: algorithmOf(jwk, rsaAlgorithm),
      banned: ledger(realm).bans(thumbprint),
      notBefore: ledger(realm).keyNotBefore(thumbprint),
    }))
    return known.map(({ names, algorithm, banned, notBefore }) => {
      const rivals = known.filter((other) => !other.banned && other.algorithm === algorithm)
      const status = banned ? 'DISABLED' : rivals.length === 1 ? 'ACTIVE' : 'PASSIVE'
      return { ...names, ...(algorithm === undefined ? {} : { algorithm }), use: 'sig', status, banned, notBefore }
    })
  }
}
