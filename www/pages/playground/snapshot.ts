// State of this page's gate: its revocations and their age.

import { fill, h, say } from '../parts/dom.ts'
import { notice } from '../parts/notice.ts'
import type { LiveStatus } from './live.ts'

export function showSnapshot(): { element: HTMLElement; update(status: LiveStatus): void } {
  const facts = {
    feed: fact('Feed', 'Pushed to this page as it happens.'),
    sequence: fact('Sequence', 'The position in the ledger.'),
    age: fact('Age', 'Since the origin’s latest statement.'),
    tokenIds: fact('Token ids', 'Revoked one by one.'),
    epochs: fact('Not-befores', 'Of users and sessions.'),
    live: fact('Live changes', 'On top of the sections.'),
    bytes: fact('Sections', 'Filters and tables, in bytes.'),
    errorRate: fact('Error rate', 'Valid tokens refused by mistake.'),
  }
  const problem = h('div', { role: 'status' })
  const element = h(
    'section',
    { class: 'panel stack', 'aria-labelledby': 'snapshot-title' },
    h('h2', { id: 'snapshot-title' }, 'State of this gate'),
    h('dl', { class: 'facts' }, ...Object.values(facts).map(({ element }) => element)),
    problem,
  )
  let said: string | undefined
  return {
    element,
    update({ state, problem: message }) {
      const age = state?.ageSeconds
      say(facts.feed.value, age === undefined ? 'connecting' : age <= 5 ? 'live' : 'silent')
      say(facts.sequence.value, state?.loaded ? grouped(state.sequence) : '–')
      say(facts.age.value, age === undefined ? '–' : `${Math.max(0, Math.round(age))} s`)
      say(facts.tokenIds.value, grouped(state?.tokenIds ?? 0))
      say(facts.epochs.value, grouped(state?.epochs ?? 0))
      say(facts.live.value, grouped(state?.liveEntries ?? 0))
      say(facts.bytes.value, grouped(state?.sectionBytes ?? 0))
      say(facts.errorRate.value, rate(state?.errorRate ?? 0))
      if (message === said) return
      said = message
      fill(problem, message === undefined ? undefined : notice('warning', `${message}. Retrying.`))
    },
  }
}

function fact(title: string, hint: string): { element: HTMLElement; value: HTMLElement } {
  const value = h('dd', {}, '–')
  return { element: h('div', {}, h('dt', {}, title), value, h('dd', { class: 'hint' }, hint)), value }
}

function grouped(count: number): string {
  return count.toLocaleString('en')
}

function rate(share: number): string {
  return share === 0 ? 'none' : `1 in ${grouped(Number((1 / share).toPrecision(2)))}`
}
