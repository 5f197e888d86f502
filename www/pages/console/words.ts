// Formats times, names and states for display.

import { h } from '../parts/dom.ts'
import { visible } from '../parts/token.ts'
import type { Enforcement } from './administration.ts'

const MOMENT = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'medium' })
const NUMBER = new Intl.NumberFormat('en')

/** Renders a time given in Unix seconds. */
export function moment(seconds: number): HTMLTimeElement {
  const date = new Date(seconds * 1000)
  return h('time', { datetime: date.toISOString() }, MOMENT.format(date))
}

export function count(value: number): string {
  return NUMBER.format(value)
}

/** Renders an identifier, which may wrap anywhere. */
export function identifier(text: string): HTMLElement {
  return h('code', { class: 'identifier' }, visible(text))
}

export function badge(state: 'good' | 'warning' | 'error' | 'info', text: string): HTMLElement {
  return h('span', { class: 'badge', 'data-kind': state }, text)
}

export function nothing(): HTMLElement {
  return h(
    'span',
    { class: 'nothing' },
    h('span', { class: 'visually-hidden' }, 'none'),
    h('span', { 'aria-hidden': true }, '–'),
  )
}

/** Describes enforcement, such as `Enforced on 2 of 2 edges after 84 ms.` */
export function enforcementWords({ enforced, total, elapsedMs, missing }: Enforcement): string {
  if (total === 0) return 'No edges are configured.'
  const edges = total === 1 ? 'edge' : 'edges'
  const words = `Enforced on ${count(enforced)} of ${count(total)} ${edges} after ${count(elapsedMs)} ms.`
  return missing.length === 0 ? words : `${words} Not acknowledged by ${missing.join(', ')}.`
}
