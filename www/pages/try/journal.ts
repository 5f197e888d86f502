// Events of this tab, newest first.

import type { LoggedOut, SignOutReason } from 'portcullis/browser'
import { h, say } from '../parts/dom.ts'
import type { TabEvent } from './tab.ts'

const MAX_ENTRIES = 50

const SINCE = { asked: 'after your request', heard: 'after this tab was notified' } as const

interface Entry {
  text: string
  times: number
  time: HTMLElement
  count: HTMLElement
}

export function showJournal(): { element: HTMLElement; add(event: TabEvent): void } {
  const list = h('ol', { class: 'journal', 'aria-labelledby': 'journal-title' })
  const empty = h('p', { class: 'soft' }, 'Nothing yet.')
  const element = h(
    'section',
    { class: 'panel', 'aria-labelledby': 'journal-title' },
    h('h2', { id: 'journal-title' }, 'What happened here'),
    empty,
    list,
  )
  let newest: Entry | undefined
  return {
    element,
    add(event) {
      const said = wordsOf(event)
      if (said === undefined) return
      empty.remove()
      const [kind, text] = said
      // Consecutive calls with the same outcome share a line.
      if (newest?.text === text) {
        newest.times += 1
        say(newest.count, ` × ${newest.times}`)
        say(newest.time, clock())
        return
      }
      newest = { text, times: 1, time: h('time', {}, clock()), count: h('span', { class: 'soft' }) }
      list.prepend(h('li', { 'data-kind': kind }, newest.time, h('span', {}, text, newest.count)))
      while (list.children.length > MAX_ENTRIES) list.lastElementChild?.remove()
    },
  }
}

/** Describes why a tab was signed out. */
export function endingWords(reason: SignOutReason): string {
  switch (reason) {
    case 'logout':
      return 'You logged out in this tab.'
    case 'other_tab':
      return 'You were logged out in another tab.'
    case 'refused':
      return 'The issuer no longer accepts this login: it was ended elsewhere.'
    case 'expired':
      return 'This login expired.'
    case 'compromised':
      return 'This login was reported as compromised.'
  }
}

function wordsOf(event: TabEvent): [kind: 'good' | 'error' | 'info', text: string] | undefined {
  switch (event.kind) {
    case 'signed-in':
      return ['info', `Logged in as ${event.user}`]
    case 'refreshed':
      return ['info', `New tokens for ${event.user}`]
    case 'signed-out':
      return ['info', endingWords(event.reason)]
    case 'logged-out':
      return outcomeWords(event.outcome)
    case 'logged-out-everywhere':
      return ['info', `The origin logged ${event.user} out everywhere`]
    case 'answer':
      return answerWords(event)
    case 'enforced':
      return ['good', `The edge refuses ${event.user}’s old token: ${event.milliseconds} ms ${SINCE[event.since]}`]
    case 'not-enforced':
      return ['error', `No refusal of ${event.user}’s old token by the edge was seen within 5 s`]
    case 'others':
      return undefined
  }
}

function answerWords({ answer }: TabEvent & { kind: 'answer' }): [kind: 'good' | 'error', text: string] {
  switch (answer.kind) {
    case 'accepted':
      return ['good', 'The API returned 200']
    case 'refused':
      return ['error', `The API returned ${answer.status} ${answer.error}`]
    case 'silent':
      return ['error', 'The API did not respond']
  }
}

function outcomeWords(outcome: LoggedOut): [kind: 'good' | 'error', text: string] {
  if (outcome.revoked) return ['good', 'The origin revoked the tokens, and this browser deleted them']
  return ['error', `This browser deleted the tokens, but they may not be revoked (${outcome.code})`]
}

function clock(): string {
  return new Date().toLocaleTimeString(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit' })
}
