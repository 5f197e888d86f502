/** What one waiting token needs of a state that is loading: the sections in which the answer about it lies. */
export class SectionDemand {
  readonly #look: () => string[] | undefined
  #names: Set<string> | undefined

  /** `look` names the sections that are missing for the token; `undefined`: there is no state yet that could say. */
  constructor(look: () => string[] | undefined) {
    this.#look = look
    this.lookAgain()
  }

  /** The names, while they are known. */
  get names(): Iterable<string> {
    return this.#names ?? []
  }

  /** Whether nothing more is needed. */
  get isMet(): boolean {
    return this.#names?.size === 0
  }

  /** After a manifest. */
  lookAgain(): void {
    const names = this.#look()
    this.#names = names === undefined ? undefined : new Set(names)
  }

  /** After a section. */
  arrived(name: string): void {
    this.#names?.delete(name)
  }
}

/** The tokens that wait for a realm's state, and the order in which its sections are fetched for them. */
export class SectionQueue {
  readonly #needs = new Set<SectionDemand>()

  add(need: SectionDemand): void {
    this.#needs.add(need)
  }

  delete(need: SectionDemand): void {
    this.#needs.delete(need)
  }

  lookAgain(): void {
    for (const need of this.#needs) need.lookAgain()
  }

  arrived(name: string): void {
    for (const need of this.#needs) need.arrived(name)
  }

  /** Takes the name to fetch next out of those left: one that somebody waits for, else the first. `undefined`: none is left. */
  next(left: Set<string>): string | undefined {
    for (const { names } of this.#needs) for (const name of names) if (left.delete(name)) return name
    for (const name of left) {
      left.delete(name)
      return name
    }
    return undefined
  }
}
