// Tables that become cards on a narrow page. Explicit roles keep the table semantics under any `display` value.

import { type Child, h } from '../parts/dom.ts'

export interface Column<T> {
  title: string
  cell(row: T): Child | readonly Child[]
  /** `row` marks the row's heading, `actions` its buttons. */
  kind?: 'row' | 'actions' | 'number'
}

export function table<T>(caption: string, columns: readonly Column<T>[], rows: readonly T[]): HTMLElement {
  const head = columns.map(({ title, kind }) =>
    h(
      'th',
      { role: 'columnheader', scope: 'col', class: kind === 'row' ? undefined : kind },
      kind === 'actions' ? h('span', { class: 'visually-hidden' }, title) : title,
    ),
  )
  return h(
    'table',
    { role: 'table', class: 'cards' },
    h('caption', { class: 'visually-hidden' }, caption),
    h('thead', { role: 'rowgroup' }, h('tr', { role: 'row' }, ...head)),
    h(
      'tbody',
      { role: 'rowgroup' },
      ...rows.map((row) => h('tr', { role: 'row' }, ...columns.map((column) => cellOf(column, row)))),
    ),
  )
}

function cellOf<T>({ title, cell, kind }: Column<T>, row: T): HTMLElement {
  const content = cell(row)
  const children = Array.isArray(content) ? (content as readonly Child[]) : [content as Child]
  if (kind === 'row') return h('th', { role: 'rowheader', scope: 'row' }, ...children)
  return h('td', { role: 'cell', class: kind, 'data-label': kind === 'actions' ? undefined : title }, ...children)
}
