// The last response of the protected API.

import { fill, h, say } from '../parts/dom.ts'
import { shownValue } from '../parts/token.ts'
import type { ApiAnswer, Tab } from './tab.ts'

/** The claims that identify user, session and token. */
const SHOWN_CLAIMS = ['preferred_username', 'sub', 'sid', 'jti'] as const

const UNREACHABLE = 'The edge cannot be reached. Is the demo still running?'

export function showAnswer(tab: Tab): { element: HTMLElement; update(): void } {
  const word = h('p', { class: 'verdict-word' })
  const text = h('p', {})
  const claims = h('div', {})
  const call = h('button', { type: 'button', on: { click: () => void tab.call() } }, 'Call the API')
  const repeat = h('input', { type: 'checkbox', id: 'repeat', on: { change: () => tab.keepCalling(repeat.checked) } })
  const element = h(
    'section',
    { class: 'panel stack', 'aria-labelledby': 'answer-title' },
    h('h2', { id: 'answer-title' }, 'The API at the edge'),
    h('div', { class: 'verdict' }, h('div', { role: 'status' }, word), text, claims),
    h('div', { class: 'row' }, call, h('label', { class: 'check-box', for: 'repeat' }, repeat, 'Call every second')),
  )
  let shownClaims = ''
  return {
    element,
    update() {
      const { answer } = tab
      call.disabled = tab.user === undefined
      element.dataset['verdict'] = answer === undefined ? 'none' : answer.kind === 'silent' ? 'silent' : answer.kind
      const [title, sentence] = words(answer)
      say(word, title)
      word.hidden = title === ''
      say(text, sentence)
      const rows = answer?.kind === 'accepted' ? rowsOf(answer.claims) : []
      const key = JSON.stringify(rows)
      if (key === shownClaims) return
      shownClaims = key
      fill(claims, rows.length === 0 ? undefined : tableOf(rows))
    },
  }
}

function words(answer: ApiAnswer | undefined): [title: string, sentence: string] {
  switch (answer?.kind) {
    case undefined:
      return ['', 'Not called yet. After a login, GET /api/whoami is called with your token.']
    case 'accepted':
      return ['200', `Accepted after ${answer.milliseconds} ms, at sequence ${answer.sequence} of the ledger.`]
    case 'refused':
      return [`${answer.status} ${answer.error}`, answer.description]
    case 'silent':
      return ['No response', navigator.onLine ? UNREACHABLE : 'This browser is offline.']
  }
}

function rowsOf(claims: Record<string, unknown>): [name: string, value: string][] {
  return SHOWN_CLAIMS.map((name) => [name, shownValue(claims[name] ?? null)])
}

function tableOf(rows: readonly [string, string][]): HTMLTableElement {
  const cells = rows.map(([name, value]) => {
    return h('tr', {}, h('th', { scope: 'row' }, name), h('td', {}, h('bdi', {}, value)))
  })
  return h('table', { class: 'members', 'aria-label': 'Claims that the edge saw' }, h('tbody', {}, ...cells))
}
