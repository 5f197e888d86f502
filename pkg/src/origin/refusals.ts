import type { AuditEntry } from './audit.ts'
import type { Context } from './context.ts'
import type { Committer } from './ledger.ts'
import { Problem } from './problem.ts'
import type { Route } from './router.ts'

/** Lines about refusals in one realm: so many at once, and then one a second. Beyond it they are counted. */
const REALM_LINES = { atOnce: 600, eachMs: 1_000 }
/** Those of one client address: nobody crowds out what others are refused. */
const ADDRESS_LINES = { atOnce: 100, eachMs: 6_000 }
/** Addresses remembered at the most; the one that was refused longest ago is forgotten. */
const MAX_ADDRESSES = 1_000

export interface RefusalsOptions {
  committer: Committer
  realms: readonly string[]
  nowMs?: () => number
}

/** Writes refusals into the audit log, but not more than an attacker may: what he does must not fill the disk. */
export class Refusals {
  readonly #committer: Committer
  readonly #nowMs: () => number
  readonly #realms: ReadonlyMap<string, { allowance: Allowance; leftOut: number }>
  readonly #addresses = new Map<string, Allowance>()

  constructor({ committer, realms, nowMs = () => performance.now() }: RefusalsOptions) {
    this.#committer = committer
    this.#nowMs = nowMs
    this.#realms = new Map(
      realms.map((realm) => [realm, { allowance: new Allowance(REALM_LINES, nowMs()), leftOut: 0 }]),
    )
  }

  /** Resolves when the line is durable, or counted. Rejects as `Committer.note` does. */
  async note(entry: Omit<AuditEntry, 'at'>): Promise<void> {
    const realm = this.#realms.get(entry.realm)
    const now = this.#nowMs()
    if (realm !== undefined && !(this.#address(entry.address ?? '', now).take(now) && realm.allowance.take(now))) {
      realm.leftOut += 1
      return
    }
    await this.#committer.note(entry)
  }

  /** Of what concerns no realm in particular, such as a token that is no token, every realm hears. */
  async noteEverywhere(entry: Omit<AuditEntry, 'at' | 'realm'>): Promise<void> {
    await Promise.all([...this.#realms.keys()].map((realm) => this.note({ ...entry, realm })))
  }

  /** Says how many lines were left out since it was said last. Rejects as `Committer.note`; then it is said later. */
  async summarize(): Promise<void> {
    await Promise.all([...this.#realms].map(([name, realm]) => this.#summarize(name, realm)))
  }

  async #summarize(name: string, realm: { leftOut: number }): Promise<void> {
    const { leftOut } = realm
    if (leftOut === 0) return
    realm.leftOut = 0
    try {
      await this.#committer.note({
        realm: name,
        action: 'refused',
        detail: 'left_out',
        reason: `${leftOut} more were refused`,
      })
    } catch (error) {
      realm.leftOut += leftOut
      throw error
    }
  }

  #address(address: string, now: number): Allowance {
    const allowance = this.#addresses.get(address) ?? new Allowance(ADDRESS_LINES, now)
    this.#addresses.delete(address)
    this.#addresses.set(address, allowance)
    if (this.#addresses.size > MAX_ADDRESSES) this.#addresses.delete(this.#addresses.keys().next().value ?? '')
    return allowance
  }
}

/** Runs a route and notes it when it refuses who asks; of what the client sent nothing is written. */
export async function notingRefusals(
  { audit }: Context,
  { route, realm, address }: { route: Route; realm: string; address: string | undefined },
  answer: () => Promise<Response>,
): Promise<Response> {
  const note = (detail: string): void => {
    // Whoever reads the feed or the measurements takes nothing in.
    if (route.access === 'reader' || route.access === 'monitor') return
    audit.refused({ realm, subject: route.path, detail, ...(address === undefined ? {} : { address }) })
  }
  try {
    return await answer()
  } catch (error) {
    if (error instanceof Problem && error.isRefusal) note(error.error.replaceAll(' ', '_'))
    throw error
  }
}

/** So many at once, and another one each so often. */
class Allowance {
  readonly #atOnce: number
  readonly #eachMs: number
  #left: number
  #atMs: number

  constructor({ atOnce, eachMs }: { atOnce: number; eachMs: number }, nowMs: number) {
    this.#atOnce = atOnce
    this.#eachMs = eachMs
    this.#left = atOnce
    this.#atMs = nowMs
  }

  take(nowMs: number): boolean {
    this.#left = Math.min(this.#atOnce, this.#left + (nowMs - this.#atMs) / this.#eachMs)
    this.#atMs = nowMs
    if (this.#left < 1) return false
    this.#left -= 1
    return true
  }
}
