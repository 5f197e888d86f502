import { REASONS, type Reason } from '../../reasons.ts'

/** The core's result for a token at one moment. */
export interface Finding {
  /** `undefined`: accepted. */
  reason: Reason | undefined
  /** Index of the realm; `undefined`: the token belongs to no realm of this gate. */
  realm: number | undefined
  /** Whether the issuer knew of later ledger entries, when it issued the token, than this gate. */
  behind: boolean
  /** Whether the signature had already been verified. */
  remembered: boolean
  /**
   * Whether the token is refused because neither the core nor the host could verify the signature. No fetch can change
   * that.
   */
  undecided: boolean
}

/**
 * Decodes a finding code: the reason in bits 0 to 7, the realm in bits 8 to 23 (0 means absent for both), then flags.
 */
export function decodeFinding(code: number): Finding {
  const reason = code & 0xff
  const realm = (code >>> 8) & 0xffff
  return {
    reason: reason === 0 ? undefined : REASONS[reason - 1],
    realm: realm === 0 ? undefined : realm - 1,
    behind: (code & BEHIND) !== 0,
    remembered: (code & REMEMBERED) !== 0,
    undecided: (code & UNDECIDED) !== 0,
  }
}

/** The finding while no core is usable. It names no realm, so nothing is fetched for it. */
export const UNAVAILABLE: Finding = Object.freeze({
  reason: 'no_feed',
  realm: undefined,
  behind: false,
  remembered: false,
  undecided: false,
})

/** Flag: the handle, or the token in the cache, does not exist. */
export const GONE: number = 1 << 27

/** Flags of the fields of `Finding`. */
const BEHIND = 1 << 24
const REMEMBERED = 1 << 25
const UNDECIDED = 1 << 28
