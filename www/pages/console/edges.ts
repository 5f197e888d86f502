// The edges, and up to which sequence each one enforces the ledger.

import { h } from '../parts/dom.ts'
import { emptyState } from '../parts/notice.ts'
import type { Edge } from './administration.ts'
import type { Desk, Section } from './desk.ts'
import { every } from './every.ts'
import { Panel } from './panel.ts'
import { type Column, table } from './table.ts'
import { badge, count, moment, nothing } from './words.ts'

export const edgesSection: Section = { name: 'edges', title: 'Edges', open }

const REFRESH_SECONDS = 2

function open(desk: Desk): readonly Node[] {
  const panel = new Panel(
    () => desk.administration.edges(),
    (edges) => {
      if (edges.length === 0)
        return [emptyState('No edges', 'No edges are configured, so enforcement cannot be confirmed.')]
      const heads = edges.flatMap(({ sequence, behindBy }) =>
        sequence === undefined || behindBy === undefined ? [] : [sequence + behindBy],
      )
      const head =
        heads.length === 0
          ? undefined
          : h('p', {}, 'The ledger is at sequence ', h('strong', {}, String(Math.max(...heads))), '.')
      return [head, table('Edges', COLUMNS, edges)]
    },
  )
  every(REFRESH_SECONDS, desk.signal, () => panel.refresh())
  return [
    h(
      'p',
      { class: 'hint prose' },
      'A change counts as enforced once an edge acknowledges it with its secret; a push alone does not. An edge with an older ' +
        'wire format gets a stricter substitute for each feature that the format lacks.',
    ),
    panel.element,
  ]
}

const COLUMNS: readonly Column<Edge>[] = [
  { title: 'Edge', kind: 'row', cell: ({ name }) => name },
  {
    title: 'State',
    cell: ({ state }) => badge(state === 'current' ? 'good' : state === 'behind' ? 'warning' : 'error', STATES[state]),
  },
  {
    title: 'Acknowledged sequence',
    kind: 'number',
    cell: ({ sequence }) => (sequence === undefined ? nothing() : String(sequence)),
  },
  {
    title: 'Changes behind',
    kind: 'number',
    cell: ({ behindBy }) => (behindBy === undefined ? nothing() : count(behindBy)),
  },
  {
    title: 'Wire format',
    cell: ({ minor }) => (minor === undefined ? nothing() : `1.${minor}`),
  },
  {
    title: 'Acknowledged at',
    cell: ({ acknowledgedAt }) => (acknowledgedAt === undefined ? nothing() : moment(acknowledgedAt)),
  },
]

const STATES: Readonly<Record<Edge['state'], string>> = {
  current: 'Current',
  behind: 'Behind',
  silent: 'Silent',
  unheard: 'Never acknowledged',
}
