// The verdict, with its meaning and fix.

import type { Reason, Verdict } from 'portcullis/edge'
import { REASON_TEXTS } from 'reason-texts'
import { fill, h, prose } from '../parts/dom.ts'
import type { Judgement } from './live.ts'

export function showVerdict(): { element: HTMLElement; update(judgement: Judgement): void } {
  const body = h('div', { role: 'status', class: 'verdict' })
  const element = h(
    'section',
    { class: 'panel', 'aria-labelledby': 'verdict-title', 'data-verdict': 'none' },
    h('h2', { id: 'verdict-title' }, 'Verdict'),
    body,
  )
  let shown = ''
  return {
    element,
    update({ verdict }) {
      // Only on a change: a screen reader reads a live region again whenever it is filled.
      const key = verdict === undefined ? 'none' : verdict.ok ? 'accepted' : verdict.reason
      if (key === shown) return
      shown = key
      element.dataset['verdict'] = verdict === undefined ? 'none' : verdict.ok ? 'accepted' : 'refused'
      fill(body, ...words(verdict))
    },
  }
}

function words(verdict: Verdict | undefined): Node[] {
  if (verdict === undefined) {
    return [h('p', { class: 'soft' }, 'No token yet. Paste one, or log in as one of the demo’s users.')]
  }
  if (verdict.ok) {
    const meaning = 'The edge passes the request on until the token expires or is revoked.'
    return [h('p', { class: 'verdict-word' }, 'Accepted'), h('p', {}, meaning)]
  }
  const { reason, status } = verdict
  const word = h('p', { class: 'verdict-word' }, 'Refused ', h('code', {}, reason))
  const answer = `The edge returns ${status}${status === 503 ? ' with a Retry-After header' : ''}.`
  return [word, ...explanation(reason), h('p', { class: 'soft' }, answer)]
}

/** Returns the usual cause of a reason and its fix. */
function explanation(reason: Reason): Node[] {
  const text = REASON_TEXTS[reason]
  if (text === undefined) return []
  return [
    h('p', {}, h('strong', {}, 'Usual cause: '), prose(text.cause), '.'),
    h('p', {}, h('strong', {}, 'Fix: '), prose(text.fix), '.'),
  ]
}
