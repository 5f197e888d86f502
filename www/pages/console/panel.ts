// A place for what must be asked for first: it shows that it loads, what came, or what went wrong.

import { wordsFor } from '../parts/api.ts'
import { type Child, fill, h } from '../parts/dom.ts'
import { notice } from '../parts/notice.ts'

export class Panel<T> {
  readonly element = h('div', { class: 'region', 'aria-busy': true }, h('p', { class: 'loading' }, 'Loading…'))
  readonly #load: () => Promise<T>
  readonly #show: (value: T) => readonly Child[]
  #turn = 0

  constructor(load: () => Promise<T>, show: (value: T) => readonly Child[]) {
    this.#load = load
    this.#show = show
  }

  /** Asks again; until there is an answer, what was shown stays. The last one who asks wins. */
  async refresh(): Promise<void> {
    this.#turn += 1
    const turn = this.#turn
    this.element.setAttribute('aria-busy', 'true')
    const content = await this.#load().then(this.#show, (error: unknown) => this.#problem(error))
    if (turn !== this.#turn) return
    fill(this.element, ...content)
    this.element.removeAttribute('aria-busy')
  }

  #problem(error: unknown): readonly Child[] {
    const again = h('button', { type: 'button', on: { click: () => void this.refresh() } }, 'Try again')
    return [h('div', { role: 'alert' }, notice('error', wordsFor(error))), again]
  }
}
