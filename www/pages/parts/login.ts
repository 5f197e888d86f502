// The login form for demo users.

import { wordsFor } from './api.ts'
import { fill, h } from './dom.ts'
import { notice } from './notice.ts'

interface LoginOptions {
  /** The users who can log in; the first one is selected. */
  users: readonly string[]
  /** Text of the button. Default `Log in`. */
  action?: string
  /** Logs in; the form shows an error that it throws. */
  onLogin: (username: string, password: string) => Promise<void>
}

let forms = 0

/** Returns a demo user's password. */
export function passwordOf(username: string): string {
  return `${username}-password`
}

/** Creates a form with a choice of users, and their passwords filled in. */
export function loginForm({ users, action = 'Log in', onLogin }: LoginOptions): HTMLFormElement {
  forms += 1
  const id = `login-${forms}`
  const [first = ''] = users
  const password = h('input', {
    id: `${id}-password`,
    type: 'password',
    autocomplete: 'current-password',
    required: true,
    'aria-describedby': `${id}-hint`,
  })
  password.value = passwordOf(first)
  const choices = users.map((user) => {
    const on = { change: () => void (password.value = passwordOf(user)) }
    const input = h('input', { type: 'radio', name: `${id}-user`, value: user, checked: user === first, on })
    return h('label', { class: 'choice' }, input, h('span', {}, user))
  })
  const button = h('button', { type: 'submit', class: 'primary' }, action)
  const problem = h('div', { role: 'alert' })
  const form = h(
    'form',
    { class: 'login' },
    h('fieldset', {}, h('legend', {}, 'User'), h('div', { class: 'choices' }, ...choices)),
    h(
      'div',
      { class: 'field' },
      h('label', { for: password.id }, 'Password'),
      password,
      h('p', { class: 'hint', id: `${id}-hint` }, 'Demo passwords are not secret, so it is filled in.'),
    ),
    button,
    problem,
  )
  form.addEventListener('submit', (event) => {
    event.preventDefault()
    const username = String(new FormData(form).get(`${id}-user`))
    void submit(username)
  })

  async function submit(username: string): Promise<void> {
    if (button.getAttribute('aria-disabled') === 'true') return
    button.setAttribute('aria-disabled', 'true')
    fill(problem)
    try {
      await onLogin(username, password.value)
    } catch (error) {
      fill(problem, notice('error', wordsFor(error)))
    } finally {
      button.removeAttribute('aria-disabled')
    }
  }
  return form
}
