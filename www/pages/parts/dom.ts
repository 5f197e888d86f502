// Creates elements. Strings are inserted as text nodes, so nothing from a token or a server becomes markup.

export type Child = Node | string | number | undefined

interface Properties {
  class?: string
  /** Event listeners of the element. */
  on?: { [E in keyof HTMLElementEventMap]?: (event: HTMLElementEventMap[E]) => void }
  /** Attributes by name; `true` sets one without a value, `false` and `undefined` set none. */
  [attribute: string]: string | number | boolean | undefined | object
}

/** Attributes that contain or load code. `h` refuses them; set them explicitly after review. */
const CODE = /^(?:on|style$|src$|srcdoc$|href$|action$|formaction$)/i

/** Creates an element with attributes and children; strings and numbers become text nodes. */
export function h<N extends keyof HTMLElementTagNameMap>(
  name: N,
  properties: Properties = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[N] {
  const element = document.createElement(name)
  const { class: classes, on = {}, ...attributes } = properties
  if (classes !== undefined) element.className = classes
  for (const [event, listener] of Object.entries(on)) element.addEventListener(event, listener as EventListener)
  for (const [attribute, value] of Object.entries(attributes)) {
    if (CODE.test(attribute)) throw new TypeError(`${attribute} cannot be set by h`)
    if (value === undefined || value === false) continue
    element.setAttribute(attribute, value === true ? '' : String(value))
  }
  element.append(...nodesOf(children))
  return element
}

/** Renders text with code in backquotes, as in the pages of www/docs. */
export function prose(text: string): HTMLSpanElement {
  return h('span', {}, ...text.split('`').map((part, index) => (index % 2 === 1 ? h('code', {}, part) : part)))
}

/** Replaces all children of an element. */
export function fill(element: Element, ...children: readonly Child[]): void {
  element.replaceChildren(...nodesOf(children))
}

/** Sets the text of an element if it differs, so that screen readers do not announce it twice. */
export function say(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text
}

/** Returns the element that a page fills. */
export function pageElement(): HTMLElement {
  const element = document.getElementById('page')
  if (element === null) throw new Error('the page has no element #page')
  return element
}

function nodesOf(children: readonly Child[]): (Node | string)[] {
  return children.filter((child) => child !== undefined).map((child) => (child instanceof Node ? child : String(child)))
}
