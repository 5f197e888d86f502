// The token field: a token is pasted, or issued to one of the demo's users.

import { type Demo, logIn, wordsFor } from '../parts/api.ts'
import { fill, h } from '../parts/dom.ts'
import { passwordOf } from '../parts/login.ts'
import { notice } from '../parts/notice.ts'

const USERS = ['alice', 'bob'] as const

/** Reports every change; drops white space around the token, which is easily copied along. */
export function showTokenField(demo: Demo, onToken: (token: string) => void): { element: HTMLElement } {
  const area = h('textarea', {
    id: 'token',
    rows: 6,
    spellcheck: 'false',
    autocomplete: 'off',
    autocapitalize: 'off',
    placeholder: 'eyJhbGciOi…',
    'aria-describedby': 'token-hint',
    on: { input: () => onToken(area.value.trim()) },
  })
  const problem = h('div', { role: 'alert' })

  async function take(user: string): Promise<void> {
    fill(problem)
    try {
      const { access_token: token } = await logIn(demo, user, passwordOf(user))
      put(token)
    } catch (error) {
      fill(problem, notice('error', wordsFor(error)))
    }
  }

  function put(token: string): void {
    area.value = token
    onToken(token)
  }

  const takers = USERS.map((user) => {
    return h('button', { type: 'button', on: { click: () => void take(user) } }, `Log in as ${user}`)
  })
  const clear = h('button', { type: 'button', class: 'quiet', on: { click: () => (put(''), area.focus()) } }, 'Clear')
  const element = h(
    'section',
    { class: 'panel stack', 'aria-labelledby': 'token-title' },
    h('h2', { id: 'token-title' }, 'Token'),
    h(
      'div',
      { class: 'field' },
      h('label', { for: 'token' }, 'Access token'),
      area,
      h(
        'p',
        { class: 'hint', id: 'token-hint' },
        h('strong', {}, 'The token never leaves this page.'),
        ' The gate runs here, as WebAssembly. It only fetches the feed of revocations, which also carries',
        ' the issuer’s keys.',
      ),
    ),
    h('div', { class: 'row' }, ...takers, clear),
    problem,
  )
  return { element }
}
