// A place for content that must be fetched: it shows that it loads, the content, or the error.

import { wordsFor } from '../parts/api.ts'
import { type Child, fill, h } from '../parts/dom.ts'
import { notice } from '../parts/notice.ts'

/** Id of the heading of the section that is shown. */
export const SECTION_TITLE = 'section-title'

export class Panel<T> {
  readonly element = h('div', { class: 'region', 'aria-busy': true }, h('p', { class: 'loading' }, 'Loading…'))
  readonly #load: () => Promise<T>
  readonly #show: (value: T) => readonly Child[]
  #turn = 0
  /** The value that is shown, as JSON. */
  #shown: string | undefined

  constructor(load: () => Promise<T>, show: (value: T) => readonly Child[]) {
    this.#load = load
    this.#show = show
  }

  /** Loads again; the old value stays until the new one is there. The last call wins. */
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

  /** Keeps the focus where it is unless the value has changed. */
  #fill(value: T): void {
    // `undefined` is no JSON but becomes a string too, so an empty value is shown the first time.
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

  /** Moves the focus to the button of the same name as before, else to the head of the section. */
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
