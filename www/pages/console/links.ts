import { type Child, h } from '../parts/dom.ts'

/** Creates a link within this page. */
export function hashLink(address: string, ...children: readonly Child[]): HTMLAnchorElement {
  const element = h('a', {}, ...children)
  element.href = address.startsWith('#') ? address : '#'
  return element
}
