import { refused } from '../http/refusal.ts'
import type { Reason } from '../reasons.ts'
import type { Accepted, Claims, Header, Refused, Verdict } from '../types.ts'
import { LazyClaims } from './claims.ts'
import type { Finding } from './core/finding.ts'
import { formAdvice } from './form-advice.ts'
import type { Realm } from './realm.ts'
import { grantsScopes } from './scope.ts'
import type { CachedVerdict } from './token-cache.ts'

/** Returns the verdict that follows from a finding. Header and claims are only parsed from an accepted token. */
export function verdictOf<C extends Claims>(
  finding: Finding | CachedVerdict,
  realm: Realm | undefined,
  token: string,
): Verdict<C> {
  if (finding.reason !== undefined) return refusedBy(finding.reason, token)
  if (realm === undefined) return refused('wrong_issuer')
  const accepted = acceptedBy<C>(finding, realm, token)
  if (realm.feed === undefined) markUnchecked(accepted, realm)
  return realm.marksImpersonation ? marked(accepted) : accepted
}

/** Returns the verdict if the token's scope claim grants every required scope, else a refusal. */
export function requireScope<C extends Claims>(
  verdict: Verdict<C>,
  needed: readonly string[],
  realm: Realm | undefined,
): Verdict<C> {
  if (!verdict.ok || needed.length === 0 || realm === undefined) return verdict
  return grantsScopes(verdict.claims[realm.scopeClaim] as unknown, needed)
    ? verdict
    : { ...refused('insufficient_scope'), scope: [...needed] }
}

/**
 * Returns the refusal of a token. Separate from `verdictOf`, which must stay small enough to be inlined into its
 * callers.
 */
function refusedBy(reason: Reason, token: string): Refused {
  return refused(reason, reason === 'malformed' ? formAdvice(token) : undefined)
}

/**
 * Returns whether this is a verdict and not a promise of one. The global `Promise` may not be the class that async
 * functions return, so `instanceof` is not used.
 */
export function isSettled<C extends Claims>(verdict: Verdict<C> | Promise<Verdict<C>>): verdict is Verdict<C> {
  return Object.hasOwn(verdict, 'ok')
}

function acceptedBy<C extends Claims>(finding: Finding | CachedVerdict, realm: Realm, token: string): Accepted<C> {
  const { sequence } = realm.state
  if (!('lazyClaims' in finding))
    return new LazyVerdict(new LazyClaims(token), realm.name, sequence) as Plain as Accepted<C>
  const { claims, header } = finding.lazyClaims
  return { ok: true, claims: claims as C, header, realm: realm.name, sequence }
}

/** Marks the verdict as one without a revocation lookup, and reports that hourly. */
function markUnchecked(accepted: Accepted, realm: Realm): void {
  accepted.unchecked = true
  realm.reportUnchecked()
}

/** Names in the verdict who acts for the user. As in the core, a claim that is `null` or empty counts as absent. */
function marked<C extends Claims>(accepted: Accepted<C>): Accepted<C> {
  const { act } = accepted.claims
  if (act === undefined || act === null || act === '') return accepted
  const { sub } = act as { sub?: unknown }
  return Object.assign(accepted, { impersonatedBy: typeof sub === 'string' ? { sub } : {} })
}

/** Lets derived classes put their private fields on a plain object, like any other verdict. */
class Plain {
  constructor() {
    // biome-ignore lint/correctness/noConstructorReturn: it is the object that the derived class extends.
    return {}
  }
}

/**
 * Defines an enumerable, configurable getter (ECMA-262 §B.2.2.2) in half the time of `defineProperty`, which reads a
 * descriptor.
 */
const defineGetter: (this: object, name: string, get: () => unknown) => void =
  (Object.prototype as { __defineGetter__?: (name: string, get: () => unknown) => void }).__defineGetter__ ??
  function (name, get) {
    Object.defineProperty(this, name, { enumerable: true, configurable: true, get })
  }

/**
 * The verdict on a token that is not cached: header and claims are parsed on first use. They are own properties, so
 * that the verdict is printed, spread and compared like any other.
 */
class LazyVerdict extends Plain {
  readonly #lazyClaims: LazyClaims
  declare ok: true
  declare realm: string
  declare sequence: number

  constructor(lazyClaims: LazyClaims, realm: string, sequence: number) {
    super()
    this.#lazyClaims = lazyClaims
    this.ok = true
    defineGetter.call(this, 'claims', LazyVerdict.#claims)
    defineGetter.call(this, 'header', LazyVerdict.#header)
    this.realm = realm
    this.sequence = sequence
  }

  // Shared functions: closures would give every verdict its own hidden class.
  static readonly #claims = function (this: LazyVerdict): Claims {
    return this.#lazyClaims.claims
  }
  static readonly #header = function (this: LazyVerdict): Header {
    return this.#lazyClaims.header
  }
}
