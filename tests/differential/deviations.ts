// Intended differences from jose's verdicts, with the source of each rule. Any other difference is a failure.

import type { FormFault } from './tokens.ts'

export interface Deviation {
  /** The source. */
  source: string
  /** The malformed encodings that belong to it. */
  forms?: readonly FormFault[]
}

/** Refused here but accepted by jose with equivalent options. */
export const DEVIATIONS = {
  base64url: {
    source:
      'RFC 7515 §2: no padding, line breaks or white space; RFC 4648 §3.5: spare bits are zero. Otherwise one signature would have several encodings',
    forms: [
      'padded signature',
      'newline in signature',
      'trailing bits',
      'padded claims',
      'padded header',
      'newline in claims',
      'trailing newline',
    ],
  },
  'member twice': {
    source: 'RFC 7519 §4, RFC 7515 §4: names must be unique; two parsers could read two tokens out of one',
    forms: ['claim twice', 'claim twice, escaped', 'claim twice inside', 'header member twice'],
  },
  'byte order mark': {
    source: 'RFC 8259 §8.1: must not be added',
    forms: ['claims with a mark', 'header with a mark'],
  },
  'half a surrogate': {
    source: 'RFC 7493 §2.1, RFC 8259 §8.2: not a character, so not a name that could be revoked',
    forms: ['half a surrogate'],
  },
  depth: { source: 'RFC 8259 §9: a parser may bound it; 16 levels', forms: ['deep claims'] },
  'too long': { source: 'the option maxTokenBytes' },
  extension: { source: 'RFC 7515 §4.1.11, RFC 7797 §7: no extension is supported, and a JWT has no use for b64' },
  'header type': { source: 'RFC 8725 §3.11, §3.12: profiles with several types; RFC 7515 §4.1.9: a string' },
  tenant: { source: 'the option tenants: the claim must be the tenant that the issuer names' },
  'renamed issuer': { source: 'the option issuerClaim: jose reads iss only' },
  'algorithm of the key': {
    source: 'RFC 8725 §3.1: one algorithm for each key; an RSA key without alg has the one of the option rsaAlgorithm',
  },
  'numeric id': {
    source:
      'RFC 7519 §4.1.2, §4.1.7: sub and jti are strings; the option numericIds accepts integers in canonical form',
  },
  'type of a claim': {
    source: 'RFC 7519 §4.1, RFC 9068 §2.2, OpenID Connect Core §2: the types of aud, azp, sid, auth_time and others',
  },
  'long name': { source: '1,024 bytes: an accepted name can be revoked' },
  'infinite date': { source: "RFC 7519 §2: a number beyond a double's range is not a date" },
  use: { source: 'RFC 8725 §3.12: refresh and ID tokens are signed by the same keys' },
  actor: { source: "RFC 8693 §4.1, the option impersonation: 'refuse'" },
  binding: { source: 'RFC 7800 §3, RFC 9449 §7.1: a bound token is worthless without a proof' },
  party: { source: 'the option authorizedParty, in place of an audience' },
  'rounded date': { source: 'RFC 7519 §2: fractions are rounded down, at the gate and at the origin alike' },
  'issued in future': {
    source: 'a token from the future would pass every not-before until then; jose has one tolerance for all times',
  },
  lifetime: { source: 'RFC 8725bis: exp - iat is bounded, so that a revocation can be deleted' },
  'empty claim': { source: 'a claim that is null or empty has no meaning' },
  login: { source: "OpenID Connect Core §2, the option compare: 'authTime'" },
} as const satisfies Record<string, Deviation>

export type Stricter = keyof typeof DEVIATIONS

/** Accepted here but refused by jose with equivalent options. */
export const LENIENCIES = {
  'null claim': { source: 'a null claim counts as absent, because serialisers write it; RFC 7519 does not define it' },
  'null kid': { source: 'kid is a hint only (RFC 7515 §4.1.4), and null gives none' },
  'rounded date': { source: 'RFC 7519 §2: nbf and iat are rounded down as well' },
} as const

export type Lenient = keyof typeof LENIENCIES
