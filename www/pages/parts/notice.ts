// Messages to the user.

import { type Child, h } from './dom.ts'

type NoticeKind = 'info' | 'good' | 'warning' | 'error'

const WORDS: Readonly<Record<NoticeKind, string>> = { info: 'Note', good: 'Done', warning: 'Careful', error: 'Error' }

/** Creates a paragraph that also states its kind in words. */
export function notice(kind: NoticeKind, ...children: readonly Child[]): HTMLParagraphElement {
  return h('p', { class: 'notice', 'data-kind': kind }, h('strong', {}, `${WORDS[kind]}. `), ...children)
}

/** Creates a placeholder for an empty list. */
export function emptyState(title: string, ...children: readonly Child[]): HTMLDivElement {
  return h('div', { class: 'empty' }, h('p', { class: 'empty-title' }, title), h('p', {}, ...children))
}
