// Messages to the user: a notice stays in its place, a toast disappears.

import { type Child, h } from './dom.ts'

export type NoticeKind = 'info' | 'good' | 'warning' | 'error'

const WORDS: Readonly<Record<NoticeKind, string>> = { info: 'Note', good: 'Done', warning: 'Careful', error: 'Error' }

const TOAST_SECONDS = 6

/** Creates a paragraph that also states its kind in words. */
export function notice(kind: NoticeKind, ...children: readonly Child[]): HTMLParagraphElement {
  return h('p', { class: 'notice', 'data-kind': kind }, h('strong', {}, `${WORDS[kind]}. `), ...children)
}

/** Creates a placeholder for an empty list. */
export function emptyState(title: string, ...children: readonly Child[]): HTMLDivElement {
  return h('div', { class: 'empty' }, h('p', { class: 'empty-title' }, title), h('p', {}, ...children))
}

/** Shows a message for a short time. Errors stay until dismissed. */
export function toast(kind: NoticeKind, text: string): void {
  const on = { click: () => box.remove() }
  const dismiss = h('button', { type: 'button', class: 'quiet', 'aria-label': `Dismiss: ${text}`, on }, 'Dismiss')
  const said = h('p', {}, h('strong', {}, `${WORDS[kind]}. `), text)
  const box = h('div', { class: 'toast', 'data-kind': kind }, said, dismiss)
  document.getElementById('toasts')?.append(box)
  if (kind !== 'error') setTimeout(() => box.remove(), TOAST_SECONDS * 1000)
}
