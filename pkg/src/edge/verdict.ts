import { type Reason, statusOf } from '../reasons.ts'
import { readPart } from '../tokenpart.ts'
import type { Claims, Header, Refused, Verdict } from '../types.ts'
import type { Finding } from './core.ts'
import type { Realm } from './realm.ts'

/** The verdict that follows from what the core found. Header and claims are read only from a token that it accepted. */
export function verdictOf<C extends Claims>(found: Finding, realm: Realm | undefined, token: string): Verdict<C> {
  if (found.reason !== undefined) return refused(found.reason)
  if (realm === undefined) return refused('wrong_issuer')
  const [header = '', claims = ''] = token.split('.', 2)
  return {
    ok: true,
    claims: readPart(claims) as C,
    header: readPart(header) as Header,
    realm: realm.name,
    sequence: realm.state.sequence,
  }
}

export function refused(reason: Reason): Refused {
  return { ok: false, reason, status: statusOf(reason) }
}
