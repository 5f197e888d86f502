/** The missing sections on which the verdict on one waiting token depends. */
export class SectionDemand {
  readonly #missing: () => string[] | undefined
  #names: Set<string> | undefined

  /** `missing` returns the sections that the token needs; `undefined` while no loaded state names them. */
  constructor(missing: () => string[] | undefined) {
    this.#missing = missing
    this.update()
  }

  /** The names, once they are known. */
  get names(): Iterable<string> {
    return this.#names ?? []
  }

  /** Whether nothing more is needed. */
  get isMet(): boolean {
    return this.#names?.size === 0
  }

  /** Must be called after a manifest. */
  update(): void {
    const names = this.#missing()
    this.#names = names === undefined ? undefined : new Set(names)
  }

  /** Must be called after a section. */
  remove(name: string): void {
    this.#names?.delete(name)
  }
}

/** The demands of tokens that wait for a realm's state; they decide which missing section is fetched next. */
export class SectionQueue {
  readonly #demands = new Set<SectionDemand>()

  add(demand: SectionDemand): void {
    this.#demands.add(demand)
  }

  delete(demand: SectionDemand): void {
    this.#demands.delete(demand)
  }

  /** Must be called after a manifest. */
  update(): void {
    for (const demand of this.#demands) demand.update()
  }

  /** Must be called after a section. */
  remove(name: string): void {
    for (const demand of this.#demands) demand.remove(name)
  }

  /**
   * Removes and returns the next name in `left`: one that a token waits for, else the first; `undefined` if `left` is
   * empty.
   */
  next(left: Set<string>): string | undefined {
    for (const { names } of this.#demands) for (const name of names) if (left.delete(name)) return name
    for (const name of left) {
      left.delete(name)
      return name
    }
    return undefined
  }
}
