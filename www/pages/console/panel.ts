// A panel for fetched content: shows a loading message, the content, or an error.

import { wordsFor } from '../parts/api.ts'
import { type Child, fill, h } from '../parts/dom.ts'
import { notice } from '../parts/notice.ts'

/** Id of the displayed section's heading. */
export const SECTION_TITLE = 'section-title'

export class Panel<T> {
  readonly element = h('div', { class: 'region', 'aria-busy': true }, h('p', { class: 'loading' }, 'Loading…'))
  readonly #load: () => Promise<T>
  readonly #show: (value: T) => readonly Child[]
  #turn = 0
  /** The displayed value, as JSON. */
  #shown: string | undefined

  constructor(load: () => Promise<T>, show: (value: T) => readonly Child[]) {
    this.#load = load
    this.#show = show
  }

  /** Loads the content again. The old value stays until the new one arrives. The last call wins. */
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
      // A response of an unexpected form cannot be rendered.
      this.#fail(error)
    }
    this.element.removeAttribute('aria-busy')
  }

  /** Renders the value; if it has not changed, nothing moves, so the focus stays. */
  #fill(value: T): void {
    // `undefined` has no JSON form; as a string it differs from the initial state, so it is rendered the first time.
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

  /** Moves the focus to the button with the same name as before, otherwise to the section's heading. */
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
