// Makes elements. Text goes in as text, so nothing that a token or a server says becomes markup.

export type Child = Node | string | number | undefined

interface Properties {
  class?: string
  /** Event listeners of the element. */
  on?: { [E in keyof HTMLElementEventMap]?: (event: HTMLElementEventMap[E]) => void }
  /** Attributes by their names; `true` sets one without a value, `false` and `undefined` none. */
  [attribute: string]: string | number | boolean | undefined | object
}

/** Attributes that are code or could lead to some; refused here, to be set by hand after thought. */
const CODE = /^(?:on|style$|src$|srcdoc$|href$|action$|formaction$)/i

/** An element with its attributes and children; strings and numbers become text. */
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
    if (CODE.test(attribute)) throw new TypeError(`${attribute} is not set here`)
    if (value === undefined || value === false) continue
    element.setAttribute(attribute, value === true ? '' : String(value))
  }
  element.append(...nodesOf(children))
  return element
}

/** A link to a path of this origin. */
export function link(path: `/${string}`, ...children: readonly Child[]): HTMLAnchorElement {
  const element = h('a', {}, ...children)
  element.href = path
  return element
}

/** Text with code in backquotes, as in the pages of www/docs. */
export function prose(text: string): HTMLSpanElement {
  return h('span', {}, ...text.split('`').map((part, index) => (index % 2 === 1 ? h('code', {}, part) : part)))
}

/** Replaces all children of an element. */
export function fill(element: Element, ...children: readonly Child[]): void {
  element.replaceChildren(...nodesOf(children))
}

/** Sets the text of an element if it differs, so that nothing is announced twice. */
export function say(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text
}

/** The place that a page fills. */
export function pageElement(): HTMLElement {
  const element = document.getElementById('page')
  if (element === null) throw new Error('the page has no place for its content')
  return element
}

function nodesOf(children: readonly Child[]): (Node | string)[] {
  return children.filter((child) => child !== undefined).map((child) => (child instanceof Node ? child : String(child)))
}
