import { type Reason, statusOf } from '../reasons.ts'
import type { Accepted, Claims, Header, Refused, Verdict } from '../types.ts'
import { LazyClaims } from './claims.ts'
import type { Finding } from './core/core.ts'
import type { CachedVerdict } from './token-cache.ts'
import type { Realm } from './realm.ts'

/** The verdict that follows from what was found. Header and claims are read only from a token that was accepted. */
export function verdictOf<C extends Claims>(found: Finding | CachedVerdict, realm: Realm | undefined, token: string): Verdict<C> {
  if (found.reason !== undefined) return refused(found.reason)
  if (realm === undefined) return refused('wrong_issuer')
  const { sequence } = realm.state
  if (!('contents' in found)) return new Unread(new LazyClaims(token), realm.name, sequence) as Plain as Accepted<C>
  const { claims, header } = found.contents
  return { ok: true, claims: claims as C, header, realm: realm.name, sequence }
}

/** Whether a verdict is there already. A global `Promise` need not be the one that async functions answer, so that is not asked. */
export function isSettled(verdict: Verdict | Promise<Verdict>): verdict is Verdict {
  return Object.hasOwn(verdict, 'ok')
}

export function refused(reason: Reason): Refused {
  return { ok: false, reason, status: statusOf(reason) }
}

/** Makes the classes derived from it put their private fields on an object that is otherwise plain, like any verdict. */
class Plain {
  constructor() {
    return {}
  }
}

/** Defines an enumerable, configurable getter (ECMA-262 §B.2.2.2), in half the time of `defineProperty`, which reads a descriptor. */
const defineGetter: (this: object, name: string, get: () => unknown) => void =
  (Object.prototype as { __defineGetter__?: (name: string, get: () => unknown) => void }).__defineGetter__ ??
  function (name, get) {
    Object.defineProperty(this, name, { enumerable: true, configurable: true, get })
  }

/**
 * The verdict on a token that was not seen before: header and claims are read when they are asked for. They are properties
 * of its own, so that it is printed, spread and compared like any other.
 */
class Unread extends Plain {
  readonly #contents: LazyClaims
  declare ok: true
  declare realm: string
  declare sequence: number

  constructor(contents: LazyClaims, realm: string, sequence: number) {
    super()
    this.#contents = contents
    this.ok = true
    defineGetter.call(this, 'claims', Unread.#claims)
    defineGetter.call(this, 'header', Unread.#header)
    this.realm = realm
    this.sequence = sequence
  }

  // One function for all: a closure for each would give every verdict a shape of its own.
  static readonly #claims = function (this: Unread): Claims {
    return this.#contents.claims
  }
  static readonly #header = function (this: Unread): Header {
    return this.#contents.header
  }
}
