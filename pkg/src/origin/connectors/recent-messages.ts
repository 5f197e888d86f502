/** More messages than arrive during the few minutes for which one is valid, even when a whole realm logs out. */
const MAX_MESSAGES = 10_000

/**
 * The ids of messages whose effect is durable. A replayed message has no second effect: it neither moves a session's
 * end nor undoes an administrator's correction. Bounded, and lost when the process ends: a message that is not
 * remembered is recorded once more, with the same effect.
 */
export class RecentMessages {
  readonly #ids = new Set<string>()

  has(id: string): boolean {
    return this.#ids.has(id)
  }

  add(id: string): void {
    this.#ids.delete(id)
    this.#ids.add(id)
    if (this.#ids.size > MAX_MESSAGES) this.#ids.delete(this.#ids.values().next().value ?? '')
  }
}
