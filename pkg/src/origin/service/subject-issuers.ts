import { issuerNames, separatesSubjects } from '../../issuer-names.ts'
import type { LedgerEvent } from '../core/ledger.ts'
import type { RealmSettings } from '../settings.ts'
import { refused } from './checks.ts'

/** The names of one realm's issuer. */
interface Names {
  all: ReadonlySet<unknown>
  /** `undefined`: a pattern, under which no tenant is the first. */
  first: string | undefined
  subjects: 'by_name' | 'same'
}

/** Under which name of its issuer a subject is kept in a realm's ledger, as gates look it up. */
export class SubjectIssuers {
  readonly #realms: ReadonlyMap<string, Names>

  constructor(realms: readonly RealmSettings[]) {
    this.#realms = new Map(realms.map((realm) => [realm.name, namesOf(realm)]))
  }

  /**
   * The member that an event or a query about a user, a session or a token has: none for the issuer's first name, and
   * where all names have the same subjects. Throws `invalid_event` (`issuer_needed`, `unknown_issuer`). Unknown realms
   * have none; their ledger rejects.
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
   * The same for any event. One about what all names share, such as a client or a key, takes no issuer: it refuses more
   * than the caller of one name may mean. Throws `invalid_event` (`issuer_not_taken`) besides.
   */
  ofEvent(realm: string, event: LedgerEvent, issuer: unknown): { issuer?: string } {
    if (isOfOneName(event)) return this.memberOf(realm, issuer)
    if (issuer === undefined) return {}
    throw refused('issuer_not_taken', "this is the same under all names of the realm's issuer: leave issuer out")
  }

  /** The name to show with an act that has been checked; `undefined`: the names make no difference. */
  shown(realm: string, issuer: string | undefined): string | undefined {
    return this.#realms.get(realm)?.subjects === 'by_name' ? issuer : undefined
  }

  /**
   * The member of an act that is about what an identity server has done: a server that is connected has the first name.
   */
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

/** Whether an event is about a subject that each name has by itself, unless the realm says otherwise. */
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
