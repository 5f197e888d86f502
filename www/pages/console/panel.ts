// A place for what must be asked for first: it shows that it loads, what came, or what went wrong.

import { wordsFor } from '../parts/api.ts'
import { type Child, fill, h } from '../parts/dom.ts'
import { notice } from '../parts/notice.ts'

/** The heading of what is shown. */
export const SECTION_TITLE = 'section-title'

export class Panel<T> {
  readonly element = h('div', { class: 'region', 'aria-busy': true }, h('p', { class: 'loading' }, 'Loading…'))
  readonly #load: () => Promise<T>
  readonly #show: (value: T) => readonly Child[]
  #turn = 0
  /** What is shown, as JSON. */
  #shown: string | undefined

  constructor(load: () => Promise<T>, show: (value: T) => readonly Child[]) {
    this.#load = load
    this.#show = show
  }

  /** Asks again; until there is an answer, what was shown stays. The last one who asks wins. */
  async refresh(): Promise<void> {
    this.#turn += 1
    const turn = this.#turn
    this.element.setAttribute('aria-busy', 'true')
    const answer = await this.#load().then(
      (value) => ({ value }),
      (error: unknown) => ({ error }),
    )
    if (turn !== this.#turn) return
    try {
      if ('error' in answer) throw answer.error
      this.#fill(answer.value)
    } catch (error) {
      // An answer of another form than the origin's cannot be shown.
      this.#fail(error)
    }
    this.element.removeAttribute('aria-busy')
  }

  /** Whoever is at one of its buttons stays there, unless there is something new. */
  #fill(value: T): void {
    // Also of what is no JSON, so that nothing is something new, too.
    const shown = String(JSON.stringify(value))
    if (shown === this.#shown) return
    this.#shown = shown
    this.#put(...this.#show(value))
  }

  #fail(error: unknown): void {
    const words = wordsFor(error)
    if (words === this.#shown) return
    this.#shown = words
    const again = h('button', { type: 'button', on: { click: () => void this.refresh() } }, 'Try again')
    this.#put(h('div', { role: 'alert' }, notice('error', words)), again)
  }

  /** Whoever was at a button is at the one of the same name again, else at the head of the section. */
  #put(...content: readonly Child[]): void {
    const left = this.element.contains(document.activeElement) ? document.activeElement : null
    fill(this.element, ...content)
    if (left === null) return
    const same = [...this.element.querySelectorAll<HTMLElement>('button:enabled, a')].find(
      (each) => nameOf(each) === nameOf(left),
    )
    ;(same ?? document.getElementById(SECTION_TITLE))?.focus({ preventScroll: true })
  }
}

function nameOf(element: Element): string | null {
  return element.getAttribute('aria-label') ?? element.textContent
}
