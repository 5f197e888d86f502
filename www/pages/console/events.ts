// The audit log, newest first.

import { type Child, fill, h } from '../parts/dom.ts'
import { emptyState } from '../parts/notice.ts'
import { visible } from '../parts/token.ts'
import type { AuditLine, EventFilter } from './administration.ts'
import { addressOf, type Desk, type Section } from './desk.ts'
import { Panel } from './panel.ts'
import { type Column, table } from './table.ts'
import { identifier, moment, nothing } from './words.ts'

export const eventsSection: Section = { name: 'events', title: 'Audit log', open }

const LINES_A_PAGE = 25

type Searched = Pick<EventFilter, 'action' | 'actor' | 'subject'>

function open(desk: Desk, _rest: string | undefined, parameters: URLSearchParams): readonly Node[] {
  const filter: Searched = {}
  for (const name of ['action', 'actor', 'subject'] as const) {
    const value = parameters.get(name)
    if (value !== null && value !== '') filter[name] = value
  }
  /** The `before` of each earlier page; `undefined` is the newest page. */
  const pages: (number | undefined)[] = [undefined]
  const panel = new Panel(
    () => {
      const before = pages.at(-1)
      return desk.administration.events({ ...filter, ...(before === undefined ? {} : { before }), max: LINES_A_PAGE })
    },
    ({ lines, more }) => [
      lines.length > 0
        ? table('Audit log', columnsOf(desk), lines)
        : emptyState(
            'Nothing found',
            Object.keys(filter).length === 0 ? 'Nothing has happened yet.' : 'No entry matches all fields.',
          ),
      turning(lines, more),
    ],
  )

  function turning(lines: readonly AuditLine[], more: boolean): Child {
    if (pages.length === 1 && !more) return undefined
    const newer = (): void => void (pages.pop(), panel.refresh())
    const older = (): void => void (pages.push(lines.at(-1)?.id), panel.refresh())
    return h(
      'nav',
      { class: 'row', 'aria-label': 'Pages of the audit log' },
      h('button', { type: 'button', disabled: pages.length === 1, on: { click: newer } }, 'Newer'),
      h('button', { type: 'button', disabled: !more, on: { click: older } }, 'Older'),
      h('span', { class: 'hint' }, `Page ${pages.length}`),
    )
  }

  void panel.refresh()
  return [searchForm(desk, filter), panel.element]
}

/** Keeps the search in the URL, so that the back button restores it. */
function searchForm(desk: Desk, filter: Searched): HTMLFormElement {
  const action = h('select', { id: 'event-action', name: 'action' }, h('option', { value: '' }, 'any'))
  void fillActions(desk, action, filter.action)
  const actor = h('input', {
    id: 'event-actor',
    name: 'actor',
    autocomplete: 'off',
    value: filter.actor,
    placeholder: 'admin:…',
    maxlength: 1_024,
  })
  const subject = h('input', {
    id: 'event-subject',
    name: 'subject',
    autocomplete: 'off',
    value: filter.subject,
    maxlength: 1_024,
  })
  const field = (label: string, input: HTMLElement): HTMLElement =>
    h('div', { class: 'field' }, h('label', { for: input.id }, label), input)
  const form = h(
    'form',
    { class: 'search', role: 'search' },
    field('Action', action),
    field('Actor', actor),
    field('Subject', subject),
    h('button', { type: 'submit' }, 'Search'),
    h(
      'button',
      { type: 'button', class: 'quiet', on: { click: () => (location.hash = addressOf('events')) } },
      'Clear',
    ),
  )
  form.addEventListener('submit', (event) => {
    event.preventDefault()
    const given = [...new FormData(form)].flatMap(([name, value]) => {
      const text = String(value).trim()
      return text === '' ? [] : [[name, text] as const]
    })
    const address = addressOf('events', undefined, Object.fromEntries(given))
    // Submitting the same search again must search again.
    if (location.hash === address) dispatchEvent(new HashChangeEvent('hashchange'))
    else location.hash = address
  })
  return form
}

async function fillActions(desk: Desk, select: HTMLSelectElement, chosen: string | undefined): Promise<void> {
  // Without the list of actions, the other fields still work.
  const actions = await desk.administration.auditActions().catch((): string[] => [])
  const all = chosen === undefined || actions.includes(chosen) ? actions : [chosen, ...actions]
  fill(
    select,
    h('option', { value: '' }, 'any'),
    ...all.map((each) => h('option', { value: each }, each.replaceAll('_', ' '))),
  )
  select.value = chosen ?? ''
}

function columnsOf(desk: Desk): readonly Column<AuditLine>[] {
  return [
    { title: 'Action', kind: 'row', cell: ({ action }) => action.replaceAll('_', ' ') },
    { title: 'When', cell: ({ at }) => moment(at) },
    { title: 'Actor', cell: ({ actor }) => named(desk, actor) },
    { title: 'Subject', cell: ({ subject }) => named(desk, subject) },
    {
      title: 'Reason',
      cell: ({ reason, detail }) =>
        (reason === undefined ? undefined : visible(reason)) ?? (detail === undefined ? nothing() : identifier(detail)),
    },
    { title: 'Address', cell: ({ address }) => address ?? nothing() },
    {
      title: 'Sequence',
      kind: 'number',
      cell: ({ sequence }) => (sequence === undefined ? nothing() : String(sequence)),
    },
  ]
}

/** Renders a name such as `admin:<sub>`, with the user's name where it is known. */
function named(desk: Desk, text: string | undefined): HTMLElement {
  if (text === undefined) return nothing()
  const [, kind = '', id = ''] = /^((?:admin|user):)?(.*)$/.exec(text) ?? []
  const name = desk.nameOf(id)
  return name === undefined ? identifier(text) : h('span', { title: text }, `${kind}${name}`)
}
