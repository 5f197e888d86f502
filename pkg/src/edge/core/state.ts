import type { PolicyAgreement } from '../../types.ts'

/** A realm's revocation state. Times in unix seconds. */
export interface CoreState {
  loaded: boolean
  /** The lowest minor version of the statements from which the state was made. */
  minor: number
  sequence: number
  chain: string
  issuedAt: number
  notAfter: number
  wantsManifest: boolean
  hasKeys: boolean
  tokenIds: number
  epochs: number
  sectionBytes: number
  liveEntries: number
  errorRate: number
  /** `not_stated` before the first statement. */
  policy: PolicyAgreement
  /** With `differs`: the options that differ. */
  policyDifferences: string[]
}

/** The state of a realm for which nothing has been loaded. */
export const NOT_LOADED: CoreState = Object.freeze({
  loaded: false,
  minor: 0,
  sequence: 0,
  chain: '',
  issuedAt: 0,
  notAfter: 0,
  wantsManifest: false,
  hasKeys: false,
  tokenIds: 0,
  epochs: 0,
  sectionBytes: 0,
  liveEntries: 0,
  errorRate: 0,
  policy: 'not_stated',
  policyDifferences: [],
})

/** The effect of a manifest or delta. */
export interface Applied {
  sequence: number
  /**
   * `partial`: changed, but the ledger's head is further on. `staged`: takes effect once the missing sections have
   * arrived.
   */
  effect: 'changed' | 'partial' | 'renewed' | 'known' | 'staged'
}
