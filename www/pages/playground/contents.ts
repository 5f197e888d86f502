// Shows the token's header and claims as text, safely for any content.

import { fill, h, say } from '../parts/dom.ts'
import { MAX_SHOWN_CHARACTERS, readToken, shownValue, visible } from '../parts/token.ts'
import type { Judgement } from './live.ts'

const TIMES = new Set(['exp', 'iat', 'nbf', 'auth_time', 'last_logout_time'])

const SIGNED = 'The signature is valid: the issuer wrote this.'
const UNSIGNED = 'The signature was not verified: anyone may have written this.'

export function showContents(): { element: HTMLElement; update(judgement: Judgement): void } {
  const body = h('div', { class: 'contents' })
  const caution = h('p', { class: 'hint' })
  const element = h(
    'section',
    { class: 'panel stack', 'aria-labelledby': 'contents-title' },
    h('h2', { id: 'contents-title' }, 'Contents of the token'),
    caution,
    body,
  )
  let shown: string | undefined
  return {
    element,
    update({ token, checks }) {
      caution.hidden = token === ''
      const signed = checks.some(({ check, outcome }) => check === 'signature' && outcome === 'passed')
      say(caution, signed ? SIGNED : UNSIGNED)
      if (token === shown) return
      shown = token
      if (token === '') fill(body, h('p', { class: 'soft' }, 'Its header and claims will appear here.'))
      else if (token.length > MAX_SHOWN_CHARACTERS) fill(body, h('p', {}, 'Too long to show.'))
      else fill(body, part('Header', readToken(token).header), part('Claims', readToken(token).claims))
    },
  }
}

function part(title: string, members: Record<string, unknown> | undefined): HTMLElement {
  const content = members === undefined ? h('p', { class: 'soft' }, 'Cannot be parsed.') : table(title, members)
  return h('div', { class: 'token-part' }, h('h3', {}, title), content)
}

function table(title: string, members: Record<string, unknown>): HTMLElement {
  const rows = Object.entries(members).map(([name, value]) => {
    const head = h('th', { scope: 'row' }, h('bdi', {}, visible(name)))
    return h('tr', {}, head, h('td', {}, h('bdi', {}, shownValue(value)), timeOf(name, value)))
  })
  if (rows.length === 0) return h('p', { class: 'soft' }, 'Empty.')
  return h('table', { class: 'members', 'aria-label': title }, h('tbody', {}, ...rows))
}

/** Renders a NumericDate (RFC 7519 §2) as a readable time. */
function timeOf(name: string, value: unknown): HTMLElement | undefined {
  if (!TIMES.has(name) || typeof value !== 'number') return undefined
  const date = new Date(value * 1000)
  if (Number.isNaN(date.getTime())) return undefined
  return h('span', { class: 'soft when' }, date.toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'medium' }))
}
