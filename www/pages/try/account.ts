// The logged-in user, and the buttons that log out.

import { wordsFor } from '../parts/api.ts'
import { type Child, fill, h } from '../parts/dom.ts'
import { loginForm } from '../parts/login.ts'
import { notice } from '../parts/notice.ts'
import { endingWords } from './journal.ts'
import type { Tab } from './tab.ts'

/** Renders again only after a login or logout, so that the focus stays where it is. */
export function showAccount(tab: Tab): { element: HTMLElement; update(): void } {
  const body = h('div', { class: 'stack' })
  const element = h(
    'section',
    { class: 'panel', 'aria-labelledby': 'account-title', tabindex: -1 },
    h('h2', { id: 'account-title' }, 'This tab'),
    body,
  )
  let shown: string | undefined
  return {
    element,
    update() {
      const state = JSON.stringify([tab.user, tab.others, tab.ending])
      if (state === shown) return
      const hadFocus = body.contains(document.activeElement)
      shown = state
      fill(body, ...(tab.user === undefined ? signedOut(tab) : signedIn(tab, tab.user)))
      // The focused element is gone, so the panel gets the focus.
      if (hadFocus && !body.contains(document.activeElement)) element.focus()
    },
  }
}

function signedIn(tab: Tab, user: string): Child[] {
  const problem = h('div', { role: 'alert' })
  const act = (action: () => Promise<void>) => (): void => {
    fill(problem)
    action().catch((error: unknown) => fill(problem, notice('error', wordsFor(error))))
  }
  const button = (title: string, kind: string, action: () => Promise<void>): HTMLButtonElement => {
    return h('button', { type: 'button', class: kind, on: { click: act(action) } }, title)
  }
  return [
    h('p', { class: 'who', role: 'status' }, 'Logged in as ', h('strong', {}, user)),
    h(
      'div',
      { class: 'row' },
      button('Log out here', 'primary', () => tab.logOut()),
      button('Log out everywhere', 'danger', () => tab.logOutEverywhere()),
    ),
    h(
      'p',
      { class: 'hint' },
      'Here: in this browser. Everywhere: on every device, by a request of the demo’s administrator.',
    ),
    problem,
  ]
}

function signedOut(tab: Tab): Child[] {
  const { ending } = tab
  const joiners = tab.others.map((user) => {
    return h('button', { type: 'button', on: { click: () => void tab.join(user) } }, `Continue as ${user}`)
  })
  const already = h('p', {}, 'Already logged in in another tab:')
  return [
    ending && h('p', { class: 'notice', 'data-kind': 'info', role: 'status' }, endingWords(ending)),
    joiners.length === 0 ? undefined : h('div', { class: 'stack' }, already, h('div', { class: 'row' }, ...joiners)),
    loginForm({ users: tab.users, onLogin: (user, password) => tab.logIn(user, password) }),
  ]
}
