import { issuerNames, separatesSubjects } from '../../issuer-names.ts'
import type { LedgerEvent } from '../core/ledger.ts'
import type { RealmSettings } from '../settings.ts'
import { refused } from './checks.ts'

/** The names of one realm's issuer. */
interface Names {
  all: ReadonlySet<unknown>
  /** `undefined` for a pattern, of which no tenant is the first name. */
  first: string | undefined
  subjects: 'by_name' | 'same'
}

/** Determines the issuer name under which a realm's ledger stores a subject, matching how gates look it up. */
export class SubjectIssuers {
  readonly #realms: ReadonlyMap<string, Names>

  constructor(realms: readonly RealmSettings[]) {
    this.#realms = new Map(realms.map((realm) => [realm.name, namesOf(realm)]))
  }

  /**
   * Returns the `issuer` member for an event or a query about a user, a session or a token. It is empty for the
   * issuer's first name, and if all names share subjects. Throws `invalid_event` (`issuer_needed`, `unknown_issuer`).
   * Unknown realms get an empty one; their ledger rejects.
   */
  memberOf(realm: string, issuer: unknown): { issuer?: string } {
    const names = this.#realms.get(realm)
    if (names === undefined) return {}
    if (issuer !== undefined && !names.all.has(issuer))
      throw refused('unknown_issuer', "issuer is not one of the names of the realm's issuer")
    switch (names.subjects) {
      case 'same':
        return {}
      case 'by_name':
        if (issuer !== undefined) return issuer === names.first ? {} : { issuer: String(issuer) }
        throw refused(
          'issuer_needed',
          "the realm's issuer has several names, each with its own users: issuer must be one of them",
        )
    }
  }

  /**
   * Returns that member for any event. An event about something that all names share, such as a client or a key, takes
   * no issuer, because it refuses more than the caller of one name may mean. Also throws `invalid_event`
   * (`issuer_not_taken`).
   */
  ofEvent(realm: string, event: LedgerEvent, issuer: unknown): { issuer?: string } {
    if (isOfOneName(event)) return this.memberOf(realm, issuer)
    if (issuer === undefined) return {}
    throw refused('issuer_not_taken', "this is the same under all names of the realm's issuer: omit issuer")
  }

  /** Returns the issuer name to show with a checked act; `undefined` if the names make no difference. */
  shown(realm: string, issuer: string | undefined): string | undefined {
    return this.#realms.get(realm)?.subjects === 'by_name' ? issuer : undefined
  }

  /** Returns the member for an act of an identity server: a connected server has the first name. */
  firstOf(realm: string): { issuer?: string } {
    const issuer = this.shown(realm, this.#realms.get(realm)?.first)
    return issuer === undefined ? {} : { issuer }
  }
}

function namesOf(realm: RealmSettings): Names {
  const { names, tenantClaim } = issuerNames(realm)
  return {
    all: new Set(names),
    first: tenantClaim === undefined ? names[0] : undefined,
    subjects: separatesSubjects(realm) ? 'by_name' : 'same',
  }
}

/** Whether an event is about a subject that each name has separately, unless the realm is configured otherwise. */
function isOfOneName(event: LedgerEvent): boolean {
  return isKindOfOneName(event.kind === 'correction' ? event.correction.kind : event.kind)
}

function isKindOfOneName(kind: Exclude<LedgerEvent['kind'], 'correction'>): boolean {
  switch (kind) {
    case 'token':
    case 'session':
    case 'clientSession':
    case 'user':
    case 'grant':
    case 'tokenVersion':
      return true
    case 'client':
    case 'realm':
    case 'keyBanned':
    case 'keyNotBefore':
    case 'keys':
    case 'keysWithdrawn':
    case 'bounds':
      return false
  }
}
