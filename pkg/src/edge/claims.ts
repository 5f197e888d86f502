import { readPart } from '../token-part.ts'
import type { Claims, Header } from '../types.ts'

/** Header and claims of an accepted token. Each is parsed on first use and frozen, because callers share it. */
export class LazyClaims {
  readonly #token: string
  #claims: Claims | undefined
  #header: Header | undefined

  constructor(token: string) {
    this.#token = token
  }

  get claims(): Claims {
    this.#claims ??= freeze(
      readPart(this.#token.slice(this.#token.indexOf('.') + 1, this.#token.lastIndexOf('.'))) as Claims,
    )
    return this.#claims
  }

  get header(): Header {
    this.#header ??= freeze(readPart(this.#token.slice(0, this.#token.indexOf('.'))) as Header)
    return this.#header
  }
}

/** Freezes deeply. The core has bounded the depth. */
function freeze<T extends object>(value: T): T {
  for (const member of Object.values(value)) if (typeof member === 'object' && member !== null) freeze(member)
  return Object.freeze(value)
}
