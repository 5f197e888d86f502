// The page "Try it": a login shared by all tabs of the same user, and the protected API at the edge.

import { fill, h } from '../parts/dom.ts'
import { startPage } from '../parts/page.ts'
import { showAccount } from './account.ts'
import { showAnswer } from './answer.ts'
import { showJournal } from './journal.ts'
import { Tab } from './tab.ts'

/** The users who can log in here. */
const USERS = ['alice', 'bob'] as const

void startPage(async (place, demo) => {
  const tab = await Tab.open(demo, USERS)
  const journal = showJournal()
  const account = showAccount(tab)
  const answer = showAnswer(tab)
  tab.onEvent((event) => {
    journal.add(event)
    account.update()
    answer.update()
  })
  fill(
    place,
    h(
      'div',
      { class: 'columns' },
      h('div', { class: 'stack-wide' }, account.element, answer.element),
      h('div', { class: 'stack-wide' }, suggestion(), journal.element),
    ),
  )
  account.update()
  answer.update()
})

function suggestion(): HTMLElement {
  const second = h('a', { target: '_blank', rel: 'noopener' }, 'a second tab')
  second.href = '/try'
  return h(
    'section',
    { class: 'panel stack', 'aria-labelledby': 'suggestion-title' },
    h('h2', { id: 'suggestion-title' }, 'With two tabs'),
    h(
      'ol',
      { class: 'steps' },
      h('li', {}, 'Open ', second, ' beside this one. Log in there as the same user, or as the other one.'),
      h('li', {}, 'Log out here. Tabs of the same user are logged out at once; the other user’s tabs are not.'),
      h('li', {}, 'Log out everywhere instead. Each tab learns of it from the edge with its next call.'),
    ),
    h(
      'p',
      { class: 'hint' },
      'Tokens are kept in memory: after a reload this tab asks the other tabs for them, or asks you to log in.',
    ),
  )
}
