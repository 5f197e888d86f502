// The console: what an administrator sees and ends.

import 'uplot/dist/uPlot.min.css'
import './console.css'
import type { Demo } from '../parts/api.ts'
import { fill, h } from '../parts/dom.ts'
import { loginForm } from '../parts/login.ts'
import { notice } from '../parts/notice.ts'
import { startPage } from '../parts/page.ts'
import { AdminSession } from './session.ts'
import { openWorkbench } from './workbench.ts'

void startPage((place, demo) => showLogin(place, demo))

/** `words`: why one is here again. */
function showLogin(place: HTMLElement, demo: Demo, words?: string): void {
  const said = h('div', { role: 'status' })
  const onLogin = async (username: string, password: string): Promise<void> => {
    const loggedIn = new AbortController()
    const leave = (why?: string): void => {
      if (loggedIn.signal.aborted) return
      loggedIn.abort()
      showLogin(place, demo, why)
    }
    const session = new AdminSession(demo, () => leave('Your login was ended. Log in again to go on.'))
    await session.logIn(username, password)
    const onOwnLogin = (done: string): void => {
      leave(`${done} That ended your own login, too.`)
      session.end()
    }
    const onLogOut = (): void => {
      leave('You are logged out.')
      void session.logOut()
    }
    fill(place, ...openWorkbench({ demo, session, onOwnLogin, onLogOut, signal: loggedIn.signal }))
  }
  const form = loginForm({ users: ['admin'], action: 'Log in', onLogin })
  fill(place, said, h('div', { class: 'panel entrance' }, h('h2', {}, 'Log in as an administrator'), form))
  if (words === undefined) return
  fill(said, notice('info', words))
  form.querySelector('button')?.focus()
}
