/** A realm's revocation state. Times in unix seconds. */
export interface CoreState {
  loaded: boolean
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
}

/** The state of a realm for which nothing has been loaded. */
export const NOT_LOADED: CoreState = Object.freeze({
  loaded: false, sequence: 0, chain: '', issuedAt: 0, notAfter: 0, wantsManifest: false, hasKeys: false, tokenIds: 0, epochs: 0,
  sectionBytes: 0, liveEntries: 0, errorRate: 0,
})

/** The effect of a manifest or delta. */
export interface Applied {
  sequence: number
  /** `partial`: changed, but the ledger's head is further on. `staged`: takes effect once missing sections are here. */
  effect: 'changed' | 'partial' | 'renewed' | 'known' | 'staged'
}
